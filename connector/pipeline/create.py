"""Creates a video: a row, and a URL to upload to."""

from dataclasses import dataclass, replace
from datetime import datetime

from connector.domain.video import About, State, Video, new_video
from connector.pipeline.context import Pipeline
from connector.pipeline.keys import UploadKey, make_keys


@dataclass(frozen=True, repr=False)
class Created:
    video: Video
    upload_uri: str | None
    upload_key: UploadKey | None
    """The key for the upload. It is returned here once, and never again."""


def create(
    app: Pipeline,
    file_name: str,
    *,
    about: About | None = None,
    protected: bool = False,
    encrypted_upload: bool = False,
) -> Created:
    """Creates the row of a new video, and its keys. The caller has checked `file_name`.

    Raises KeyUnavailable when keys are wanted and no master key is configured, Busy while too many videos are
    unfinished.
    """
    if protected or encrypted_upload:
        _ = app.master_keys.current  # raises KeyUnavailable before anything is stored
    app.admission.admit(app.storage.videos, app.clock.now())
    # The row comes first: keys that no row names would stay for ever.
    video = new_video(file_name, app.clock.now(), about=about, protected=protected, encrypted_upload=encrypted_upload)
    video = app.storage.videos.create(replace(video, trace=app.telemetry.traceparent()))
    app.telemetry.add(video_id=str(video.id))
    return Created(video, upload_uri(app, video), make_keys(app, video))


def upload_ends(app: Pipeline, video: Video) -> datetime | None:
    """Returns when the upload URL expires, which is when the sweep gives the upload up; None when no upload is
    expected.
    """
    end = video.created + app.options.upload_lifetime
    return end if video.state is State.AWAITING_UPLOAD and end > app.clock.now() else None


def upload_uri(app: Pipeline, video: Video) -> str | None:
    """Returns the URL to upload to; None when no upload is expected."""
    end = upload_ends(app, video)
    return app.storage.blobs.upload_uri(video.blob_name, end - app.clock.now()) if end else None
