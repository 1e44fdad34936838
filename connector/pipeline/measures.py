"""What the pipeline measures of its own work. Free when telemetry is off."""

from datetime import datetime, timedelta

from connector.domain.limits import output_minutes
from connector.domain.messages import Message
from connector.domain.planner import chunk_range, chunk_renditions
from connector.domain.video import Video
from connector.pipeline.app import App, now


def encoded(app: App, video: Video, message: Message, took: timedelta) -> None:
    """A task ended; of chunks, how fast."""
    plan = video.plan
    # What makes only some renditions cannot be compared.
    if message.step != "chunk" or plan is None or chunk_renditions(plan, message.index) != plan.renditions:
        return
    seconds = len(chunk_range(plan, message.index)) / plan.frame_rate
    speed = round(float(seconds) / max(took.total_seconds(), 0.001), 3)
    height = plan.renditions[0].height
    app.telemetry.add(speed=speed, height=height)
    app.telemetry.measure("encode.speed", speed, height=height)


def published(app: App, video: Video) -> None:
    """The video became READY."""
    if video.plan is None or video.queued is None or video.finished is None:
        return
    waited = round((video.finished - video.queued).total_seconds(), 3)
    minutes = round(float(output_minutes(video.plan)), 3)
    app.telemetry.add(time_to_ready=waited, output_minutes=minutes)
    app.telemetry.measure("video.time_to_ready", waited)
    app.telemetry.measure("video.output_minutes", minutes)


def failed(app: App, code: str) -> None:
    app.telemetry.add(code=code)
    app.telemetry.measure("video.failed", 1, code=code)


def begun(app: App, queue: str, inserted: datetime | None) -> None:
    """A message that was put into this queue then was read for the first time."""
    if inserted is not None:
        app.telemetry.measure("queue.age", max(0.0, (now() - inserted).total_seconds()), queue=queue)
