"""Early playback: manifests of what is encoded so far, which are extended until the video is complete.

The task that completes the first segment publishes the beginning. The rest is published only once somebody wants to
watch, because each publication is billed: then each task that extends the playable part publishes it. Nothing waits for
this or depends on it. If a publication fails, the next task makes it, or the package step, whose manifests are final.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from functools import partial
from uuid import UUID

from connector.domain import layout
from connector.domain.layout import TIMESCALE
from connector.domain.missing_tasks import missing_tasks
from connector.domain.step import Step, TaskId
from connector.domain.video import State, Video
from connector.errors import ConnectorError
from connector.pipeline.assemble import Outputs, inits
from connector.pipeline.changes import change_video
from connector.pipeline.concurrency import run_concurrently
from connector.pipeline.context import Pipeline
from connector.pipeline.playback import manifest_names, protection_of, render, so_far
from connector.pipeline.protect import protector

log = logging.getLogger(__name__)

FASTEST = 2
"""Highest playback rate of players."""
AHEAD = 60
"""Seconds that a player loads ahead at most."""
MORE = Fraction(11, 10)
"""Growth of the playable part that justifies a new manifest even if no player can be near its end: a viewer may seek.
"""


def publish_early(app: Pipeline, video: Video, task: TaskId) -> None:
    """Publishes what can be played so far, if `task` has extended it. Never raises for trouble with publishing."""
    with _harmless(video.id):
        video = app.storage.videos.get(video.id)
        if video.state is State.ENCODING and not _unwatched(video) and _is_next(app, video.id, task):
            _publish(app, video)


def mark_watched(app: Pipeline, video: Video) -> None:
    """Records that somebody wants to watch, and publishes what can be played so far.

    From then on, each task publishes what it adds. Never raises for trouble with publishing. Raises StorageError, or
    NotFound, when the video cannot be marked.
    """

    def watched(video: Video) -> Video | None:
        return replace(video, watched=app.clock.now()) if video.state is State.ENCODING and _unwatched(video) else None

    video, marked = change_video(app, video.id, watched, video)
    if marked:
        # The mark comes first: a task that finishes later sees it, and what finished earlier is published here.
        with _harmless(video.id):
            _publish(app, video)


@contextmanager
def _harmless(video_id: UUID) -> Iterator[None]:
    try:
        yield
    except ConnectorError:
        log.exception("what is finished so far was not published", extra={"video_id": str(video_id)})


def should_publish(published_end: int | None, end: int, since: datetime | None, moment: datetime) -> bool:
    """Decides whether to publish a playable part that ends at `end` (ticks), after one that ended at `published_end`.

    `since` is when the first part could be played. Each publication is billed, so there are no more of them than
    players can use.
    """
    if published_end is None or since is None:
        return True
    if end <= published_end:
        return False
    furthest = FASTEST * (moment - since).total_seconds() + AHEAD
    return published_end < furthest * TIMESCALE or end >= published_end * MORE


def _is_next(app: Pipeline, video_id: UUID, task: TaskId) -> bool:
    """Whether the task extends the playable part. A chunk does not while its predecessor is missing."""
    if task.step is not Step.CHUNK or task.index == 0:
        return True
    before = app.storage.tasks.get(video_id, TaskId(Step.CHUNK, task.index - 1))
    return before is not None and before.done


def _unwatched(video: Video) -> bool:
    """Whether the beginning is published and nobody has asked for more."""
    return video.playable is not None and video.watched is None


def _publish(app: Pipeline, video: Video) -> None:
    tasks = app.storage.tasks.of(video.id)
    if not missing_tasks(video, tasks):
        return  # the package step writes the final manifests, which contain the last segment and the end
    outputs = Outputs.of(tasks)
    whole = so_far(app, video, outputs, protection_of(app, video))
    if whole is None:
        return
    blobs, container = app.storage.blobs, layout.output_container(video.id)
    end = min(track.duration for track in (*whole.video, *whole.audio))
    published = blobs.early_version(container, layout.MASTER_PLAYLIST)
    if not should_publish(published, end, video.playable, app.clock.now()):
        return
    *others, master = manifest_names(whole)
    writes: list[Callable[[], object]] = [
        partial(blobs.put_early, container, name, render(whole, name).encode(), end) for name in others
    ]
    if published is None:
        protect = protector(app, video)
        for (kind, rendition), init in inits(outputs).items():
            name = layout.init_segment(kind, rendition)
            writes.append(partial(blobs.put, container, name, protect.segment(name, init)))
    run_concurrently(writes, app.options.pace.storage_calls)
    # The master playlist comes last, because players find all others through it.
    blobs.put_early(container, master, render(whole, master).encode(), end)
    if video.playable is None:
        change_video(app, video.id, partial(_playable, app), video)


def _playable(app: Pipeline, video: Video) -> Video | None:
    first = video.playable is None and video.state is State.ENCODING
    return replace(video, playable=app.clock.now()) if first else None
