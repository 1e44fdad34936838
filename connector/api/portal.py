"""Serves the web pages of `connector/portal/`."""

import hashlib
import html
import logging
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

from connector.api.app import App
from connector.api.conditional import etag_for
from connector.api.http import Request, Response
from connector.api.portal_files import File, find, vendor_version
from connector.domain import layout
from connector.errors import NotFound, ResourceNotFound, StorageError

log = logging.getLogger(__name__)

_EMBED = "embed/"
_NOWHERE = ("'none'",)


def get_portal(app: App, request: Request) -> Response:
    """Returns a page or a file of the portal.

    `embed/{id}` is a page with nothing but the player of a video, for an iframe.
    """
    name = request.path.get("name") or ""
    if name.startswith(_EMBED):
        return _embed(app, name.removeprefix(_EMBED))
    return _page(app, name) if name else entry(app, request, "index.html")


def entry(app: App, request: Request, name: str) -> Response:
    """Returns a page at its own address. It loads files relative to that address, which must not end in a slash."""
    if request.source.endswith("/"):
        return Response(307, headers={"Location": f"../{request.source.rstrip('/').rpartition('/')[2]}"})
    return _page(app, name)


def _page(app: App, name: str) -> Response:
    """Returns the file of this name. Raises ResourceNotFound."""
    file = _file(name)
    return _answer(app, _filled(app, file, {}) if file.kind == "text/html" else file, _NOWHERE)


def _file(name: str) -> File:
    file = find(name)
    if file is None:
        raise ResourceNotFound("There is no such page.")
    return file


def _embed(app: App, wanted: str) -> Response:
    """Returns the player of one video. Its addresses follow from the id alone, so nobody learns whether the video
    exists.

    A viewer's token stands in the fragment of the address, which only the page itself sees.
    """
    try:
        video = UUID(wanted)
    except ValueError:
        raise ResourceNotFound("There is no such page.") from None
    if not app.options.playback.signed:
        _watched(app, video)
    blobs, container = app.storage.blobs, layout.output_container(video)
    rendered = f"{app.options.playback.public_url}/Playback/{video}/{layout.MASTER_PLAYLIST}"
    facts = {
        "hls": "" if app.options.playback.signed else blobs.public_uri(container, layout.MASTER_PLAYLIST),
        "rendered": rendered,
        "poster": "" if app.options.playback.signed else blobs.public_uri(container, layout.POSTER),
    }
    return _answer(app, _filled(app, _file("embed.html"), facts), app.api.embed_origins)


def _filled(app: App, page: File, facts: Mapping[str, str]) -> File:
    """Returns the page with the facts in the places that name them, and with what every page needs to know."""
    text = page.content.decode()
    common = {"api": app.options.playback.public_url, "vendor": vendor_version()}
    for name, value in {**common, **facts}.items():
        text = text.replace(f"{{{{{name}}}}}", html.escape(value))
    content = text.encode()
    return replace(page, content=content, digest=hashlib.sha256(content).digest())


def _watched(app: App, video_id: UUID) -> None:
    """Marks the video as watched: whoever opens a player is about to watch. Then its manifests are extended from now
    on.
    """
    from connector.pipeline.early import mark_watched  # loads everything that makes manifests

    try:
        mark_watched(app, app.storage.videos.get(video_id))
    except NotFound:
        pass
    except StorageError:
        log.warning("an embedded player may wait for the whole video", exc_info=True, extra={"video_id": str(video_id)})


def _answer(app: App, file: File, ancestors: tuple[str, ...]) -> Response:
    policy = _policy(app, ancestors)
    headers = {
        "Content-Type": f"{file.kind}; charset=utf-8",
        "Content-Security-Policy": policy,
        "ETag": etag_for(file.digest, policy),
        "Referrer-Policy": "no-referrer",
    }
    if file.kept:
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return Response(200, file.content, headers)


def _policy(app: App, ancestors: tuple[str, ...]) -> str:
    """Returns the Content-Security-Policy: our own scripts and styles, media and uploads from storage, keys from the
    API.
    """
    media = _origin(app.storage.blobs.container_uri("x"))
    api = _origin(app.options.playback.public_url) if app.options.playback.public_url else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"connect-src 'self' {media} {api}".rstrip(),
            f"img-src 'self' data: {media}",
            f"media-src 'self' blob: {media} {api}".rstrip(),
            "worker-src blob:",  # video.js decrypts in workers made from blobs
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {' '.join(ancestors)}",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
