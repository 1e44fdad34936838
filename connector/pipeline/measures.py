"""Measurements of the pipeline's own work. They cost nothing when telemetry is off."""

from datetime import datetime, timedelta

from connector.domain.limits import output_minutes
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.video import Video
from connector.pipeline.context import Pipeline


def record_encode_speed(app: Pipeline, video: Video, message: Message, took: timedelta) -> None:
    """Records how fast a chunk was encoded, when its task ends."""
    plan = video.plan
    if message.step is not Step.CHUNK or plan is None:
        return
    chunk = plan.chunks[message.index]
    # A chunk of some renditions only cannot be compared with others.
    if len(chunk.renditions) != len(plan.renditions):
        return
    seconds = len(chunk.frames) / plan.frame_rate
    speed = round(float(seconds) / max(took.total_seconds(), 0.001), 3)
    height = plan.renditions[0].height
    app.telemetry.add(speed=speed, height=height)
    app.telemetry.measure("encode.speed", speed, height=height)


def record_published(app: Pipeline, video: Video) -> None:
    """Records how long a video took, when it becomes READY."""
    if video.plan is None or video.queued is None or video.finished is None:
        return
    waited = round((video.finished - video.queued).total_seconds(), 3)
    minutes = round(float(output_minutes(video.plan)), 3)
    app.telemetry.add(time_to_ready=waited, output_minutes=minutes)
    app.telemetry.measure("video.time_to_ready", waited)
    app.telemetry.measure("video.output_minutes", minutes)


def record_failed(app: Pipeline, code: str) -> None:
    app.telemetry.add(code=code)
    app.telemetry.measure("video.failed", 1, code=code)


def record_orphans(app: Pipeline, found: int) -> None:
    """Records how many videos without a row one search found."""
    app.telemetry.measure("orphans.found", found)


def record_queue_age(app: Pipeline, queue: str, inserted: datetime | None) -> None:
    """Records how long a message waited in its queue, when it is read for the first time."""
    if inserted is not None:
        app.telemetry.measure("queue.age", max(0.0, (app.clock.now() - inserted).total_seconds()), queue=queue)
