"""Playing: where a video's manifests are, tokens and keys of protected videos, and manifests rendered by the app."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from connector.api.common import stored_video, video_id, wire
from connector.api.http import Request, Response
from connector.api.inputs import PlaybackQuery, TokenQuery
from connector.api.models import PlaybackModel, TokenModel
from connector.domain import layout
from connector.domain.video import State, Video
from connector.errors import Forbidden, InvalidRequest, NotFound, NotPlayable, Unauthorized, VideoNotFound
from connector.pipeline.app import App, now
from connector.pipeline.keys import content_key
from connector.security.tokens import check, issue

_MANIFESTS = {
    "Streaming": layout.SMOOTH_MANIFEST,
    "HLS": layout.MASTER_PLAYLIST,
    "DASH": layout.DASH_MANIFEST,
    "Progressive": layout.PROGRESSIVE,
}
_GROWING = {layout.MASTER_PLAYLIST, layout.DASH_MANIFEST}
_FROM_THE_BEGINNING = "#t=0"
"""An MPD anchor (ISO/IEC 23009-1 annex C.4): players begin what still grows near its end, unless they are told."""
_BEARER = re.compile(r"bearer[ =]\s*(\S+)", re.IGNORECASE)
"""RFC 6750 section 2.1, and the form of the old players."""
_PRIVATE = {"Cache-Control": "no-store"}
_FARTHEST = timedelta(days=365)
"""A token may become valid so far in the future."""


def get_playback(app: App, request: Request) -> Response:
    """Where to play the video.

    With the token of a protected video, the manifests are rendered by the app and the key's address carries it, for
    native players, which cannot set headers. With `early=true`, what is finished so far, and from then on all that is
    added to it.
    """
    query: PlaybackQuery = request.parameters(PlaybackQuery)
    video = stored_video(app, request)
    name, blob = query.endpoint_type, _MANIFESTS[query.endpoint_type]
    early = query.early and video.growing and blob in _GROWING
    if video.state is not State.READY and not early:
        raise NotPlayable("The video is not playable: its processing failed or has not ended yet. See its Status.")
    if video.key_id is not None and blob == layout.PROGRESSIVE:
        raise NotPlayable("A protected video has no progressive file: choose HLS, DASH or Streaming.")
    token = query.token
    if video.key_id is None:
        token = ""
    elif token:
        check(app.tokens, token, video.key_id)
    if early and not token and not app.signed:  # what the app renders, it renders anew each time
        from connector.pipeline.grow import watch

        watch(app, video)
    url = _url(app, video, blob, token)
    if early and blob == layout.DASH_MANIFEST:
        url += _FROM_THE_BEGINNING
    return Response(200, wire(PlaybackModel(type=name, playback_url=url)), _PRIVATE)


def _url(app: App, video: Video, blob: str, token: str) -> str:
    blobs, container = app.storage.blobs, layout.output_container(video.id)
    from connector.pipeline.playback import playback_uri  # which needs all that makes manifests

    if token:
        return playback_uri(app, video, blob, token)
    if not app.signed:
        return blobs.public_uri(container, blob)
    if blob == layout.PROGRESSIVE:
        return blobs.read_uri(container, blob, app.url_lifetime)
    # Opens this video's manifests for a while, and no key.
    viewing, _ = issue(app.tokens, video.id, now(), lifetime=app.url_lifetime)
    return playback_uri(app, video, blob, viewing)


def get_manifest(app: App, request: Request) -> Response:
    """A manifest for the bearer of a token, of this video's content key or of the video itself."""
    token = bearer(request)
    key_token = ""
    # The token first: without a good one, nobody learns which videos there are.
    try:
        check(app.tokens, token, video_id(request))
        video = stored_video(app, request)
    except Forbidden:
        video = stored_video(app, request)
        if video.key_id is None:
            raise
        check(app.tokens, token, video.key_id)
        key_token = token
    if video.state is not State.READY and not video.growing:
        raise NotPlayable("The video is not playable yet.")
    from connector.pipeline.playback import rendered

    name = request.path["name"]
    try:
        text = rendered(app, video, name, token, key_token)
    except NotFound:
        raise VideoNotFound("The video has no such manifest.") from None
    return Response(200, text.encode(), {"Content-Type": layout.content_type(name), **_PRIVATE})


def get_token(app: App, request: Request) -> Response:
    """An authorization token for the video's content key."""
    query: TokenQuery = request.parameters(TokenQuery)
    video = stored_video(app, request)
    if video.key_id is None or query.key_id.strip("{} ").lower() not in {"", str(video.key_id)}:
        raise VideoNotFound("The video has no such content key.")
    token, expires = issue(app.tokens, video.key_id, now(), _not_before(query.not_before))
    return Response(200, wire(TokenModel(value=f"Bearer={token}", token=token, expires_on=expires)), _PRIVATE)


def _not_before(epoch: int | None) -> datetime | None:
    if epoch is None:
        return None
    present = now()
    if epoch > (present + _FARTHEST).timestamp():
        message = "must be a time in epoch seconds, at most a year from now"
        raise InvalidRequest(f"notBefore {message}.", {"notBefore": message})
    return max(present, datetime.fromtimestamp(epoch, UTC))


def get_key(app: App, request: Request) -> Response:
    """The content key itself, 16 bytes, for who has a token for it."""
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
    """The token from the Authorization header, or the query: native players cannot set headers. Raises Unauthorized."""
    found = _BEARER.fullmatch(request.headers.get("authorization", "").strip())
    token = found[1] if found else request.query.get("token", "")
    if not token:
        raise Unauthorized("This needs a token.")
    return token
