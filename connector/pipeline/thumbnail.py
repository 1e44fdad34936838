"""A picture of any moment of a published video, made when it is first asked for: one segment of a rendition is read.

It is stored under a name that says which frame it shows, so whoever asks next for a time at which this frame is shown
gets the same one.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

from connector import deadline
from connector.domain import layout
from connector.domain.ladder import even
from connector.domain.plan import Plan, Rendition, Size
from connector.domain.video import Video
from connector.errors import Busy, InvalidRequest
from connector.isobmff.samples import frame_time
from connector.media import sandbox
from connector.media.jobs import Limits, StillJob
from connector.pipeline.app import App
from connector.pipeline.protect import protector
from connector.pipeline.run import TaskSink, held

LIMITS = Limits(seconds=20, memory=640 << 20, threads=1)
"""Of one extraction. 2160p needs half of this memory, and about 20 ms for each frame up to the wanted one."""
AT_ONCE = 2
"""Extractions in this process: it has other requests to answer."""
WAIT_SECONDS = 2.0
"""How long one more may wait for its turn."""

_turns = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Picture:
    """What is to be seen on a picture, and how."""

    frame: int
    """Output frame."""
    size: Size
    form: layout.ImageFormat

    @property
    def name(self) -> str:
        """Of its blob, in the container of the video's stills."""
        return layout.frame_thumbnail(self.frame, self.size.height, self.form)


def picture_at(plan: Plan, time: float, height: int | None, form: layout.ImageFormat) -> Picture:
    """The frame shown at `time` seconds, `height` px high: an odd one loses a line; None: as the indexed thumbnails.

    `plan` is of a video with a picture. Raises InvalidRequest that names what is out of range.
    """
    if not 0 <= time < plan.duration:
        raise _wrong("time", f"must be at least 0 and less than {float(plan.duration):.3f} s, the video's duration")
    top = plan.renditions[0]
    if height is None:
        assert plan.stills  # noqa: S101 - a plan with a picture has stills
        height = plan.stills.thumbnail.height
    elif height > top.height:
        raise _wrong("height", f"must be at most {top.height}, the video's height")
    height -= height % 2
    return Picture(frame_at(plan, time), Size(width=even(top.width * height / top.height), height=height), form)


def _wrong(field: str, text: str) -> InvalidRequest:
    return InvalidRequest(f"{field} {text}.", {field: text})


def frame_at(plan: Plan, time: float) -> int:
    """The output frame that is shown at `time` seconds.

    A frame counts as shown one tick early: so n / frame_rate is a time of frame n, however a caller rounds it to
    microseconds or to ticks.
    """
    tick = Fraction(1, layout.TIMESCALE)
    return min(math.floor((Fraction(time) + tick) * plan.frame_rate), plan.frames - 1)


def rendition_for(plan: Plan, height: int) -> Rendition:
    """The smallest one that need not be enlarged for a picture of `height` px, at most the highest one's."""
    return [r for r in plan.renditions if r.height >= height][-1]


def made(app: App, video: Video, picture: Picture) -> str:
    """Name of the picture's blob, which is there now.

    Raises Busy when too many are being made, NotFound when the video was deleted meanwhile, and as `sandbox.run` does.
    """
    if not _is_there(app, video, picture):
        with _turn():
            # Whoever had the turn before may have made the same one. Two at once write the same bytes.
            if not _is_there(app, video, picture):
                _make(app, video, picture)
    return picture.name


def _is_there(app: App, video: Video, picture: Picture) -> bool:
    return app.storage.blobs.exists(layout.stills_of(video), picture.name)


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=WAIT_SECONDS):
        raise Busy("Too many pictures are being made at the moment. Please try again.")
    try:
        yield
    finally:
        _turns.release()


def _make(app: App, video: Video, picture: Picture) -> None:
    assert video.plan  # noqa: S101 - a published video has one
    plan, protect, output = video.plan, protector(app, video), layout.output_container(video.id)
    rendition = rendition_for(plan, picture.size.height).id
    first = plan.segment_start(plan.segment_of(picture.frame))
    names = (
        layout.init_segment("video", rendition),
        layout.media_segment("video", rendition, frame_time(first, plan.frame_rate)),
    )
    media = held(b"".join(protect.clear_segment(name, app.storage.blobs.get(output, name)) for name in names))
    job = StillJob(
        limits=_limits(), frame=picture.frame - first, size=picture.size, form=picture.form, name=picture.name
    )
    sandbox.run(job, [media], TaskSink(app, video, None))


def _limits() -> Limits:
    """Of an extraction that the present call waits for."""
    left = deadline.left()
    return LIMITS if left is None else LIMITS.model_copy(update={"seconds": max(1, min(LIMITS.seconds, int(left)))})
