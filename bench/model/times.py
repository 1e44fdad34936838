"""What tasks take: measured by `bench.tasks`, kept in bench/task_times.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

PATH = Path(__file__).parent.parent / "task_times.json"


@dataclass(frozen=True)
class Line:
    """Seconds that a task of a size takes: `base + rate × size`."""

    base: float
    rate: float

    def at(self, size: float) -> float:
        return self.base + self.rate * size

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]]) -> Self:
        """Least squares over (size, seconds), neither number below 0. Raises ValueError unless there are two sizes:
        from one, nothing can be said of others.
        """
        if len({size for size, _ in points}) < 2:
            raise ValueError("tasks of one size only were measured")
        x, y = (sum(side) / len(points) for side in zip(*points, strict=True))
        rate = sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
        if rate < 0:
            return cls(y, 0.0)
        if rate * x > y:
            return cls(0.0, sum(a * b for a, b in points) / sum(a * a for a, _ in points))
        return cls(y - rate * x, rate)


@dataclass(frozen=True)
class Times:
    """Seconds."""

    chunk: Line
    """CPU of one core, child and parent, over 10^9 pixels (`connector.domain.estimate.gigapixels`)."""
    audio: Line
    """Likewise, over seconds of source, of noise."""
    tone: float
    """Likewise, for each second of a pure tone of one channel, which is the hardest sound that was found for AAC."""
    probe: float
    package: Line
    """Over its requests to storage (`work.packaging_load`): they grow with the video more than anything else does."""
    source_bytes: float
    """Bytes of the upload for each second."""
    stored_bytes: float
    """Bytes kept of what was made of it, likewise."""
    measured_by: str
    """Command, date and machine."""

    @classmethod
    def load(cls, path: Path = PATH) -> Self:
        return cls.of(json.loads(path.read_text("utf-8")))

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """From the JSON that `bench.tasks` writes."""
        return cls(
            chunk=Line(**found["chunk"]),
            audio=Line(**found["audio"]),
            tone=found["tone"],
            probe=found["probe"],
            package=Line(**found["package"]),
            source_bytes=found["source_bytes"],
            stored_bytes=found["stored_bytes"],
            measured_by=found["measured_by"],
        )
