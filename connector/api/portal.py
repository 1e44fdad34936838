"""Serves the web pages of `connector/portal/`."""

import hashlib
import html
import logging
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from connector.api.conditional import etag_for
from connector.api.http import Request, Response
from connector.domain import layout
from connector.errors import NotFound, ResourceNotFound, StorageError
from connector.pipeline.app import App

log = logging.getLogger(__name__)

_FOLDER = Path(__file__).parent.parent / "portal"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_EMBED = "embed/"
_NOWHERE = ("'none'",)


@cache
def _files() -> dict[str, Path]:
    """What there is to serve, by its path: nothing else can be asked for."""
    return {p.relative_to(_FOLDER).as_posix(): p for p in _FOLDER.rglob("*") if p.suffix in _TYPES}


def get_portal(app: App, request: Request) -> Response:
    """A page or a file of the portal. `embed/{id}` is a page with nothing but a video's player, for an iframe."""
    name = request.path.get("name") or ""
    if name.startswith(_EMBED):
        return _embed(app, name.removeprefix(_EMBED))
    return _page(app, name) if name else entry(app, request, "index.html")


def entry(app: App, request: Request, name: str) -> Response:
    """A page at an address of its own. It names what it loads relative to that, so the address ends without a slash."""
    if request.source.endswith("/"):
        return Response(307, headers={"Location": f"../{request.source.rstrip('/').rpartition('/')[2]}"})
    return _page(app, name)


def _page(app: App, name: str) -> Response:
    """Raises ResourceNotFound."""
    path = _files().get(name)
    if path is None:
        raise ResourceNotFound("There is no such page.")
    return _answer(app, path.read_bytes(), _TYPES[path.suffix], _NOWHERE)


def _embed(app: App, wanted: str) -> Response:
    """The player of one video. Where to play follows from the id alone: nobody learns whether there is such a video.

    What a viewer needs besides, a token, stands in the address's fragment, which only the page itself sees.
    """
    try:
        video = UUID(wanted)
    except ValueError:
        raise ResourceNotFound("There is no such page.") from None
    if not app.signed:
        _watched(app, video)
    blobs, container = app.storage.blobs, layout.output_container(video)
    rendered = f"{app.settings.public_url.rstrip('/')}/Playback/{video}/{layout.MASTER_PLAYLIST}"
    facts = {
        "hls": "" if app.signed else blobs.public_uri(container, layout.MASTER_PLAYLIST),
        "rendered": rendered,
        "poster": "" if app.signed else blobs.public_uri(container, layout.POSTER),
    }
    text = _files()["embed.html"].read_text("utf-8")
    for name, value in facts.items():
        text = text.replace(f"{{{{{name}}}}}", html.escape(value))
    return _answer(app, text.encode(), "text/html", app.settings.embed_origins)


def _watched(app: App, video_id: UUID) -> None:
    """Whoever opens a player is about to watch: of a video that is still encoded, what it plays grows from now on."""
    from connector.pipeline.grow import watch  # with all that makes manifests

    try:
        watch(app, app.storage.videos.get(video_id))
    except NotFound:
        pass
    except StorageError:
        log.warning("an embedded player may wait for the whole video", exc_info=True, extra={"video_id": str(video_id)})


def _answer(app: App, content: bytes, kind: str, ancestors: tuple[str, ...]) -> Response:
    policy = _policy(app, ancestors)
    headers = {
        "Content-Type": f"{kind}; charset=utf-8",
        "Content-Security-Policy": policy,
        "ETag": etag_for(hashlib.sha256(content).digest(), policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return Response(200, content, headers)


def _policy(app: App, ancestors: tuple[str, ...]) -> str:
    """Scripts and styles of our own only; media, pictures and uploads go to storage; keys come from the API's URL."""
    media = _origin(app.storage.blobs.container_uri("x"))
    api = _origin(app.settings.public_url) if app.settings.public_url else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"connect-src 'self' {media} {api}".rstrip(),
            f"img-src 'self' data: {media}",
            f"media-src 'self' blob: {media} {api}".rstrip(),
            "worker-src blob:",  # video.js decrypts in workers that it makes itself
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {' '.join(ancestors)}",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
