"""Pictures of any moment of a published video, made at the first request: one segment of a rendition is read.

A picture is stored under a name that says which frame it shows, so every time within this frame leads to the same one.
Heights are rounded up to a few steps, and times down to a grid, so that a video has a limited number of pictures.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from connector import deadline
from connector.domain import layout
from connector.domain.jobs import StillJob
from connector.domain.ladder import even
from connector.domain.layout import frame_time
from connector.domain.limits import JobLimits
from connector.domain.plan import Plan, Rendition, Size
from connector.domain.video import Video
from connector.errors import InvalidRequest, NotFound
from connector.pipeline.context import Pipeline
from connector.pipeline.media_task import run_job
from connector.pipeline.on_demand import admit_picture, count_picture
from connector.pipeline.protect import protector
from connector.pipeline.sources import in_memory_source

HEIGHTS = (90, 180, 360, 540, 720, 1080, 2160)
"""Heights of pictures in pixels. The height of the highest rendition is one more, and that of the thumbnails."""
STEPS_PER_SECOND = 10
"""Times of pictures in a second."""


@dataclass(frozen=True)
class Picture:
    """A picture on demand: which frame it shows, and in which form."""

    frame: int
    """Number of the output frame."""
    size: Size
    form: layout.ImageFormat

    @property
    def name(self) -> str:
        """Name of the picture's blob, in the container of the video's stills."""
        return layout.frame_thumbnail(self.frame, self.size.height, self.form)


def picture_at(plan: Plan, time: float, height: int | None, form: layout.ImageFormat) -> Picture:
    """Returns the picture of the frame at `time` seconds, rounded down to the grid, and at least `height` px high.

    A height of None means that of the indexed thumbnails. `plan` must have a picture. Raises InvalidRequest that names
    what is out of range.
    """
    if not 0 <= time < plan.duration:
        raise _wrong("time", f"must be at least 0 and less than {float(plan.duration):.3f} s, the video's duration")
    top = plan.renditions[0]
    if height is None:
        height = plan.stills.thumbnail.height if plan.stills else top.height
    elif height > top.height:
        raise _wrong("height", f"must be at most {top.height}, the video's height")
    else:
        height = min(next((step for step in HEIGHTS if step >= height), top.height), top.height)
    size = Size(width=even(top.width * height / top.height), height=height)
    return Picture(frame_at(plan, _on_grid(time)), size, form)


def _on_grid(time: float) -> Fraction:
    """Returns the time rounded down. It counts as it is written: 2.3 is 2.3 and not the float a little below it."""
    return Fraction(math.floor(Fraction(str(time)) * STEPS_PER_SECOND), STEPS_PER_SECOND)


def _wrong(field: str, text: str) -> InvalidRequest:
    return InvalidRequest(f"{field} {text}.", {field: text})


def frame_at(plan: Plan, time: float | Fraction) -> int:
    """Returns the output frame that is shown at `time` seconds.

    A frame counts as shown one tick early: so n / frame_rate is a time of frame n, however a caller rounds it to
    microseconds or to ticks.
    """
    tick = Fraction(1, layout.TIMESCALE)
    return min(math.floor((Fraction(time) + tick) * plan.frame_rate), plan.frames - 1)


def rendition_for(plan: Plan, height: int) -> Rendition:
    """Returns the smallest rendition that is at least `height` px high. `height` is at most that of the highest one."""
    return [r for r in plan.renditions if r.height >= height][-1]


def thumbnail_blob(app: Pipeline, video: Video, picture: Picture) -> str:
    """Makes the picture unless it is there. Returns the name of its blob.

    Raises Busy when too many are being made, TooManyPictures when the video has its most, NotFound when the video was
    deleted meanwhile, and what `MediaRunner.run` raises.
    """
    if not _is_there(app, video, picture):
        with app.still_turns.turn():
            # The request before this one may have made the same picture. Two at once write the same bytes.
            if not _is_there(app, video, picture):
                admit_picture(app, video.id)
                _make_counted(app, video, picture)
    return picture.name


def _is_there(app: Pipeline, video: Video, picture: Picture) -> bool:
    return app.storage.blobs.exists(layout.stills_of(video), picture.name)


def _make_counted(app: Pipeline, video: Video, picture: Picture) -> None:
    begun = app.clock.now()
    try:
        _make(app, video, picture)
        size = app.storage.blobs.properties(layout.stills_of(video), picture.name).size
    except NotFound:
        raise  # the video was deleted meanwhile, and a row would be left of it
    except Exception:
        count_picture(app, video.id, app.clock.now() - begun, None)
        raise
    count_picture(app, video.id, app.clock.now() - begun, size)


def _make(app: Pipeline, video: Video, picture: Picture) -> None:
    plan, protect, output = video.planned().plan, protector(app, video), layout.output_container(video.id)
    rendition = rendition_for(plan, picture.size.height).id
    first = plan.segment_start(plan.segment_of(picture.frame))
    names = (
        layout.init_segment("video", rendition),
        layout.media_segment("video", rendition, frame_time(first, plan.frame_rate)),
    )
    media = in_memory_source(
        b"".join(protect.clear_segment(name, app.storage.blobs.get(output, name)) for name in names)
    )
    job = StillJob(
        limits=_limits(app), frame=picture.frame - first, size=picture.size, form=picture.form, name=picture.name
    )
    run_job(app, video, job, [media])


def _limits(app: Pipeline) -> JobLimits:
    """Returns the limits of a picture that the present call waits for."""
    limits, left = app.options.jobs.still, deadline.left()
    if left is None:
        return limits
    return limits.model_copy(update={"seconds": max(1, min(limits.seconds, int(left)))})
