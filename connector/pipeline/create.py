"""A new Video: a row, and a URL to upload to."""

from datetime import timedelta

from connector.domain.video import State, Video, new_video
from connector.pipeline.app import App, now


def create(app: App, file_name: str) -> tuple[Video, str | None]:
    """The video and its upload URL; `file_name` is checked by the caller."""
    video = app.storage.videos.create(new_video(file_name))
    return video, upload_uri(app, video)


def upload_uri(app: App, video: Video) -> str | None:
    """Valid until the sweep gives the upload up, so never longer than it is of use; None when no upload is awaited."""
    left = video.created + app.upload_lifetime - now()
    if video.state is not State.AWAITING_UPLOAD or left <= timedelta(0):
        return None
    return app.storage.blobs.upload_uri(video.blob_name, left)
