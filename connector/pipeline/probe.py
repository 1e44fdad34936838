"""The step from QUEUED to ENCODING: examines the upload, plans the work and sends out the tasks."""

from dataclasses import replace
from uuid import UUID

from connector.domain import layout
from connector.domain.jobs import ProbeJob
from connector.domain.limits import check_blocks, check_cost
from connector.domain.media_info import Access, MediaInfo
from connector.domain.messages import Message
from connector.domain.missing_tasks import missing_tasks
from connector.domain.planner import make_plan
from connector.domain.step import Step, TaskId
from connector.domain.task import SplitOutput
from connector.domain.video import State, Video
from connector.pipeline.context import Pipeline
from connector.pipeline.media_task import run_job
from connector.pipeline.sources import upload_source

SPLIT = TaskId(Step.SPLIT)


def probe(app: Pipeline, video: Video, message: Message) -> list[Message]:  # noqa: ARG001 - one shape for all steps
    """Examines the upload and plans. Returns the messages that come next.

    Raises MediaError for a source that exceeds what the settings accept.
    """
    if video.state is State.QUEUED:
        video = _planned(app, video)
    # The messages are sent even if another delivery changed the state: it may have died before it sent them.
    if video.state is State.QUEUED:
        return [Message(step=Step.SPLIT, video_id=video.id)]
    return missing_tasks(video, app.storage.tasks.overview(video.id)) if video.state is State.ENCODING else []


def _planned(app: Pipeline, video: Video) -> Video:
    """Returns the video in ENCODING with its plan, or still in QUEUED when its source must be split first."""
    blobs = app.storage.blobs
    begun = app.clock.now()
    info = video.info
    if info is None:
        job = ProbeJob(limits=app.options.jobs.probe, accepted=app.options.source)
        info = run_job(app, video, job, [upload_source(app, video)])
        blobs.create_container(layout.output_container(video.id), public=not app.options.playback.signed)
        blobs.create_container(layout.work_container(video.id), public=False)
        if video.key_id is not None:
            blobs.create_container(layout.stills_container(video.id), public=False)
    if info.access is Access.PIECES and info.video is not None:
        split = _split_result(app, video.id)
        if split is None:
            return app.storage.videos.save(
                replace(video, info=info, modified=app.clock.now(), used=video.used.ran(app.clock.now() - begun))
            )
        info = measured(info, split)
    app.options.source.length(info)
    plan = make_plan(info, app.options.plan)
    check_cost(plan, app.options.max_output_minutes)
    if video.key_id is None:  # a protected video has no progressive file; its other blobs have no blocks
        check_blocks(plan, app.options.plan.segment_seconds)
    used = video.used.ran(app.clock.now() - begun)
    return app.storage.videos.save(replace(video.to(State.ENCODING, app.clock.now()), info=info, plan=plan, used=used))


def _split_result(app: Pipeline, video_id: UUID) -> SplitOutput | None:
    task = app.storage.tasks.get(video_id, SPLIT)
    return task.result.split if task and task.result else None


def measured(info: MediaInfo, split: SplitOutput) -> MediaInfo:
    """Returns the media info with the ends that the split found: it saw every packet."""
    video = info.video
    if video is not None:
        end = max(split.ends.get(video.index, video.end), video.start + 1 / video.frame_rate)
        video = video.model_copy(update={"end": end})
    audio = tuple(a.model_copy(update={"end": split.ends.get(a.index, a.end)}) for a in info.audio)
    return info.model_copy(update={"video": video, "audio": audio})
