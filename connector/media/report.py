"""What a task has finished while it goes on: others make it playable already."""

from collections.abc import Callable
from time import monotonic

from connector.domain.task import EncodeOutput
from connector.media.channel import Channel

EVERY = 2.0
"""Seconds between two reports; the first is not waited for."""


class Report:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._segments = 0
        self._told = 0.0

    def tell(self, share: float, segments: int, output: Callable[[], EncodeOutput]) -> None:
        """`segments`: how many are finished in every rendition. Says so if there are more of them."""
        if segments == self._segments or (self._segments and monotonic() - self._told < EVERY):
            return
        self._segments, self._told = segments, monotonic()
        self._channel.progress(share, output().model_dump(mode="json"))
