"""Thumbnails: the list of those that every video has, and redirects to each of them and to a picture of any moment."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from connector.api.app import App
from connector.api.common import redirect_or_url, stored_video, wire
from connector.api.http import Request, Response
from connector.api.inputs import RedirectQuery
from connector.api.models import ThumbnailModel
from connector.domain import layout
from connector.domain.plan import Plan, Size, Stills
from connector.domain.video import State, Video
from connector.errors import NotFound, NotPlayable, VideoNotFound

MIN_HEIGHT, MAX_HEIGHT = 16, 3840
"""Limits of a picture's height in pixels. No rendition is higher than 3840, the long side of 2160p."""
_LONGEST_KEPT = timedelta(hours=1)
"""Longest time for which a client may remember an image's address; never longer than half of its validity."""


class ThumbnailQuery(RedirectQuery):
    """Which moment to show, and in which form."""

    time: Annotated[
        float,
        Field(
            ge=0,
            allow_inf_nan=False,
            description="Moment in seconds, less than the duration; it is rounded down to a tenth of a second.",
        ),
    ]
    height: Annotated[
        Annotated[int, Field(ge=MIN_HEIGHT, le=MAX_HEIGHT)] | None,
        Field(
            description="Height in pixels, at most that of the highest rendition; it is rounded up to 90, 180, 360, "
            "540, 720, 1080, 2160 or that of the highest rendition; by default the height of the indexed thumbnails."
        ),
    ] = None
    format: Annotated[layout.ImageFormat, Field(description="File format of the picture.")] = "jpg"


def get_thumbnails(app: App, request: Request) -> Response:
    """Lists the poster and the indexed thumbnails of a video.

    The list is empty before the video is ready, and for sound without a picture.
    """
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
            url=app.storage.blobs.read_uri(container, blob, app.options.playback.url_lifetime),
        )
        return wire(model)

    indexed = (
        thumbnail("Indexed", index, layout.indexed_thumbnail(index), stills.thumbnail)
        for index in range(1, len(stills.thumbnails) + 1)
    )
    return Response(200, [thumbnail("Poster", 0, layout.POSTER, stills.poster), *indexed])


def get_thumbnail(app: App, request: Request) -> Response:
    """Redirects to a thumbnail.

    `index` is the number of an indexed thumbnail from 1 on, `poster`, `storyboard` or `storyboard.vtt`. The storyboard
    is one image that holds many small ones; the WebVTT file says which of them shows which time.
    """
    wanted = request.path["index"].lower()
    if wanted == "at":  # hosts match functions in the order of their names, and `Thumbnail` comes before `ThumbnailAt`
        return get_thumbnail_at(app, request)
    video, _, stills = _with_picture(app, request)
    names = {str(index): layout.indexed_thumbnail(index) for index in range(1, len(stills.thumbnails) + 1)}
    names |= {"poster": layout.POSTER, "storyboard": layout.STORYBOARD, "storyboard.vtt": layout.STORYBOARD_VTT}
    name = names.get(wanted)
    if name is None:
        raise VideoNotFound("The video has no such thumbnail.")
    return _redirect_to_image(app, request, video, name)


def get_thumbnail_at(app: App, request: Request) -> Response:
    """Redirects to a picture of any moment.

    The picture is made at the first request for it, and then kept. HEAD makes none, so the picture may not be there
    yet. The code TooManyPictures says that no more are made for this video.
    """
    from connector.pipeline.thumbnail import picture_at, thumbnail_blob  # loads everything that reads media

    query: ThumbnailQuery = request.parameters(ThumbnailQuery)
    video, plan, _ = _with_picture(app, request)
    picture = picture_at(plan, query.time, query.height, query.format)
    if request.method == "HEAD":
        return _redirect_to_image(app, request, video, picture.name)
    try:
        return _redirect_to_image(app, request, video, thumbnail_blob(app, video, picture))
    except NotFound:
        stored_video(app, request)  # raises VideoNotFound if the video was deleted meanwhile
        raise


def _with_picture(app: App, request: Request) -> tuple[Video, Plan, Stills]:
    """Returns the video if it is published and has a picture. Raises NotPlayable, VideoNotFound."""
    video = stored_video(app, request)
    if video.state is not State.READY:
        raise NotPlayable("The video has no thumbnails. Its processing failed or is not finished. See its Status.")
    if video.plan is None or video.plan.stills is None:
        raise VideoNotFound("The video has no thumbnails, because the file contains no video track.")
    return video, video.plan, video.plan.stills


def _redirect_to_image(app: App, request: Request, video: Video, name: str) -> Response:
    """Redirects to an image. A public one keeps its address, so browsers and caches recognise it; others get a signed
    one.
    """
    blobs, container = app.storage.blobs, layout.stills_of(video)
    if video.key_id is None and not app.options.playback.signed:
        url = blobs.public_uri(container, name)
    else:
        url = blobs.read_uri(container, name, app.options.playback.url_lifetime)
    kept = min(_LONGEST_KEPT, app.options.playback.url_lifetime / 2)
    return redirect_or_url(request, url, f"private, max-age={int(kept.total_seconds())}")
