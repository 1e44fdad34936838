"""What tasks take: measured by `bench.tasks`, kept in bench/task_times.json."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

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
    """CPU of one core, child and parent, over seconds of source."""
    audio: Line
    """Likewise."""
    probe: float
    package: Line
    """Over its requests to storage (`work.packaging`): they grow with the video more than anything else does."""
    services: float
    """CPU seconds of storage and host on the local stack for each one of the encoders."""
    source_bytes: float
    """Bytes of the upload for each second."""
    stored_bytes: float
    """Bytes kept of what was made of it, likewise."""
    measured_by: str
    """Command, date and machine."""

    @classmethod
    def load(cls, path: Path = PATH) -> Self:
        found = json.loads(path.read_text("utf-8"))
        return cls(
            chunk=Line(**found["chunk"]),
            audio=Line(**found["audio"]),
            probe=found["probe"],
            package=Line(**found["package"]),
            services=found["services"],
            source_bytes=found["source_bytes"],
            stored_bytes=found["stored_bytes"],
            measured_by=found["measured_by"],
        )
