"""The tasks on the encode queue: chunk, audio, split. Each can arrive twice, late, or for a video that is gone."""

from fractions import Fraction

from connector.domain import layout
from connector.domain.jobs import AudioJob, ChunkJob, SplitJob
from connector.domain.media_info import Access
from connector.domain.messages import Message
from connector.domain.missing_tasks import missing_tasks
from connector.domain.planner import sound_segments, tasks
from connector.domain.step import Step
from connector.domain.task import TaskResult
from connector.domain.video import State, Video
from connector.errors import BrokenOutput
from connector.pipeline import measures
from connector.pipeline.active import load_active_video, remove_leftovers
from connector.pipeline.context import Pipeline
from connector.pipeline.early import publish_early
from connector.pipeline.media_task import run_task
from connector.pipeline.probe import SPLIT
from connector.pipeline.rows import Row, begin
from connector.pipeline.sources import upload_source, work_source


def encode(app: Pipeline, video: Video, message: Message) -> list[Message]:
    """Encodes one chunk or audio track, or splits the source. Returns the messages that come next.

    Raises BrokenOutput for a task that the plan does not have.
    """
    if video.state is not (State.QUEUED if message.step is Step.SPLIT else State.ENCODING):
        return []
    if message.task != SPLIT and message.task not in tasks(video.planned().plan):
        raise BrokenOutput("the plan has no such task")
    row = begin(app, video.id, message.task)
    if row.task.due is not None:
        return []  # an attempt was lost: the timer sends the message when it is due
    begun = row.task
    if not begun.done:
        result = _TASKS[message.step](app, video, message.index, row)
        row.finish(begun, result)
        measures.record_encode_speed(app, video, message, app.clock.now() - begun.started)
        # A task takes long, so the video may have been deleted meanwhile. Then its output must go.
        if load_active_video(app, video.id) is None:
            remove_leftovers(app, video.id)
            return []
    following = _next(app, video, message)
    if not begun.done and not following:
        publish_early(app, video, message.task)
    return following


def _chunk(app: Pipeline, video: Video, index: int, row: Row) -> TaskResult:
    info, plan = video.planned()
    sources = [upload_source(app, video)]
    starts: tuple[Fraction, ...] = ()
    if info.access is Access.PIECES:
        split = app.storage.tasks.get(video.id, SPLIT)
        pieces = split.result.split.pieces if split and split.result and split.result.split else ()
        sources = [work_source(app, video, layout.piece(number)) for number in range(len(pieces))]
        starts = tuple(piece.start for piece in pieces)
    jobs = app.options.jobs
    job = ChunkJob(limits=jobs.task, info=info, plan=plan, index=index, preset=jobs.preset, piece_starts=starts)
    return TaskResult(encode=run_task(app, video, job, sources, row))


def _audio(app: Pipeline, video: Video, index: int, row: Row) -> TaskResult:
    plan = video.planned().plan
    head, length = sound_segments(plan, app.options.plan.segment_seconds)
    limits = app.options.jobs.stream
    job = AudioJob(limits=limits, plan=plan, index=index, head_seconds=head, segment_seconds=length)
    return TaskResult(encode=run_task(app, video, job, [upload_source(app, video)], row))


def _split(app: Pipeline, video: Video, _index: int, row: Row) -> TaskResult:
    if video.info is None or video.info.video is None:
        raise BrokenOutput("there is no picture to split the source by")
    job = SplitJob(
        limits=app.options.jobs.stream,
        stream=video.info.video.index,
        piece_seconds=app.options.plan.segment_seconds * 2,
        size=video.size,
    )
    return TaskResult(split=run_task(app, video, job, [upload_source(app, video)], row))


_TASKS = {Step.CHUNK: _chunk, Step.AUDIO: _audio, Step.SPLIT: _split}


def _next(app: Pipeline, video: Video, message: Message) -> list[Message]:
    """Returns the messages that come next.

    This is computed after the row of this task is written: of two tasks that finish last at the same time, at least one
    sees all rows.
    """
    if message.step is Step.SPLIT:
        return [Message(step=Step.PROBE, video_id=video.id)]
    if missing_tasks(video, app.storage.tasks.overview(video.id)):
        return []
    return [Message(step=Step.PACKAGE, video_id=video.id)]
