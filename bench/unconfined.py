"""The media process with resource limits alone, to measure what confinement costs."""

from collections.abc import Callable
from functools import partial
from typing import Any

from connector.media import worker
from connector.media.worker import self_test
from connector.sandbox.confinement import Level

__all__ = ["main", "self_test"]


def main(confine: Callable[..., Any]) -> None:
    worker.main(partial(confine, level=Level.LIMITS))
