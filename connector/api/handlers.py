"""Creating, looking at and deleting videos: one function per call of the API."""

from uuid import UUID

from connector.api.common import elsewhere, etag_of, not_found, stored_video, video_id, wire
from connector.api.conditional import check_if_match
from connector.api.http import Request, Response
from connector.api.inputs import AboutModel, NewVideo, VideosQuery
from connector.api.models import FormatModel, HealthModel, VideoList
from connector.api.views import states_named, status_model, video_model
from connector.domain import layout
from connector.domain.formats import FORMATS
from connector.domain.listing import VideoFilter
from connector.errors import FeatureDisabled, KeyUnavailable, NotFound, NotUploaded, PayloadTooLarge
from connector.pipeline.app import App
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create, upload_uri
from connector.pipeline.delete import delete
from connector.pipeline.describe import describe


def list_videos(app: App, request: Request) -> Response:
    """Videos, newest first.

    Pages neither skip nor repeat a video, whatever is created or deleted meanwhile. A page may hold fewer videos than
    `top`, even none, before the last one: go on while there is a ContinuationToken.
    """
    query: VideosQuery = request.parameters(VideosQuery)
    wanted = VideoFilter(states_named(query.status), query.tag, query.name_prefix)
    after = UUID(query.continuation_token) if query.continuation_token else None
    page = app.storage.videos.page(wanted, after, query.top)
    items = [video_model(video, upload_uri(app, video), app.terms) for video in page.videos]
    return Response(200, wire(VideoList(items=items, continuation_token=page.after.hex if page.after else None)))


def post_video(app: App, request: Request) -> Response:
    """Creates a video.

    The answer holds the URL to upload the file to, and the keys to encrypt it with, if that was asked for. They are
    told here only.
    """
    wanted: NewVideo = request.json(NewVideo)
    if wanted.size is not None and wanted.size > app.settings.max_upload_bytes:
        raise PayloadTooLarge(f"Uploads are limited to {app.settings.max_upload_gb:g} GB.")
    try:
        made = create(
            app,
            wanted.original_file_name,
            about=wanted.about(),
            protected=wanted.content_protection_mode == "AES128",
            encrypted_upload=wanted.input_storage_encryption_mode is not None,
        )
    except KeyUnavailable:
        raise FeatureDisabled("Encryption is switched off here: the deployment has no master key.") from None
    headers = {"Location": f"{request.source.rstrip('/')}/{made.video.id}", "ETag": etag_of(app, made.video)}
    if made.upload_key is not None:
        headers["Cache-Control"] = "no-store"
    return Response(201, wire(video_model(made.video, made.upload_uri, app.terms, made.upload_key)), headers)


def get_video(app: App, request: Request) -> Response:
    """A video."""
    video = stored_video(app, request)
    return Response(200, wire(video_model(video, upload_uri(app, video), app.terms)), {"ETag": etag_of(app, video)})


def put_video(app: App, request: Request) -> Response:
    """Replaces title, description, tags and metadata.

    What is left out is emptied; everything else about a video cannot be changed, and is ignored here.
    """
    wanted: AboutModel = request.json(AboutModel)
    try:
        video = describe(
            app, video_id(request), wanted.about(), lambda found: check_if_match(request, etag_of(app, found))
        )
    except NotFound:
        raise not_found() from None
    return Response(204, headers={"ETag": etag_of(app, video)})


def delete_video(app: App, request: Request) -> Response:
    """Deletes a video and everything stored for it: upload, media, images, keys."""
    if "if-match" in request.headers:
        check_if_match(request, etag_of(app, stored_video(app, request)))
    try:
        delete(app, video_id(request))
    except NotFound:
        raise not_found() from None
    return Response(204)


def mark_complete(app: App, request: Request) -> Response:
    """Says that the upload is complete; processing starts. Repeating it is harmless."""
    try:
        messages = complete_upload(app, video_id(request))
    except NotFound:
        raise not_found() from None
    return Response(202, messages=tuple(messages))


def get_status(app: App, request: Request) -> Response:
    """How far processing is, step by step, and why it failed."""
    video = stored_video(app, request)
    tasks = app.storage.tasks.overview(video.id) if video.plan else []
    return Response(200, wire(status_model(video, tasks, app.terms)))


def get_source(app: App, request: Request) -> Response:
    """The way to the file that was uploaded, as it was uploaded."""
    video = stored_video(app, request)
    if video.source_etag is None:
        raise NotUploaded("No file was uploaded for this video yet.")
    url = app.storage.blobs.read_uri(layout.UPLOADS, video.blob_name, app.url_lifetime)
    return elsewhere(request, url, "no-store")


def get_formats(app: App, request: Request) -> Response:  # noqa: ARG001 - one shape for all
    """The file formats that can be uploaded."""
    return Response(200, [wire(FormatModel(extension=f.extension, mime_type=f.mime_type)) for f in FORMATS])


def get_health(app: App, request: Request) -> Response:  # noqa: ARG001 - one shape for all
    """Whether the service and its storage answer."""
    # One row that does not exist.
    app.storage.tasks.get(UUID(int=0), "health")
    return Response(200, wire(HealthModel(status="Healthy")))
