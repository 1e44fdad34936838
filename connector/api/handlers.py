"""One function per call of the API."""

from uuid import UUID

from connector.api.http import Request, Response
from connector.api.models import FormatModel, NewVideo, PlaybackModel, ThumbnailModel, Wire
from connector.api.views import status_model, video_model
from connector.domain import layout
from connector.domain.formats import FORMATS
from connector.domain.plan import Size
from connector.domain.video import State, Video
from connector.errors import InvalidRequest, NotFound, NotPlayable, VideoNotFound
from connector.pipeline.app import App
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create, upload_uri
from connector.pipeline.delete import delete

_ENDPOINTS = {
    "streaming": ("Streaming", layout.SMOOTH_MANIFEST),
    "hls": ("HLS", layout.MASTER_PLAYLIST),
    "dash": ("DASH", layout.DASH_MANIFEST),
    "progressive": ("Progressive", layout.PROGRESSIVE),
}


def post_video(app: App, request: Request) -> Response:
    wanted: NewVideo = request.json(NewVideo)
    video, uri = create(app, wanted.original_file_name)
    location = f"{request.source.rstrip('/')}/{video.id}"
    return Response(201, _wire(video_model(video, uri)), {"Location": location, "ETag": _etag(video)})


def get_video(app: App, request: Request) -> Response:
    video = _video(app, request)
    return Response(200, _wire(video_model(video, upload_uri(app, video))), {"ETag": _etag(video)})


def delete_video(app: App, request: Request) -> Response:
    try:
        delete(app, _id(request))
    except NotFound:
        raise _not_found() from None
    return Response(204)


def mark_complete(app: App, request: Request) -> Response:
    try:
        messages = complete_upload(app, _id(request))
    except NotFound:
        raise _not_found() from None
    return Response(202, messages=tuple(messages))


def get_status(app: App, request: Request) -> Response:
    video = _video(app, request)
    tasks = app.storage.tasks.overview(video.id) if video.plan else []
    return Response(200, _wire(status_model(video, tasks)))


def get_playback(app: App, request: Request) -> Response:
    kind = request.query.get("endpointtype", "").lower()
    if kind not in _ENDPOINTS:
        names = ", ".join(name for name, _ in _ENDPOINTS.values())
        message = f"endpointType must be one of {names}."
        raise InvalidRequest(message, {"endpointType": message})
    video = _video(app, request)
    if video.state is not State.READY:
        raise NotPlayable("The video is not playable: its processing failed or has not ended yet. See its Status.")
    name, blob = _ENDPOINTS[kind]
    url = app.storage.blobs.public_uri(layout.output_container(video.id), blob)
    return Response(200, _wire(PlaybackModel(type=name, playback_url=url)))


def get_thumbnails(app: App, request: Request) -> Response:
    video = _video(app, request)
    stills = video.plan.stills if video.plan else None
    if video.state is not State.READY or stills is None:
        return Response(200, [])
    container = layout.output_container(video.id)

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
        return _wire(model)

    indexed = (
        thumbnail("Indexed", index, layout.indexed_thumbnail(index), stills.thumbnail)
        for index in range(1, len(stills.thumbnails) + 1)
    )
    return Response(200, [thumbnail("Poster", 0, layout.POSTER, stills.poster), *indexed])


def get_formats(app: App, request: Request) -> Response:  # noqa: ARG001 - one shape for all
    return Response(200, [_wire(FormatModel(extension=f.extension, mime_type=f.mime_type)) for f in FORMATS])


def get_health(app: App, request: Request) -> Response:  # noqa: ARG001 - one shape for all
    """Reads one row that does not exist: storage answers, or the caller gets 408 or 503."""
    app.storage.tasks.get(UUID(int=0), "health")
    return Response(200, {"Status": "Healthy"})


def _wire(model: Wire) -> dict[str, object]:
    return model.model_dump(by_alias=True, mode="json")


def _etag(video: Video) -> str:
    return video.etag or '""'


def _id(request: Request) -> UUID:
    try:
        return UUID(request.path["id"])
    except ValueError:
        raise _not_found() from None


def _video(app: App, request: Request) -> Video:
    try:
        return app.storage.videos.get(_id(request))
    except NotFound:
        raise _not_found() from None


def _not_found() -> VideoNotFound:
    return VideoNotFound("There is no video with this id.")
