"""Creating, looking at and deleting videos: one function per call of the API."""

from uuid import UUID

from connector.api.common import etag_of, not_found, stored_video, video_id, wire
from connector.api.http import Request, Response
from connector.api.models import FormatModel, NewVideo, ThumbnailModel
from connector.api.views import status_model, video_model
from connector.domain import layout
from connector.domain.formats import FORMATS
from connector.domain.plan import Size
from connector.domain.video import State
from connector.errors import NotFound, NotUploaded
from connector.pipeline.app import App
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create, upload_uri
from connector.pipeline.delete import delete
from connector.pipeline.protect import stills_of


def post_video(app: App, request: Request) -> Response:
    wanted: NewVideo = request.json(NewVideo)
    made = create(
        app,
        wanted.original_file_name,
        protected=wanted.content_protection_mode == "AES128",
        encrypted_upload=wanted.input_storage_encryption_mode is not None,
    )
    headers = {"Location": f"{request.source.rstrip('/')}/{made.video.id}", "ETag": etag_of(made.video)}
    if made.upload_key is not None:
        headers["Cache-Control"] = "no-store"
    return Response(201, wire(video_model(made.video, made.upload_uri, made.upload_key)), headers)


def get_video(app: App, request: Request) -> Response:
    video = stored_video(app, request)
    return Response(200, wire(video_model(video, upload_uri(app, video))), {"ETag": etag_of(video)})


def delete_video(app: App, request: Request) -> Response:
    try:
        delete(app, video_id(request))
    except NotFound:
        raise not_found() from None
    return Response(204)


def mark_complete(app: App, request: Request) -> Response:
    try:
        messages = complete_upload(app, video_id(request))
    except NotFound:
        raise not_found() from None
    return Response(202, messages=tuple(messages))


def get_status(app: App, request: Request) -> Response:
    video = stored_video(app, request)
    tasks = app.storage.tasks.overview(video.id) if video.plan else []
    return Response(200, wire(status_model(video, tasks)))


def get_thumbnails(app: App, request: Request) -> Response:
    video = stored_video(app, request)
    stills = video.plan.stills if video.plan else None
    if video.state is not State.READY or stills is None:
        return Response(200, [])
    container = stills_of(video)

    def thumbnail(kind: str, index: int, blob: str, size: Size) -> dict[str, object]:
        model = ThumbnailModel(
            kind=kind,
            id=f"{video.id}-{index:04d}",
            video_id=str(video.id),
            width=size.width,
            height=size.height,
            index=index,
            time=0,
            url=app.storage.blobs.read_uri(container, blob, app.url_lifetime),
        )
        return wire(model)

    indexed = (
        thumbnail("Indexed", index, layout.indexed_thumbnail(index), stills.thumbnail)
        for index in range(1, len(stills.thumbnails) + 1)
    )
    return Response(200, [thumbnail("Poster", 0, layout.POSTER, stills.poster), *indexed])


def get_source(app: App, request: Request) -> Response:
    """The original upload stays the user's."""
    video = stored_video(app, request)
    if video.source_etag is None:
        raise NotUploaded("No file was uploaded for this video yet.")
    url = app.storage.blobs.read_uri(layout.UPLOADS, video.blob_name, app.url_lifetime)
    return Response(307, headers={"Location": url, "Cache-Control": "no-store"})


def get_formats(app: App, request: Request) -> Response:  # noqa: ARG001 - one shape for all
    return Response(200, [wire(FormatModel(extension=f.extension, mime_type=f.mime_type)) for f in FORMATS])


def get_health(app: App, request: Request) -> Response:  # noqa: ARG001 - one shape for all
    """Reads one row that does not exist: storage answers, or the caller gets 408 or 503."""
    app.storage.tasks.get(UUID(int=0), "health")
    return Response(200, {"Status": "Healthy"})
