"""The real app, but each segment of picture takes time to be written: a video that is seen to grow on any machine."""

import os
import runpy
import time
from functools import cache
from pathlib import Path
from typing import Any

from connector import services
from connector.pipeline.app import App

PROJECT = Path(__file__).parents[3]
SECONDS = float(os.environ["SECONDS_PER_SEGMENT"])


class Slow:
    """A port, or a group of ports, on which segments are put slowly."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._real, name)
        return Slow(value) if name == "blobs" else value

    def put(self, container: str, name: str, data: bytes) -> None:
        if name.startswith("video/") and name.endswith(".m4s"):
            time.sleep(SECONDS)
        self._real.put(container, name, data)


real = services.app
services.app = cache(lambda: App(storage=Slow(real().storage), settings=real().settings))

app = runpy.run_path(str(PROJECT / "function_app.py"))["app"]
