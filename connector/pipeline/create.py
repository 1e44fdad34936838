"""A new Video: a row, and a URL to upload to."""

from dataclasses import dataclass, replace
from datetime import datetime

from connector.domain.video import About, State, Video, new_video
from connector.pipeline.app import App, now
from connector.pipeline.keys import UploadKey, make_keys


@dataclass(frozen=True, repr=False)
class Created:
    video: Video
    upload_uri: str | None
    upload_key: UploadKey | None
    """Told once, here, and never again."""


def create(
    app: App,
    file_name: str,
    *,
    about: About | None = None,
    protected: bool = False,
    encrypted_upload: bool = False,
) -> Created:
    """`file_name` is checked by the caller. Raises KeyUnavailable when keys are asked for and none can be kept, Busy
    while too many videos are unfinished.
    """
    if protected or encrypted_upload:
        _ = app.master_keys.current  # before anything is stored
    app.admission.admit()
    # The row first: keys that no row names would stay for ever.
    video = new_video(file_name, about=about, protected=protected, encrypted_upload=encrypted_upload)
    video = app.storage.videos.create(replace(video, trace=app.telemetry.traceparent()))
    app.telemetry.add(video_id=str(video.id))
    return Created(video, upload_uri(app, video), make_keys(app, video))


def upload_ends(app: App, video: Video) -> datetime | None:
    """When the upload URL expires: when the sweep gives the upload up. None when no upload is awaited (any more)."""
    end = video.created + app.upload_lifetime
    return end if video.state is State.AWAITING_UPLOAD and end > now() else None


def upload_uri(app: App, video: Video) -> str | None:
    """None when no upload is awaited (any more)."""
    end = upload_ends(app, video)
    return app.storage.blobs.upload_uri(video.blob_name, end - now()) if end else None
