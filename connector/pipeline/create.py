"""A new Video: a row, and a URL to upload to."""

from connector.domain.video import Video, new_video
from connector.pipeline.app import App


def create(app: App, file_name: str) -> tuple[Video, str]:
    """The video and its upload URL; `file_name` is checked by the caller."""
    video = app.storage.videos.create(new_video(file_name))
    return video, upload_uri(app, video)


def upload_uri(app: App, video: Video) -> str:
    return app.storage.blobs.upload_uri(video.blob_name, app.upload_lifetime)
