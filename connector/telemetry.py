"""Defines what the service reports about its work: one trace per video, measures, and log lines with their facts.

This is the interface, and its own implementation does nothing: telemetry is off and costs nothing unless `TELEMETRY`
says otherwise (`otel.py`). Reports contain ids, step names, codes and numbers. They never contain a URL with its query,
a token, a key, or the names of users' files.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

Fact = str | int | float | bool
Kind = Literal["request", "step"]
"""Kind of a span: an answer to an HTTP request, or work that a message, an event or the timer started.

It counts only for the outermost span. A span inside another one, the host's included, is internal to that one.
"""

MEASURES: dict[str, tuple[str, str]] = {
    "encode.speed": ("x", "Seconds of video that a task encoded in one second, the whole ladder at once"),
    "queue.age": ("s", "How long a message waited before it was read for the first time"),
    "video.time_to_ready": ("s", "From the end of the upload until the video can be played"),
    "video.output_minutes": ("min", "Minutes of a finished video, all its renditions added up"),
    "video.failed": ("{video}", "Videos that failed, by code"),
    "orphans.found": ("{video}", "Videos whose row is missing although they were not deleted, found by one search"),
}
"""Measures by name, with unit (UCUM) and meaning."""


class Telemetry:
    """Reports nothing. Safe for several threads; the current span belongs to its thread."""

    @contextmanager
    def invocation(self, parent: str) -> Iterator[None]:  # noqa: ARG002 - this one is silent
        """Surrounds one call of a function by the Functions host. `parent` is the traceparent of the host's own span.

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
        """Makes a span, which is current while the block runs.

        `parent` is a traceparent from a message or row. The span is then in its trace, and linked to the current span.
        If `parent` is empty, the current span is the parent.

        An exception that leaves the block marks the span as failed, with its type and nothing of its text.
        """
        yield

    def add(self, **facts: Fact) -> None:
        """Adds facts to the current span."""

    def traceparent(self) -> str:
        """Returns the current span as messages and rows carry it; empty without one.

        The form is defined by https://www.w3.org/TR/trace-context/.
        """
        return ""

    def measure(self, name: str, value: float, **facts: Fact) -> None:
        """Records a value of the measure `name`, which is one of MEASURES."""
