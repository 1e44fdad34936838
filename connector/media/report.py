"""Reports what a task has finished while it goes on, so that it can be made playable already."""

from collections.abc import Callable
from time import monotonic

from connector.domain.task import EncodeOutput
from connector.sandbox.protocol import Channel

EVERY = 2.0
"""Seconds between two reports; the first one is not delayed."""


class Report:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._segments = 0
        self._reported = 0.0

    def tell(self, share: float, segments: int, output: Callable[[], EncodeOutput]) -> None:
        """Reports the output if there are more segments. `segments`: how many are finished in every rendition."""
        if segments == self._segments or (self._segments and monotonic() - self._reported < EVERY):
            return
        self._segments, self._reported = segments, monotonic()
        self._channel.progress(share, output())
