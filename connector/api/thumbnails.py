"""Thumbnails: the list of those every video has, and the way to each, and to one of any moment, by a redirect."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from connector.api.common import elsewhere, stored_video, wire
from connector.api.http import Request, Response
from connector.api.inputs import RedirectQuery
from connector.api.models import ThumbnailModel
from connector.domain import layout
from connector.domain.plan import Plan, Size, Stills
from connector.domain.video import State, Video
from connector.errors import NotFound, NotPlayable, VideoNotFound
from connector.pipeline.app import App

MIN_HEIGHT, MAX_HEIGHT = 16, 3840
"""px. No rendition is higher than 3840: the long side of 2160p."""
_LONGEST_KEPT = timedelta(hours=1)
"""How long a client may remember where an image is; never longer than half of the time that its URL is valid."""


class ThumbnailQuery(RedirectQuery):
    """Which moment to show, and how."""

    time: Annotated[float, Field(ge=0, allow_inf_nan=False, description="Seconds, less than the video's duration.")]
    height: Annotated[
        Annotated[int, Field(ge=MIN_HEIGHT, le=MAX_HEIGHT)] | None,
        Field(
            description="px, at most the highest rendition's; an odd one loses a line; left out: as indexed thumbnails."
        ),
    ] = None
    format: layout.ImageFormat = "jpg"


def get_thumbnails(app: App, request: Request) -> Response:
    """The poster and the indexed thumbnails; none before the video is ready, and none of sound alone."""
    video = stored_video(app, request)
    stills = video.plan.stills if video.plan else None
    if video.state is not State.READY or stills is None:
        return Response(200, [])
    container = layout.stills_of(video)

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


def get_thumbnail(app: App, request: Request) -> Response:
    """The way to an indexed thumbnail by its number, from 1 on, or to the `poster`, the `storyboard`, `storyboard.vtt`.

    The storyboard is one image of many small ones; the WebVTT file tells which of them shows which time.
    """
    wanted = request.path["index"].lower()
    if wanted == "at":  # a host that looks by name finds this route for that one
        return get_thumbnail_at(app, request)
    video, _, stills = _with_picture(app, request)
    names = {str(index): layout.indexed_thumbnail(index) for index in range(1, len(stills.thumbnails) + 1)}
    names |= {"poster": layout.POSTER, "storyboard": layout.STORYBOARD, "storyboard.vtt": layout.STORYBOARD_VTT}
    name = names.get(wanted)
    if name is None:
        raise VideoNotFound("The video has no such thumbnail.")
    return _way(app, request, video, name)


def get_thumbnail_at(app: App, request: Request) -> Response:
    """The way to a picture of any moment, which is made if nobody asked for it before."""
    from connector.pipeline.thumbnail import made, picture_at  # which needs all that reads media

    query: ThumbnailQuery = request.parameters(ThumbnailQuery)
    video, plan, _ = _with_picture(app, request)
    picture = picture_at(plan, query.time, query.height, query.format)
    try:
        return _way(app, request, video, made(app, video, picture))
    except NotFound:
        stored_video(app, request)  # deleted meanwhile: then this is the answer
        raise


def _with_picture(app: App, request: Request) -> tuple[Video, Plan, Stills]:
    """The video, if it is published and has a picture. Raises NotPlayable, VideoNotFound."""
    video = stored_video(app, request)
    if video.state is not State.READY:
        raise NotPlayable("The video has no thumbnails: its processing failed or has not ended yet. See its Status.")
    if video.plan is None or video.plan.stills is None:
        raise VideoNotFound("The video has no picture.")
    return video, video.plan, video.plan.stills


def _way(app: App, request: Request, video: Video, name: str) -> Response:
    """A public image keeps its one address, so that browsers and caches know it again; others get a signed one."""
    blobs, container = app.storage.blobs, layout.stills_of(video)
    if video.key_id is None and not app.signed:
        url = blobs.public_uri(container, name)
    else:
        url = blobs.read_uri(container, name, app.url_lifetime)
    kept = min(_LONGEST_KEPT, app.url_lifetime / 2)
    return elsewhere(request, url, f"private, max-age={int(kept.total_seconds())}")
