"""What the service tells about its work: one trace per video, measures, and log lines with their facts.

This is the seam, and nothing happens behind it: telemetry is off and costs nothing unless `TELEMETRY` says otherwise
(`otel.py`). What is told holds ids, names of steps, codes and numbers; never a URL with its query, a token, a key, or
what users call their files.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

Fact = str | int | float | bool
Kind = Literal["request", "step"]
"""Of a span: an answer to an HTTP request, or work that a message, an event or the timer started.

It counts only for the outermost span: a span inside another one, the host's included, is internal to that.
"""

MEASURES: dict[str, tuple[str, str]] = {
    "encode.speed": ("x", "Seconds of video that a task encoded in one second, the whole ladder at once"),
    "queue.age": ("s", "How long a message waited before it was read for the first time"),
    "video.time_to_ready": ("s", "From the end of the upload until the video can be played"),
    "video.output_minutes": ("min", "Minutes of a finished video, all its renditions added up"),
    "video.failed": ("{video}", "Videos that failed, by code"),
}
"""Name → unit (UCUM) and meaning."""


class Telemetry:
    """Tells nothing. Safe for several threads; what is current belongs to its thread."""

    @contextmanager
    def invocation(self, parent: str) -> Iterator[None]:  # noqa: ARG002 - this one is silent
        """One call of a function by the Functions host. `parent` is the traceparent of the host's own span for it.

        Spans inside belong to the host's span, or are linked to it. If `parent` is empty, there is no such span.
        """
        yield

    @contextmanager
    def span(
        self,
        name: str,  # noqa: ARG002 - this one is silent
        facts: Mapping[str, Fact],  # noqa: ARG002
        parent: str = "",  # noqa: ARG002
        kind: Kind = "step",  # noqa: ARG002
    ) -> Iterator[None]:
        """Current while the block runs. `parent` is a traceparent from a message or row; if empty, the current span.

        With a `parent` the span is in its trace, and linked to the current span.

        An exception that leaves the block marks the span as failed, with its type and nothing of its text.
        """
        yield

    def add(self, **facts: Fact) -> None:
        """More facts for the current span."""

    def traceparent(self) -> str:
        """The current span, as messages and rows carry it (https://www.w3.org/TR/trace-context/); empty without one."""
        return ""

    def measure(self, name: str, value: float, **facts: Fact) -> None:
        """`name` is one of MEASURES."""
