"""The tasks on the encode queue: chunk, audio, split. Each can arrive twice, late, or for a video that is gone."""

from fractions import Fraction

from connector.domain.media_info import Access
from connector.domain.messages import Message
from connector.domain.planner import sound_segments
from connector.domain.task import EncodeOutput, SplitOutput, TaskResult
from connector.domain.video import State, Video
from connector.media.jobs import AudioJob, ChunkJob, SplitJob
from connector.pipeline import measures
from connector.pipeline.active import load_active_video, remove_leftovers
from connector.pipeline.app import App, now
from connector.pipeline.grow import grow
from connector.pipeline.probe import SPLIT
from connector.pipeline.remaining import remaining
from connector.pipeline.rows import Row, begin
from connector.pipeline.run import run_job, upload, work_blob


def encode(app: App, video: Video, message: Message) -> list[Message]:
    """Answers the messages that come next."""
    if video.state is not (State.QUEUED if message.step == "split" else State.ENCODING):
        return []
    row = begin(app, video.id, message.task)
    if row is not None:
        begun = row.task
        result = _STEPS[message.step](app, video, message, row)
        end = now()
        facts = {"started": begun.started, "worker": begun.worker, "heartbeat": end, "finished": end}
        row.change(**facts, progress=1.0, error="", result=result)
        measures.encoded(app, video, message, end - begun.started)
        # Tasks take long: look again, and clean up behind a video that was deleted meanwhile.
        if load_active_video(app, video.id) is None:
            remove_leftovers(app, video.id)
            return []
    following = _next(app, video, message)
    if row is not None and not following:
        grow(app, video, message.task)
    return following


def _chunk(app: App, video: Video, message: Message, row: Row) -> TaskResult:
    assert video.info  # noqa: S101 - a video in ENCODING has both
    assert video.plan  # noqa: S101
    sources = [upload(app, video)]
    starts: tuple[Fraction, ...] = ()
    if video.info.access is Access.PIECES:
        split = app.storage.tasks.get(video.id, SPLIT)
        pieces = split.result.split.pieces if split and split.result and split.result.split else ()
        sources = [work_blob(app, video, piece.name) for piece in pieces]
        starts = tuple(piece.start for piece in pieces)
    job = ChunkJob(
        limits=app.task_limits,
        info=video.info,
        plan=video.plan,
        index=message.index,
        preset=app.settings.encoder_preset,
        piece_starts=starts,
    )
    return TaskResult(encode=EncodeOutput.model_validate(run_job(app, video, job, sources, row)))


def _audio(app: App, video: Video, message: Message, row: Row) -> TaskResult:
    assert video.plan  # noqa: S101 - a video in ENCODING has one
    plan = video.plan
    head, length = sound_segments(plan, app.settings.segment_seconds)
    job = AudioJob(limits=app.stream_limits, plan=plan, index=message.index, head_seconds=head, segment_seconds=length)
    output = EncodeOutput.model_validate(run_job(app, video, job, [upload(app, video)], row))
    return TaskResult(encode=output)


def _split(app: App, video: Video, _message: Message, row: Row) -> TaskResult:
    assert video.info  # noqa: S101 - the probe saved it before it sent the message
    assert video.info.video  # noqa: S101
    job = SplitJob(
        limits=app.stream_limits,
        stream=video.info.video.index,
        piece_seconds=app.settings.segment_seconds * 2,
        size=video.size,
    )
    return TaskResult(split=SplitOutput.model_validate(run_job(app, video, job, [upload(app, video)], row)))


_STEPS = {"chunk": _chunk, "audio": _audio, "split": _split}


def _next(app: App, video: Video, message: Message) -> list[Message]:
    """Looked up after this task's row is written: of two last finishers at least one sees all rows."""
    if message.step == "split":
        return [Message(step="probe", video_id=video.id)]
    if remaining(video, app.storage.tasks.overview(video.id)):
        return []
    return [Message(step="package", video_id=video.id)]
