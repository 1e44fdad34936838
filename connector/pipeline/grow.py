"""A video can be played while it is encoded: manifests of what is finished so far, written anew as that grows.

Its beginning is published by whoever finishes that: the last of the tasks that the first segment needs. The rest only
once somebody wants to watch: each publication is paid for. Then whoever finishes something next to what can be played
publishes it. Nobody waits for this and nothing depends on it. If it fails, the next one does it, or `package`, whose
manifests are final.
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
from connector.domain.messages import Message
from connector.domain.video import State, Video
from connector.errors import ConnectorError
from connector.pipeline.app import App, now
from connector.pipeline.assemble import Outputs, inits
from connector.pipeline.changes import change_video
from connector.pipeline.playback import manifest_names, protection_of, render, so_far
from connector.pipeline.protect import protector
from connector.pipeline.remaining import remaining
from connector.pipeline.together import together

log = logging.getLogger(__name__)

FASTEST = 2
"""As fast as players play."""
AHEAD = 60
"""Seconds that a player loads ahead, at most."""
MORE = Fraction(11, 10)
"""So much more is worth a new manifest even if no player can have come near the end of the last one: one may seek."""


def grow(app: App, video: Video, task: str) -> None:
    """Publishes what can be played so far, if `task` has added to it. Never raises for trouble with that."""
    with _harmless(video.id):
        video = app.storage.videos.get(video.id)
        if video.state is State.ENCODING and not _unwatched(video) and _next_to_come(app, video.id, task):
            _publish(app, video)


def watch(app: App, video: Video) -> None:
    """Somebody is about to play what there is: publishes that, and from now on what is added to it.

    Never raises for trouble with publishing. Raises StorageError, or NotFound, when the video cannot be marked.
    """

    def watched(video: Video) -> Video | None:
        return replace(video, watched=now()) if video.state is State.ENCODING and _unwatched(video) else None

    if watched(video) is None:
        return
    video, marked = change_video(app, video.id, watched)
    if marked:
        # Marked first: whoever finishes something from now on sees that, or what it has finished is seen here.
        with _harmless(video.id):
            _publish(app, video)


@contextmanager
def _harmless(video_id: UUID) -> Iterator[None]:
    try:
        yield
    except ConnectorError:
        log.exception("what is finished so far was not published", extra={"video_id": str(video_id)})


def due(published: int | None, end: int, since: datetime | None, moment: datetime) -> bool:
    """Whether to publish what ends at `end` (ticks), where `published` ends what was published last.

    `since`: when the first of it could be played. Each publication is paid for: not more of them than players can use.
    """
    if published is None or since is None:
        return True
    if end <= published:
        return False
    furthest = FASTEST * (moment - since).total_seconds() + AHEAD
    return published < furthest * TIMESCALE or end >= published * MORE


def _next_to_come(app: App, video_id: UUID, task: str) -> bool:
    """Not of a chunk whose predecessor is missing: of what it adds, nothing can be played yet."""
    step, _, index = task.partition("-")
    if step != "chunk" or int(index) == 0:
        return True
    before = app.storage.tasks.get(video_id, Message.task_name(step, int(index) - 1))
    return before is not None and before.done


def _unwatched(video: Video) -> bool:
    """Its beginning is published, and nobody has asked for more."""
    return video.playable is not None and video.watched is None


def _publish(app: App, video: Video) -> None:
    tasks = app.storage.tasks.of(video.id)
    if not remaining(video, tasks):
        return  # the final manifests are next, and the end comes with the last segment: see pipeline/playback.py
    outputs = Outputs.of(tasks)
    whole = so_far(app, video, outputs, protection_of(app, video))
    if whole is None:
        return
    blobs, container = app.storage.blobs, layout.output_container(video.id)
    end = min(track.duration for track in (*whole.video, *whole.audio))
    published = blobs.grown(container, layout.MASTER_PLAYLIST)
    if not due(published, end, video.playable, now()):
        return
    *others, master = manifest_names(whole)
    writes: list[Callable[[], object]] = [
        partial(blobs.grow, container, name, render(whole, name).encode(), end) for name in others
    ]
    if published is None:
        protect = protector(app, video)
        for (kind, rendition), init in inits(outputs).items():
            name = layout.init_segment(kind, rendition)
            writes.append(partial(blobs.put, container, name, protect.segment(name, init)))
    together(writes)
    # The master playlist comes last: it is what a player finds the others by.
    blobs.grow(container, master, render(whole, master).encode(), end)
    if video.playable is None:
        change_video(app, video.id, _playable)


def _playable(video: Video) -> Video | None:
    first = video.playable is None and video.state is State.ENCODING
    return replace(video, playable=now()) if first else None
