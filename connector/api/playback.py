"""Playback: addresses of manifests, tokens and keys of protected videos, and manifests rendered by the app."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from connector.api.app import App
from connector.api.common import stored_video, video_id, wire
from connector.api.http import Request, Response
from connector.api.inputs import PlaybackQuery, TokenQuery
from connector.api.models import PlaybackModel, TokenModel
from connector.domain import layout
from connector.domain.video import State, Video
from connector.errors import Forbidden, InvalidRequest, NotFound, NotPlayable, Unauthorized, VideoNotFound
from connector.pipeline.keys import content_key
from connector.security.tokens import check, issue

_MANIFESTS = {
    "Streaming": layout.SMOOTH_MANIFEST,
    "HLS": layout.MASTER_PLAYLIST,
    "DASH": layout.DASH_MANIFEST,
    "Progressive": layout.PROGRESSIVE,
}
_EARLY = {layout.MASTER_PLAYLIST, layout.DASH_MANIFEST}
_FROM_THE_BEGINNING = "#t=0"
"""An MPD anchor (ISO/IEC 23009-1 annex C.4). Without it players begin a live stream near its end."""
_BEARER = re.compile(r"bearer[ =]\s*(\S+)", re.IGNORECASE)
"""The Authorization header of RFC 6750 section 2.1, and the form that the old players send."""
_PRIVATE = {"Cache-Control": "no-store"}
_FARTHEST = timedelta(days=1)
"""Longest time until a token becomes valid. A caller who may only read cannot collect tokens for later."""


def get_playback(app: App, request: Request) -> Response:
    """Returns the URL at which a player finds the video.

    Native players cannot set headers. For them, give the token of a protected video: the app then renders the
    manifests, and the address of the key carries the token. With `early=true` the URL leads to what is encoded so far;
    its manifests are extended until the video is complete.
    """
    query: PlaybackQuery = request.parameters(PlaybackQuery)
    video = stored_video(app, request)
    name, blob = query.endpoint_type, _MANIFESTS[query.endpoint_type]
    early = query.early and video.playable_early and blob in _EARLY
    if video.state is not State.READY and not early:
        raise NotPlayable("The video is not playable. Its processing failed or is not finished. See its Status.")
    if video.key_id is not None and blob == layout.PROGRESSIVE:
        raise NotPlayable("A protected video has no Progressive endpoint. Choose HLS, DASH or Streaming.")
    token = query.token
    if video.key_id is None:
        token = ""
    elif token:
        check(app.tokens, token, video.key_id)
    if early and not token and not app.options.playback.signed:  # rendered manifests are always up to date
        from connector.pipeline.early import mark_watched

        mark_watched(app, video)
    url = _url(app, video, blob, token)
    if early and blob == layout.DASH_MANIFEST:
        url += _FROM_THE_BEGINNING
    return Response(200, wire(PlaybackModel(type=name, playback_url=url)), _PRIVATE)


def _url(app: App, video: Video, blob: str, token: str) -> str:
    blobs, container = app.storage.blobs, layout.output_container(video.id)
    from connector.pipeline.playback import playback_uri  # loads everything that makes manifests

    if token:
        return playback_uri(app, video, blob, token)
    if not app.options.playback.signed:
        return blobs.public_uri(container, blob)
    if blob == layout.PROGRESSIVE:
        return blobs.read_uri(container, blob, app.options.playback.url_lifetime)
    # This token opens the manifests of this video for a while, but no key.
    viewing, _ = issue(app.tokens, video.id, app.clock.now(), lifetime=app.options.playback.url_lifetime)
    return playback_uri(app, video, blob, viewing)


def get_manifest(app: App, request: Request) -> Response:
    """Returns a manifest to the bearer of a token.

    The token is one for the content key of the video, or one that PlaybackEndpoint made for this video.
    """
    token = bearer(request)
    key_token = ""
    # The token is checked first, so that nobody learns without one which videos exist.
    try:
        check(app.tokens, token, video_id(request))
        video = stored_video(app, request)
    except Forbidden:
        video = stored_video(app, request)
        if video.key_id is None:
            raise
        check(app.tokens, token, video.key_id)
        key_token = token
    if video.state is not State.READY and not video.playable_early:
        raise NotPlayable("The video is not playable yet.")
    from connector.pipeline.playback import rendered

    name = request.path.get("name", "")  # hosts leave out a catch-all parameter that is empty
    try:
        text = rendered(app, video, name, token, key_token)
    except NotFound:
        raise VideoNotFound("The video has no such manifest.") from None
    return Response(200, text.encode(), {"Content-Type": layout.content_type(name), **_PRIVATE})


def get_token(app: App, request: Request) -> Response:
    """Issues an authorization token for the content key of a video."""
    query: TokenQuery = request.parameters(TokenQuery)
    video = stored_video(app, request)
    if video.key_id is None or query.key_id.strip("{} ").lower() not in {"", str(video.key_id)}:
        raise VideoNotFound("The video has no such content key.")
    token, expires = issue(app.tokens, video.key_id, app.clock.now(), _not_before(app, query.not_before))
    return Response(200, wire(TokenModel(value=f"Bearer={token}", token=token, expires_on=expires)), _PRIVATE)


def _not_before(app: App, epoch: int | None) -> datetime | None:
    if epoch is None:
        return None
    present = app.clock.now()
    if epoch > (present + _FARTHEST).timestamp():
        message = "must be a time in epoch seconds, at most a day from now"
        raise InvalidRequest(f"notBefore {message}.", {"notBefore": message})
    return max(present, datetime.fromtimestamp(epoch, UTC))


def get_key(app: App, request: Request) -> Response:
    """Returns a content key, 16 bytes, to the bearer of a token for it."""
    token = bearer(request)
    try:
        key_id = UUID(request.path["id"])
    except ValueError:
        raise _no_key() from None
    check(app.tokens, token, key_id)
    try:
        key = content_key(app, key_id)
    except NotFound:
        raise _no_key() from None
    return Response(200, key, {"Content-Type": "application/octet-stream", **_PRIVATE})


def _no_key() -> VideoNotFound:
    return VideoNotFound("There is no such content key.")


def bearer(request: Request) -> str:
    """Returns the token from the Authorization header or the query. Native players cannot set headers.

    Raises Unauthorized without one.
    """
    found = _BEARER.fullmatch(request.headers.get("authorization", "").strip())
    token = found[1] if found else request.query.get("token", "")
    if not token:
        raise Unauthorized("This operation needs a token.")
    return token
