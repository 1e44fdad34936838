"""QUEUED → ENCODING: learn what the upload is, plan, and send out the tasks."""

from dataclasses import replace
from uuid import UUID

from connector.domain import layout
from connector.domain.limits import check_blocks, check_cost
from connector.domain.media_info import Access, MediaInfo
from connector.domain.messages import Message
from connector.domain.planner import make_plan
from connector.domain.task import SplitOutput
from connector.domain.video import State, Video
from connector.media.jobs import ProbeJob
from connector.pipeline.app import App, now
from connector.pipeline.remaining import remaining
from connector.pipeline.run import run_job, upload

SPLIT = Message.task_name("split")


def probe(app: App, video: Video, message: Message) -> list[Message]:  # noqa: ARG001 - one shape for all steps
    """Answers the messages that come next. Raises MediaError for a source that is more than settings accept."""
    if video.state is State.QUEUED:
        video = _planned(app, video)
    # Sent also when the state is not ours to change: whoever changed it may have died before sending.
    if video.state is State.QUEUED:
        return [Message(step="split", video_id=video.id)]
    return remaining(video, app.storage.tasks.overview(video.id)) if video.state is State.ENCODING else []


def _planned(app: App, video: Video) -> Video:
    """The video in ENCODING with its plan; or still in QUEUED when its source must be split first."""
    blobs = app.storage.blobs
    begun = now()
    info = video.info
    if info is None:
        job = ProbeJob(limits=app.probe_limits, accepted=app.source_limits)
        result = run_job(app, video, job, [upload(app, video)])
        info = MediaInfo.model_validate(result)
        blobs.create_container(layout.output_container(video.id), public=not app.signed)
        blobs.create_container(layout.work_container(video.id), public=False)
        if video.key_id is not None:
            blobs.create_container(layout.stills_container(video.id), public=False)
    if info.access is Access.PIECES and info.video is not None:
        split = _split_result(app, video.id)
        if split is None:
            return app.storage.videos.save(
                replace(video, info=info, modified=now(), used=video.used.ran(now() - begun))
            )
        info = measured(info, split)
    app.source_limits.length(info)
    plan = make_plan(info, app.plan_limits)
    check_cost(plan, app.settings.max_output_minutes)
    if video.key_id is None:  # a protected video has no progressive file; its other blobs have no blocks
        check_blocks(plan, app.settings.segment_seconds)
    used = video.used.ran(now() - begun)
    return app.storage.videos.save(replace(video.to(State.ENCODING, now()), info=info, plan=plan, used=used))


def _split_result(app: App, video_id: UUID) -> SplitOutput | None:
    task = app.storage.tasks.get(video_id, SPLIT)
    return task.result.split if task and task.result else None


def measured(info: MediaInfo, split: SplitOutput) -> MediaInfo:
    """The split saw every packet: it knows where the streams really end."""
    video = info.video
    if video is not None:
        end = max(split.ends.get(video.index, video.end), video.start + 1 / video.frame_rate)
        video = video.model_copy(update={"end": end})
    audio = tuple(a.model_copy(update={"end": split.ends.get(a.index, a.end)}) for a in info.audio)
    return info.model_copy(update={"video": video, "audio": audio})
