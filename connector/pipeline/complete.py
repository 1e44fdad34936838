"""The upload is complete: said by the client, seen by the blob trigger, or both, in any order and number."""

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

from connector.domain.failures import refused
from connector.domain.layout import UPLOADS
from connector.domain.messages import Message
from connector.domain.video import State, Video
from connector.errors import MediaError, NotFound, NotUploaded
from connector.pipeline.app import App, now
from connector.pipeline.changes import change_video
from connector.pipeline.fail import fail

log = logging.getLogger(__name__)

SENDING = timedelta(seconds=10)
"""A message goes out at once; it takes longer only if its sender died."""


def complete_upload(app: App, video_id: UUID) -> list[Message]:
    """Moves the video on to QUEUED, once; or to FAILED when the upload is too large.

    Raises NotFound without the video, NotUploaded without its blob.
    """
    video = app.storage.videos.get(video_id)
    with app.telemetry.span("complete", {"video_id": str(video_id)}, video.trace):
        try:
            video, moved = change_video(app, video_id, partial(_queued, app))
        except MediaError as error:
            fail(app, video_id, error.code, error.message)
            return []
        if video.state is not State.QUEUED or not (moved or _left_alone(video)):
            return []
        return [Message(step="probe", video_id=video_id, trace=app.telemetry.traceparent())]


def _left_alone(video: Video) -> bool:
    """Whether whoever queued it may have died before the message was sent; just now, it is being sent."""
    return video.queued is None or now() - video.queued > SENDING


def _queued(app: App, video: Video) -> Video | None:
    """The video with its upload, in QUEUED; None when it awaits no upload (any more)."""
    if video.state is not State.AWAITING_UPLOAD:
        return None
    try:
        size, etag = app.storage.blobs.properties(UPLOADS, video.blob_name)
    except NotFound:
        raise NotUploaded("No file was uploaded for this video yet.") from None
    if size > app.settings.max_upload_bytes:
        raise refused("UploadTooLarge", found=size, most=app.settings.max_upload_bytes)
    return replace(video.to(State.QUEUED, now()), size=size, source_etag=etag)


def complete_by_name(app: App, blob: str) -> list[Message]:
    """For the blob trigger: `blob` is container and name. The upload of a video that was deleted meanwhile goes.

    The Functions host runs the trigger for whatever blob an event names, in any container. Only `uploads/{id}/{file}`
    concerns a video. Any other is left alone, without an error: the host would try it again, and bury it.
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
        app.storage.blobs.delete_upload(video_id)
    return []


def _video_id(folder: str) -> UUID | None:
    """The id that this folder is named by, written as the app writes it."""
    try:
        video_id = UUID(folder)
    except ValueError:
        return None
    return video_id if str(video_id) == folder else None
