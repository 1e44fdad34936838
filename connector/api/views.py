"""Makes the resources of the API from what is stored. Pure."""

import base64
from collections.abc import Sequence
from datetime import datetime

from connector.api.models import ErrorDetail, StatusModel, StepModel, UsageModel, VideoModel
from connector.domain.estimate import EstimateParameters, planned
from connector.domain.limits import output_minutes
from connector.domain.plan import Chunk, Plan
from connector.domain.step import WITHOUT_TASK, Step, TaskId
from connector.domain.task import Task
from connector.domain.usage import Prices, Usage
from connector.domain.video import State, Video
from connector.pipeline.keys import UploadKey

_STATUS = {
    State.AWAITING_UPLOAD: (0, "AwaitingUpload", "Waiting for the upload to be completed."),
    State.QUEUED: (1, "Processing", "The upload is being examined."),
    State.ENCODING: (1, "Processing", "The video is being encoded."),
    State.PACKAGING: (1, "Processing", "The manifests are being written."),
    State.READY: (2, "Completed", "The video is ready to play."),
    State.FAILED: (3, "Failed", "The video could not be processed."),
}

_PLAYABLE = "The video is being encoded. What is encoded so far can be played."
ENCODING_SHARE = (3, 97)
"""Progress in percent at which encoding begins and ends; the rest is reading and packaging."""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def states_named(status: str | None) -> tuple[State, ...]:
    """Returns the states that a status stands for; none for None."""
    return tuple(state for state, (_, name, _) in _STATUS.items() if name == status)


def video_model(
    video: Video, upload_uri: str | None, parameters: EstimateParameters, key: UploadKey | None = None
) -> VideoModel:
    """Returns the Video resource. `key` is given only in the answer that creates the video."""
    picture = video.info.video if video.info else None
    top = video.plan.renditions[0] if video.plan and video.plan.renditions else None
    return VideoModel(
        id=str(video.id),
        upload_uri=upload_uri,
        content_protection_mode="AES128" if video.key_id else "None",
        content_protection_key_id=str(video.key_id) if video.key_id else None,
        duration=round(video.plan.duration) if video.plan else 0,
        original_file_name=video.original_file_name,
        input_storage_encryption_mode="AES256" if video.upload_key_id else None,
        input_storage_encryption_symmetric_key=_base64(key.key) if key else None,
        input_storage_encryption_iv=_base64(key.iv) if key else None,
        file_name=video.file_name,
        created=rfc3339(video.created),
        modified=rfc3339(max(video.modified, video.edited or video.modified)),
        status=_STATUS[video.state][1],
        width=top.width if top else 0,
        height=top.height if top else 0,
        frame_rate=round(float(picture.frame_rate), 3) if picture else 0,
        has_audio=bool(video.info and video.info.audio),
        size=video.size,
        title=video.about.title,
        description=video.about.description,
        tags=list(video.about.tags),
        metadata=dict(video.about.metadata),
        estimate=estimate(video, parameters),
        actual=actual(video, parameters),
    )


def estimate(video: Video, parameters: EstimateParameters) -> UsageModel | None:
    if video.plan is None:
        return None
    return _usage(planned(video, parameters.machine), parameters.prices, _output_minutes(video))


def actual(video: Video, parameters: EstimateParameters) -> UsageModel | None:
    """Returns what the video took. None also for a video that became ready when nothing was counted yet."""
    done = video.state is State.READY and video.used.executions
    return _usage(video.used, parameters.prices, _output_minutes(video)) if done else None


def _output_minutes(video: Video) -> float:
    return round(float(output_minutes(video.planned().plan)), 3)


def _usage(usage: Usage, prices: Prices, minutes: float = 0.0) -> UsageModel:
    return UsageModel(
        seconds=round(usage.seconds, 1),
        output_minutes=minutes,
        storage_bytes=usage.size,
        cost=round(prices.one_off_cost(usage), 6),
        monthly_cost=round(prices.monthly_cost(usage), 6),
        currency=prices.currency,
    )


def status_model(
    video: Video, tasks: Sequence[Task], parameters: EstimateParameters, on_demand: Usage | None = None
) -> StatusModel:
    code, status, message = _STATUS[video.state]
    failure = video.failure
    return StatusModel(
        status_code=code,
        status=status,
        message=failure.message if failure else _PLAYABLE if video.playable_early else message,
        progress=progress(video, tasks),
        error=ErrorDetail(code=failure.code, message=failure.message) if failure else None,
        chunks=len(video.plan.chunks) if video.plan else 0,
        playable=video.playable_early or video.state is State.READY,
        audio_tracks=len(video.plan.audio) if video.plan else 0,
        steps=_steps(video, tasks),
        estimate=estimate(video, parameters),
        actual=actual(video, parameters),
        on_demand=_usage(on_demand, parameters.prices) if on_demand and on_demand.executions else None,
    )


def progress(video: Video, tasks: Sequence[Task]) -> int:
    """Returns the progress in percent. Chunks count by frames, an audio track as much as a fifth of the picture."""
    if video.state is State.READY:
        return 100
    plan = video.plan
    if plan is None or video.state is State.FAILED:
        return 0
    begin, end = ENCODING_SHARE
    weights = {TaskId(Step.CHUNK, i): _work(plan, chunk) for i, chunk in enumerate(plan.chunks)}
    weights |= {TaskId(Step.AUDIO, i): max(1.0, plan.frames / 5) for i in range(len(plan.audio))}
    done = sum(weights.get(t.id, 0) * (1.0 if t.done else min(1.0, t.progress)) for t in tasks)
    return round(begin + (end - begin) * done / sum(weights.values()))


def _work(plan: Plan, chunk: Chunk) -> float:
    """Returns the chunk's frames, in proportion to the renditions that are made from them."""
    return len(chunk.frames) * len(chunk.renditions) / len(plan.renditions)


def _steps(video: Video, tasks: Sequence[Task]) -> list[StepModel]:
    moments = [
        ("Upload", video.created, video.queued),
        ("Probe", video.queued, video.encoding),
        ("Encode", video.encoding, video.packaging),
        ("Package", video.packaging, video.finished),
    ]
    steps = [_step(name, begin, end) for name, begin, end in moments if begin is not None]
    steps += [
        _step(str(task.id), task.started, task.finished, task.progress, task.worker)
        for task in tasks
        if task.id.step not in WITHOUT_TASK
    ]
    return steps


def _step(name: str, begin: datetime, end: datetime | None, share: float = 0.0, worker: str = "") -> StepModel:
    return StepModel(
        name=name,
        started=rfc3339(begin),
        finished=rfc3339(end) if end else None,
        seconds=round((end - begin).total_seconds(), 3) if end else 0.0,
        progress=100 if end else round(100 * min(1.0, share)),
        worker=worker,
    )
