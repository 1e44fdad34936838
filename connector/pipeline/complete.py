"""Completes an upload. The client and the blob trigger may both report it, in any order and any number of times."""

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

from connector.domain.failures import media_error
from connector.domain.layout import UPLOADS
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.video import State, Video
from connector.errors import MediaError, NotFound, NotUploaded, StorageRefused
from connector.pipeline.active import was_deleted
from connector.pipeline.changes import change_video
from connector.pipeline.context import Pipeline
from connector.pipeline.fail import fail

log = logging.getLogger(__name__)

SENDING = timedelta(seconds=10)
"""Time in which a sender sends its message. Only a sender that died takes longer."""


def complete_upload(app: Pipeline, video_id: UUID) -> list[Message]:
    """Moves the video to QUEUED once, or to FAILED when the upload is too large, or storage cannot keep it.

    Returns the messages that come next. Raises NotFound without the video, NotUploaded without its blob.
    """
    video = app.storage.videos.get(video_id)
    with app.telemetry.span("complete", {"video_id": str(video_id)}, video.trace):
        try:
            video, moved = change_video(app, video_id, partial(_queued, app), video)
        except MediaError as error:
            fail(app, video_id, error)
            return []
        except StorageRefused as error:  # such as of an upload in the archive tier
            log.exception("storage refuses to keep an upload", extra={"video_id": str(video_id)})
            fail(app, video_id, media_error("StorageRefused", reason=str(error).removesuffix(".")))
            return []
        if video.state is not State.QUEUED or not (moved or _left_alone(app, video)):
            return []
        return [Message(step=Step.PROBE, video_id=video_id, trace=app.telemetry.traceparent())]


def _left_alone(app: Pipeline, video: Video) -> bool:
    """Whether the process that queued the video may have died before it sent the message."""
    return video.queued is None or app.clock.now() - video.queued > SENDING


def _queued(app: Pipeline, video: Video) -> Video | None:
    """Returns the video with its upload, in QUEUED; None when it does not wait for an upload.

    A snapshot keeps the upload as it is now, because its URL is valid for longer and may overwrite, lease and archive
    the blob. Of several that complete the upload at the same time, each takes a snapshot. The one that the row names
    counts, and all are removed with the upload.
    """
    if video.state is not State.AWAITING_UPLOAD:
        return None
    try:
        kept = app.storage.blobs.take_snapshot(UPLOADS, video.blob_name)
    except NotFound:
        raise NotUploaded("No file has been uploaded for this video yet.") from None
    if kept.size > app.options.max_upload_bytes:
        raise media_error("UploadTooLarge", found=kept.size, most=app.options.max_upload_bytes)
    queued = video.to(State.QUEUED, app.clock.now())
    return replace(queued, size=kept.size, source_etag=kept.etag, snapshot=kept.snapshot)


def complete_by_name(app: Pipeline, blob: str) -> list[Message]:
    """Completes the upload for the blob trigger. `blob` is the container and the name.

    The Functions host runs the trigger for any blob that an event names, in any container. Only `uploads/{id}/{file}`
    concerns a video. Any other blob is left alone without an error, because the host would try the event again and
    again. An upload whose video was deleted is removed. One whose row is missing for another reason stays.
    """
    container, _, name = blob.partition("/")
    folder, slash, _ = name.partition("/")
    video_id = _video_id(folder)
    if container != UPLOADS or not slash or video_id is None:
        log.warning("a blob appeared that belongs to no video")
        return []
    try:
        return complete_upload(app, video_id)
    except NotUploaded:
        log.warning("a blob appeared that is not the upload of its video")
    except NotFound:
        if was_deleted(app, video_id):
            app.storage.blobs.delete_upload(video_id)
        else:
            log.warning("the row of an upload's video is missing", extra={"video_id": str(video_id)})
    return []


def _video_id(folder: str) -> UUID | None:
    """Returns the id that names this folder; None for a folder that the app would write in another way."""
    try:
        video_id = UUID(folder)
    except ValueError:
        return None
    return video_id if str(video_id) == folder else None
