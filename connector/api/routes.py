"""The route table, and the one way every request takes.

Each resource accepts every method and dispatches itself: the Functions host would answer a wrong method with 404.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from connector.api import cors, handlers, playback, portal
from connector.api.errors import error_response
from connector.api.http import Request, Response
from connector.errors import MethodNotAllowed
from connector.pipeline.app import App

log = logging.getLogger(__name__)

Handler = Callable[[App, Request], Response]
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class Route:
    name: str
    """Of the function."""
    template: str
    handlers: Mapping[str, Handler]
    """By method. HEAD follows from GET."""
    anonymous: bool = False
    """Answers without a Functions key, because players call it; what it gives needs a token of its own."""
    json: bool = True
    """Answers JSON, and so demands that the Accept header allows it."""


ROUTES = (
    Route("Videos", "Videos", {"POST": handlers.post_video}),
    Route("Video", "Videos/{id}", {"GET": handlers.get_video, "DELETE": handlers.delete_video}),
    Route("MarkComplete", "Videos/{id}/MarkComplete", {"POST": handlers.mark_complete}),
    Route("Status", "Videos/{id}/Status", {"GET": handlers.get_status}),
    Route("PlaybackEndpoint", "Videos/{id}/PlaybackEndpoint", {"GET": playback.get_playback}),
    Route("AuthorizationToken", "Videos/{id}/AuthorizationToken", {"GET": playback.get_token}),
    Route("Source", "Videos/{id}/Source", {"GET": handlers.get_source}),
    Route("Thumbnails", "Videos/{id}/Thumbnails", {"GET": handlers.get_thumbnails}),
    Route("Formats", "Formats", {"GET": handlers.get_formats}),
    Route("Key", "Keys/{id}", {"GET": playback.get_key}, anonymous=True, json=False),
    Route("Playback", "Playback/{id}/{*name}", {"GET": playback.get_manifest}, anonymous=True, json=False),
    Route("Portal", "portal/{*name}", {"GET": portal.get_portal}, anonymous=True, json=False),
    Route("Health", "health", {"GET": handlers.get_health}),
)


def respond(app: Callable[[], App], route: Route, request: Request) -> Response:
    """The answer to any request for `route`; never raises."""
    try:
        response = _handle(app, route, request)
    except Exception as error:
        response = error_response(request, error)
        if response.status >= 500:
            log.exception("request failed", extra={"request_id": request.id, "route": route.name})
    headers = {"Cache-Control": "no-cache", "x-ms-request-id": request.id, **response.headers}
    headers |= _cors(app, request)
    if response.body is not None:
        headers.setdefault("Content-Type", "application/json; charset=utf-8")
    body = None if request.method == "HEAD" else response.body
    return Response(response.status, body, headers, response.messages)


def _handle(app: Callable[[], App], route: Route, request: Request) -> Response:
    if cors.is_preflight(request):
        return Response(204, headers=cors.preflight(allowed(route)))
    method = "GET" if request.method == "HEAD" else request.method
    handler = route.handlers.get(method)
    if handler is None:
        raise MethodNotAllowed(allowed(route))
    if route.json:
        request.check_accept()
    return handler(app(), request)


def _cors(app: Callable[[], App], request: Request) -> dict[str, str]:
    try:
        return cors.headers(request, app().settings.cors_origins)
    except Exception:  # noqa: BLE001 - settings that cannot be read have made the answer an error already
        return {}


def allowed(route: Route) -> tuple[str, ...]:
    return (*route.handlers, *(("HEAD",) if "GET" in route.handlers else ()))
