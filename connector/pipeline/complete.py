"""The upload is complete: said by the client, seen by the blob trigger, or both, in any order and number."""

import logging
from dataclasses import replace
from uuid import UUID

from connector.domain.layout import UPLOADS
from connector.domain.messages import Message
from connector.domain.video import State, Video
from connector.errors import Conflict, NotFound, NotUploaded
from connector.pipeline.app import App, now

log = logging.getLogger(__name__)


def complete_upload(app: App, video_id: UUID) -> list[Message]:
    """Moves the video on to QUEUED, once. Raises NotFound without the video, NotUploaded without its blob."""
    while True:
        video = app.storage.videos.get(video_id)
        if video.state is not State.AWAITING_UPLOAD:
            break
        try:
            video = app.storage.videos.save(_queued(app, video))
            break
        except Conflict:
            continue  # somebody else moved it on; look again
    # Sent also when the state is not ours to change: whoever changed it may have died before sending.
    return [Message(step="probe", video_id=video_id)] if video.state is State.QUEUED else []


def _queued(app: App, video: Video) -> Video:
    try:
        size, etag = app.storage.blobs.properties(UPLOADS, video.blob_name)
    except NotFound:
        raise NotUploaded("No file was uploaded for this video yet.") from None
    return replace(video.to(State.QUEUED, now()), size=size, source_etag=etag)


def complete_by_name(app: App, blob: str) -> list[Message]:
    """For the blob trigger: `blob` is `uploads/{id}/{file}`. A blob that belongs to no video is left alone."""
    try:
        video_id = UUID(blob.split("/")[1])
        return complete_upload(app, video_id)
    except (ValueError, IndexError, NotFound, NotUploaded):
        log.warning("a blob appeared that belongs to no video")
        return []
