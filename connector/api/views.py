"""From what is stored to what is shown: pure."""

import base64
from collections.abc import Sequence
from datetime import datetime

from connector.api.models import ErrorDetail, StatusModel, StepModel, UsageModel, VideoModel
from connector.domain.estimate import Terms, planned
from connector.domain.limits import output_minutes
from connector.domain.plan import Plan
from connector.domain.planner import chunk_range, chunk_renditions
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

_PLAYABLE = "The video is being encoded; what is finished of it can be played already."
ENCODING_SHARE = (3, 97)
"""Percent at which encoding begins and ends; the rest is reading and packaging."""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def states_named(status: str | None) -> tuple[State, ...]:
    """The states that a status stands for; none for None."""
    return tuple(state for state, (_, name, _) in _STATUS.items() if name == status)


def video_model(video: Video, upload_uri: str | None, terms: Terms, key: UploadKey | None = None) -> VideoModel:
    """`key` only in the answer to the call that created the video."""
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
        estimate=estimate(video, terms),
        actual=actual(video, terms),
    )


def estimate(video: Video, terms: Terms) -> UsageModel | None:
    return _usage(video, planned(video, terms.machine), terms.prices) if video.plan else None


def actual(video: Video, terms: Terms) -> UsageModel | None:
    """Null too for a video that became ready when nothing was counted yet."""
    done = video.state is State.READY and video.used.executions
    return _usage(video, video.used, terms.prices) if done else None


def _usage(video: Video, usage: Usage, prices: Prices) -> UsageModel:
    assert video.plan  # noqa: S101 - nothing is used without one
    return UsageModel(
        seconds=round(usage.seconds, 1),
        output_minutes=round(float(output_minutes(video.plan)), 3),
        storage_bytes=usage.size,
        cost=round(prices.made(usage), 6),
        monthly_cost=round(prices.kept(usage), 6),
        currency=prices.currency,
    )


def status_model(video: Video, tasks: Sequence[Task], terms: Terms) -> StatusModel:
    code, status, message = _STATUS[video.state]
    failure = video.failure
    return StatusModel(
        status_code=code,
        status=status,
        message=failure.message if failure else _PLAYABLE if video.growing else message,
        progress=progress(video, tasks),
        error=ErrorDetail(code=failure.code, message=failure.message) if failure else None,
        chunks=len(video.plan.chunks) if video.plan else 0,
        playable=video.growing or video.state is State.READY,
        audio_tracks=len(video.plan.audio) if video.plan else 0,
        steps=_steps(video, tasks),
        estimate=estimate(video, terms),
        actual=actual(video, terms),
    )


def progress(video: Video, tasks: Sequence[Task]) -> int:
    """Percent. Chunks count by their frames, an audio track as much as a fifth of the picture."""
    if video.state is State.READY:
        return 100
    plan = video.plan
    if plan is None or video.state is State.FAILED:
        return 0
    begin, end = ENCODING_SHARE
    weights = {f"chunk-{i:06d}": _work(plan, i) for i in range(len(plan.chunks))}
    audio = max(1.0, plan.frames / 5)
    weights |= {f"audio-{i:06d}": audio for i in range(len(plan.audio))}
    done = sum(weights.get(t.name, 0) * (1.0 if t.done else min(1.0, t.progress)) for t in tasks)
    return round(begin + (end - begin) * done / sum(weights.values()))


def _work(plan: Plan, chunk: int) -> float:
    """Frames, as far as all renditions are made of them."""
    return len(chunk_range(plan, chunk)) * len(chunk_renditions(plan, chunk)) / len(plan.renditions)


def _steps(video: Video, tasks: Sequence[Task]) -> list[StepModel]:
    moments = [
        ("Upload", video.created, video.queued),
        ("Probe", video.queued, video.encoding),
        ("Encode", video.encoding, video.packaging),
        ("Package", video.packaging, video.finished),
    ]
    steps = [_step(name, begin, end) for name, begin, end in moments if begin is not None]
    steps += [_step(task.name, task.started, task.finished, task.progress, task.worker) for task in tasks]
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
