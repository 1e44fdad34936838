"""Deleting a video: its row goes first, so that it is gone for everybody; then all that was stored for it."""

from uuid import UUID

from connector.domain.layout import output_container, work_container
from connector.pipeline.app import App


def delete(app: App, video_id: UUID) -> None:
    """Raises NotFound when there is none. What a crash leaves behind, asking again removes."""
    video = app.storage.videos.get(video_id)
    storage = app.storage
    storage.blobs.delete_container(output_container(video_id))
    storage.blobs.delete_container(work_container(video_id))
    storage.blobs.delete_upload(video_id)
    storage.tasks.delete(video_id)
    storage.videos.delete(video.id)
