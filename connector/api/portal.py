"""Serves the web page of `connector/portal/`."""

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from connector.api.conditional import etag_for
from connector.api.http import Request, Response
from connector.errors import ResourceNotFound
from connector.pipeline.app import App

_FOLDER = Path(__file__).parent.parent / "portal"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


@cache
def _files() -> dict[str, Path]:
    """What there is to serve, by its path: nothing else can be asked for."""
    return {p.relative_to(_FOLDER).as_posix(): p for p in _FOLDER.rglob("*") if p.suffix in _TYPES}


def get_portal(app: App, request: Request) -> Response:
    """A page or a file of the portal."""
    return page(app, request.path.get("name") or "index.html")


def page(app: App, name: str) -> Response:
    """Raises ResourceNotFound."""
    path = _files().get(name)
    if path is None:
        raise ResourceNotFound("There is no such page.")
    content = path.read_bytes()
    headers = {
        "Content-Type": f"{_TYPES[path.suffix]}; charset=utf-8",
        "Content-Security-Policy": _policy(app),
        "ETag": etag_for(content),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return Response(200, content, headers)


def _policy(app: App) -> str:
    """Scripts and styles of our own only; media, pictures and uploads go to storage."""
    storage = urlsplit(app.storage.blobs.container_uri("x"))
    media = f"{storage.scheme}://{storage.netloc}"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"connect-src 'self' {media}",
            f"img-src 'self' data: {media}",
            f"media-src blob: {media}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
