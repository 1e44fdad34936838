"""Functions that several handlers share."""

from uuid import UUID

from connector.api.app import App
from connector.api.conditional import etag_for
from connector.api.http import Request, Response
from connector.api.inputs import RedirectQuery
from connector.api.models import AddressModel, Wire
from connector.domain.video import Video
from connector.errors import NotFound, VideoNotFound
from connector.pipeline.create import upload_ends


def wire(model: Wire) -> dict[str, object]:
    return model.model_dump(by_alias=True, mode="json")


def etag_of(app: App, video: Video, request: Request) -> str:
    """Returns an ETag that changes with everything a Video shows to this caller.

    The signature of the upload URL is always new, so only whether there is one counts.
    """
    shows_upload = request.may_write and upload_ends(app, video) is not None
    return etag_for(video.etag, not shows_upload, app.estimate_parameters)


def video_id(request: Request) -> UUID:
    try:
        return UUID(request.path["id"])
    except ValueError:
        raise not_found() from None


def stored_video(app: App, request: Request) -> Video:
    try:
        return app.storage.videos.get(video_id(request))
    except NotFound:
        raise not_found() from None


def redirect_or_url(request: Request, url: str, cache_control: str) -> Response:
    """Returns a redirect to `url`, or the URL itself if the query asks for that."""
    query: RedirectQuery = request.parameters(RedirectQuery)
    headers = {"Cache-Control": cache_control}
    if query.redirect:
        return Response(307, headers={"Location": url, **headers})
    return Response(200, wire(AddressModel(url=url)), headers)


def not_found() -> VideoNotFound:
    return VideoNotFound("There is no video with this id.")
