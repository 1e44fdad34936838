"""The app on storage in memory: with real media processes, or with ones that answer at once."""

import base64
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.api.app import App
from connector.bootstrap import WORKER, build_app
from connector.pipeline.context import Pace
from connector.sandbox.runner import Sandbox
from connector.settings import Settings
from tests.fakes.media import FakeMediaRunner
from tests.fakes.storage import MemoryStorage

KEYS = {
    "master_keys": "master:" + base64.b64encode(bytes(range(32))).decode(),
    "signing_keys": "signing:" + base64.b64encode(bytes(range(100, 132))).decode(),
    "public_url": "https://host/api",
}
"""Settings that protected content needs."""

SANDBOX = Sandbox(WORKER, required=sys.platform == "linux")
"""One for all tests of a process: a fork server takes most of a second to begin."""


@dataclass
class FakeClock:
    """The clock of the machine, `ahead` of the present; or one that stands still at `moment`."""

    ahead: timedelta = timedelta()
    moment: datetime | None = field(default=None)

    def now(self) -> datetime:
        return self.moment or datetime.now(UTC) + self.ahead


def memory_app(
    storage: Any = None,
    media: Any = SANDBOX,
    clock: Any = None,
    pace: Pace | None = None,
    telemetry: Any = None,
    **settings: object,
) -> App:
    """The app with real media processes."""
    values = {"storage": "unused", **settings}
    return build_app(
        Settings.model_validate(values),
        storage or MemoryStorage(),
        media,
        clock=clock,
        telemetry=telemetry,
        pace=pace,
    )


def quick_app(storage: Any = None, media: Any = None, **more: Any) -> App:
    """The app with media processes that answer at once. Segments and chunks last one second."""
    return memory_app(storage, media or FakeMediaRunner(), **{"segment_seconds": 1, "chunk_seconds": 1, **more})
