"""Videos, messages and accidents for the tests of the pipeline."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from connector.api.app import App
from connector.domain.layout import UPLOADS, output_container, work_container
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.task import Task
from connector.domain.video import State, Video
from connector.errors import StorageUnavailable
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.steps import run_step


def uploaded(app: App, *, protected: bool = False) -> Video:
    video = create(app, "holiday.mp4", protected=protected).video
    app.storage.blobs.put(UPLOADS, video.blob_name, b"the upload")
    return video


def drive(app: App, messages: Iterable[Message], until: Callable[[Message], bool] = lambda _: False) -> list[Message]:
    """Delivers messages, and all that follow, once each; answers those that `until` held back."""
    queue, held = deque(messages), []
    while queue:
        message = queue.popleft()
        if until(message):
            held.append(message)
        else:
            queue.extend(run_step(app, message))
    return held


def encoding(app: App) -> tuple[Video, list[Message]]:
    """A video in ENCODING, and the messages of its tasks."""
    video = uploaded(app)
    messages = drive(app, complete_upload(app, video.id), lambda m: m.step is not Step.PROBE)
    return app.storage.videos.get(video.id), messages


def all_encoded(app: App) -> tuple[Video, Message]:
    """A video of which only the packaging is to do."""
    video, messages = encoding(app)
    held = drive(app, messages, lambda m: m.step is Step.PACKAGE)
    return video, held[0]


def state(app: App, video: Video) -> State:
    return app.storage.videos.get(video.id).state


def output(app: App, video: Video) -> dict[str, bytes]:
    """What can be played."""
    return {name: blob.data for name, blob in app.storage.blobs.containers[output_container(video.id)].blobs.items()}


def left_behind(app: App, video: Video) -> list[str]:
    """Which of its containers exist."""
    return [c for c in (output_container(video.id), work_container(video.id)) if c in app.storage.blobs.containers]


def timeless(tasks: list[Task]) -> list[Task]:
    """The planned tasks' rows without what differs from one run to the next."""
    moment = datetime(2000, 1, 1, tzinfo=UTC)
    return [
        replace(
            t,
            video_id=UUID(int=0),
            attempts=1,
            started=moment,
            heartbeat=moment,
            finished=t.finished and moment,
            driven=None,
            failures=0,
            losses=0,
            etag=None,
        )
        for t in tasks
        if t.attempts
    ]


class Faulty:
    """Storage whose `at`-th call fails: before it does anything, or after, when only the answer is lost.

    With `for_good` all later calls fail, too.
    """

    def __init__(
        self,
        storage: Any,
        at: int,
        *,
        after: bool = False,
        for_good: bool = False,
        error: Exception | None = None,
    ) -> None:
        self._calls, self._at, self._after, self._for_good = 0, at, after, for_good
        self._error = error or StorageUnavailable("Storage answered 503 ServerBusy.")
        self.keys: Any = _Part(self, storage.keys)
        self.videos: Any = _Part(self, storage.videos)
        self.tasks: Any = _Part(self, storage.tasks)
        self.blobs: Any = _Part(self, storage.blobs)

    @property
    def failed(self) -> bool:
        return self._calls >= self._at

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._calls += 1
        if self._calls < self._at or (self._calls > self._at and not self._for_good):
            return function(*args, **kwargs)
        if self._after:
            function(*args, **kwargs)
        raise self._error


class _Part:
    def __init__(self, owner: Faulty, part: Any) -> None:
        self._owner, self._part = owner, part

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self._owner.call(getattr(self._part, name), *args, **kwargs)


def with_fault(app: App, at: int, *, after: bool) -> App:
    return replace(app, storage=Faulty(app.storage, at, after=after))
