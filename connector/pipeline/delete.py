"""Deleting a video: all that was stored for it, and its row last, so that what a crash leaves can be deleted again."""

from uuid import UUID

from connector.pipeline.app import App
from connector.pipeline.keys import delete_keys
from connector.pipeline.unfinished import remove_output


def delete(app: App, video_id: UUID) -> None:
    """Raises NotFound when there is none. A step that is under way meanwhile cleans up behind itself."""
    storage = app.storage
    video = storage.videos.get(video_id)
    remove_output(app, video.id)
    storage.blobs.delete_upload(video.id)
    storage.tasks.delete(video.id)
    delete_keys(app, video)
    storage.videos.delete(video.id)
