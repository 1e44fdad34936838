"""Creating, reading and deleting videos: one function per operation. The docstrings are in the OpenAPI document."""

from uuid import UUID

from connector.api.app import App
from connector.api.common import etag_of, not_found, redirect_or_url, stored_video, video_id, wire
from connector.api.conditional import check_if_match
from connector.api.disposition import attachment
from connector.api.http import Request, Response
from connector.api.inputs import AboutModel, NewVideo, VideosQuery
from connector.api.models import FormatModel, HealthModel, MasterKeyModel, VideoList, VideoModel
from connector.api.views import states_named, status_model, video_model
from connector.domain import layout
from connector.domain.formats import FORMATS
from connector.domain.listing import VideoFilter
from connector.domain.step import Step, TaskId
from connector.domain.video import State, Video
from connector.errors import (
    FeatureDisabled,
    KeyUnavailable,
    NotFound,
    NotUploaded,
    PayloadTooLarge,
    TaskLost,
    Unhealthy,
)
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create, upload_uri
from connector.pipeline.delete import delete
from connector.pipeline.describe import describe
from connector.security.master import fingerprint

_BY_CALLER = {"Vary": "Authorization"}
"""Headers of an answer that differs for those who may write."""


def list_videos(app: App, request: Request) -> Response:
    """Lists videos, newest first.

    Pages neither skip nor repeat a video, even if others are created or deleted meanwhile. A page may hold fewer videos
    than `top`, or none, before the last one: continue while there is a ContinuationToken.
    """
    query: VideosQuery = request.parameters(VideosQuery)
    wanted = VideoFilter(states_named(query.status), query.tag, query.name_prefix)
    after = UUID(query.continuation_token) if query.continuation_token else None
    page = app.storage.videos.page(wanted, after, query.top)
    items = [_model(app, request, video) for video in page.videos]
    body = wire(VideoList(items=items, continuation_token=page.after.hex if page.after else None))
    return Response(200, body, _BY_CALLER)


def post_video(app: App, request: Request) -> Response:
    """Creates a video.

    The answer holds the URL to upload the file to. It also holds the key and IV to encrypt the file with, if encryption
    was asked for; they are never sent again.
    """
    wanted: NewVideo = request.json(NewVideo)
    if wanted.size is not None and wanted.size > app.options.max_upload_bytes:
        raise PayloadTooLarge(f"Uploads are limited to {app.options.max_upload_bytes / 1e9:g} GB.")
    try:
        made = create(
            app,
            wanted.original_file_name,
            about=wanted.about(),
            protected=wanted.content_protection_mode == "AES128",
            encrypted_upload=wanted.input_storage_encryption_mode is not None,
        )
    except KeyUnavailable:
        raise FeatureDisabled("Encryption is not available, because this deployment has no master key.") from None
    headers = {"Location": f"{request.source.rstrip('/')}/{made.video.id}", "ETag": etag_of(app, made.video, request)}
    if made.upload_key is not None:
        headers["Cache-Control"] = "no-store"
    return Response(
        201, wire(video_model(made.video, made.upload_uri, app.estimate_parameters, made.upload_key)), headers
    )


def get_video(app: App, request: Request) -> Response:
    """Returns a video."""
    video = stored_video(app, request)
    return Response(200, wire(_model(app, request, video)), {"ETag": etag_of(app, video, request), **_BY_CALLER})


def _model(app: App, request: Request, video: Video) -> VideoModel:
    """Returns the Video for this caller: whoever may only read gets no URL that writes."""
    return video_model(video, upload_uri(app, video) if request.may_write else None, app.estimate_parameters)


def put_video(app: App, request: Request) -> Response:
    """Replaces title, description, tags and metadata of a video.

    A field that is left out is emptied. All other fields of a video are read-only and ignored here.
    """
    wanted: AboutModel = request.json(AboutModel)
    try:
        video = describe(
            app, video_id(request), wanted.about(), lambda found: check_if_match(request, etag_of(app, found, request))
        )
    except NotFound:
        raise not_found() from None
    return Response(204, headers={"ETag": etag_of(app, video, request)})


def delete_video(app: App, request: Request) -> Response:
    """Deletes a video and everything stored for it: the upload, media, images and keys."""
    if "if-match" in request.headers:
        check_if_match(request, etag_of(app, stored_video(app, request), request))
    try:
        delete(app, video_id(request))
    except NotFound:
        raise not_found() from None
    return Response(204)


def mark_complete(app: App, request: Request) -> Response:
    """Marks the upload as complete, so that processing starts.

    Repeating the call is harmless.
    """
    try:
        messages = complete_upload(app, video_id(request))
    except NotFound:
        raise not_found() from None
    return Response(202, messages=tuple(messages))


def get_status(app: App, request: Request) -> Response:
    """Returns the state of processing, step by step, and the reason of a failure."""
    video = stored_video(app, request)
    tasks = app.storage.tasks.overview(video.id) if video.plan else []
    on_demand = app.storage.tasks.on_demand(video.id).usage if video.state is State.READY else None
    return Response(200, wire(status_model(video, tasks, app.estimate_parameters, on_demand)))


def get_source(app: App, request: Request) -> Response:
    """Redirects to the uploaded file.

    The file is as it was when the upload was complete, whatever was done to it since: an encrypted upload stays
    encrypted. It is a download with the name that its uploader gave it, and never shown by a browser.
    """
    video = stored_video(app, request)
    if video.source_etag is None:
        raise NotUploaded("No file has been uploaded for this video yet.")
    url = app.storage.blobs.read_uri(
        layout.UPLOADS,
        video.blob_name,
        app.options.playback.url_lifetime,
        snapshot=video.snapshot,
        disposition=attachment(video.file_name, video.original_file_name),
    )
    return redirect_or_url(request, url, "no-store")


def get_formats(app: App, request: Request) -> Response:  # noqa: ARG001 - one shape for all
    """Lists the file formats that can be uploaded."""
    return Response(200, [wire(FormatModel(extension=f.extension, mime_type=f.mime_type)) for f in FORMATS])


def get_health(app: App, request: Request) -> Response:  # noqa: ARG001 - one shape for all
    """Reports whether the service and its storage work, and how media processes are confined."""
    # This reads one row that does not exist.
    app.storage.tasks.get(UUID(int=0), TaskId(Step.PROBE))
    try:
        level, problem = app.media.confinement()
    except TaskLost as error:
        raise Unhealthy(str(error)) from error
    confinement = f"{level}: {problem}" if problem else level
    health = HealthModel(status="Healthy", confinement=confinement, master_key=_master_key(app))
    return Response(200, wire(health))


def _master_key(app: App) -> MasterKeyModel | None:
    if not app.master_keys.keys:
        return None
    name, key = app.master_keys.current
    return MasterKeyModel(id=name, fingerprint=fingerprint(key))
