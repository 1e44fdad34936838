"""A new Video: a row, and a URL to upload to."""

from dataclasses import dataclass
from datetime import timedelta

from connector.domain.video import State, Video, new_video
from connector.pipeline.app import App, now
from connector.pipeline.keys import UploadKey, make_keys


@dataclass(frozen=True, repr=False)
class Created:
    video: Video
    upload_uri: str | None
    upload_key: UploadKey | None
    """Told once, here, and never again."""


def create(app: App, file_name: str, *, protected: bool = False, encrypted_upload: bool = False) -> Created:
    """`file_name` is checked by the caller. Raises KeyUnavailable when keys are asked for and none can be kept."""
    if protected or encrypted_upload:
        _ = app.master_keys.current  # before anything is stored
    # The row first: keys that no row names would stay for ever.
    video = app.storage.videos.create(new_video(file_name, protected=protected, encrypted_upload=encrypted_upload))
    return Created(video, upload_uri(app, video), make_keys(app, video))


def upload_uri(app: App, video: Video) -> str | None:
    """Valid until the sweep gives the upload up, so never longer than it is of use; None when no upload is awaited."""
    left = video.created + app.upload_lifetime - now()
    if video.state is not State.AWAITING_UPLOAD or left <= timedelta(0):
        return None
    return app.storage.blobs.upload_uri(video.blob_name, left)
