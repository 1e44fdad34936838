"""The real app, but of a video's picture only so many seconds are written as the file GATE allows: it grows as told."""

import os
import runpy
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from connector import bootstrap
from connector.domain.layout import TIMESCALE

PROJECT = Path(__file__).parents[3]
GATE = Path(os.environ["GATE"])
EVERY = 0.05
"""Seconds between two looks at the gate."""


class Gated:
    """A port, or a group of ports, on which segments wait to be put."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._real, name)
        return Gated(value) if name == "blobs" else value

    def put(self, container: str, name: str, data: bytes) -> None:
        if name.startswith("video/") and name.endswith(".m4s"):
            begin = int(Path(name).stem) / TIMESCALE
            while begin >= float(GATE.read_text()):
                time.sleep(EVERY)
        self._real.put(container, name, data)


real = bootstrap.shared_app
bootstrap.shared_app = cache(lambda: replace(real(), storage=Gated(real().storage)))

app = runpy.run_path(str(PROJECT / "function_app.py"))["app"]
