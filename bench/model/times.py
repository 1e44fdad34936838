"""What tasks take: measured by `bench.tasks`, kept in bench/task_times.json."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PATH = Path(__file__).parent.parent / "task_times.json"


@dataclass(frozen=True)
class Line:
    """Seconds that a task over so many seconds of source takes: `base + rate × source`."""

    base: float
    rate: float

    def at(self, source: float) -> float:
        return self.base + self.rate * source

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]]) -> Self:
        """Least squares over (source seconds, seconds). Where all have one length, or the line would begin below 0,
        it goes through 0. Raises ValueError without points.
        """
        if not points:
            raise ValueError("nothing was measured")
        x, y = (sum(side) / len(points) for side in zip(*points, strict=True))
        spread = sum((a - x) ** 2 for a, _ in points)
        if spread > 0:
            rate = sum((a - x) * (b - y) for a, b in points) / spread
            if 0 <= rate <= y / x:
                return cls(y - rate * x, rate)
        return cls(0.0, sum(a * b for a, b in points) / sum(a * a for a, _ in points))


@dataclass(frozen=True)
class Times:
    """`chunk` and `audio`: CPU seconds of one core, child and parent. `probe` and `package`: seconds."""

    chunk: Line
    audio: Line
    probe: Line
    package: Line
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
        lines = {name: Line(**found[name]) for name in ("chunk", "audio", "probe", "package")}
        numbers = {name: float(found[name]) for name in ("services", "source_bytes", "stored_bytes")}
        return cls(**lines, **numbers, measured_by=found["measured_by"])
