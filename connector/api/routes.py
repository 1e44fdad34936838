"""The route table, and the one function that answers every request.

Each resource accepts every method and dispatches itself: the Functions host would answer a wrong method with 404.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from connector.api import cors, docs, handlers, playback, portal, thumbnails
from connector.api.app import App
from connector.api.auth import authorize
from connector.api.conditional import not_modified_or
from connector.api.errors import error_response
from connector.api.http import JSON_TYPE, Request, Response, header_value
from connector.api.inputs import AboutModel, NewVideo, PlaybackQuery, RedirectQuery, TokenQuery, VideosQuery
from connector.api.models import (
    AddressModel,
    FormatModel,
    HealthModel,
    PlaybackModel,
    StatusModel,
    ThumbnailModel,
    TokenModel,
    VideoList,
    VideoModel,
)
from connector.api.resource import METHODS, PUBLIC, READ, WRITE, Operation, Route
from connector.errors import MethodNotAllowed, RequestError, ResourceNotFound, UnknownMethod

log = logging.getLogger(__name__)

_IF_MATCH = {"If-Match": "ETag of the version that is meant. The answer is 412 when the video has changed since."}
_IF_NONE_MATCH = {"If-None-Match": "ETags that the caller knows. The answer is 304 when one of them is current."}

ROUTES: tuple[Route, ...] = (
    Route(
        "Videos",
        "Videos",
        {
            "GET": Operation(handlers.list_videos, READ, {200: VideoList}, query=VideosQuery),
            "POST": Operation(handlers.post_video, WRITE, {201: VideoModel}, body=NewVideo, errors=(501,)),
        },
    ),
    Route(
        "Video",
        "Videos/{id}",
        {
            "GET": Operation(handlers.get_video, READ, {200: VideoModel, 304: None}, headers=_IF_NONE_MATCH),
            "PUT": Operation(
                handlers.put_video, WRITE, {204: None}, body=AboutModel, errors=(409, 412), headers=_IF_MATCH
            ),
            "DELETE": Operation(handlers.delete_video, WRITE, {204: None}, errors=(409, 412), headers=_IF_MATCH),
        },
    ),
    Route(
        "MarkComplete",
        "Videos/{id}/MarkComplete",
        {"POST": Operation(handlers.mark_complete, WRITE, {202: None}, errors=(409,))},
    ),
    Route("Status", "Videos/{id}/Status", {"GET": Operation(handlers.get_status, READ, {200: StatusModel})}),
    Route(
        "PlaybackEndpoint",
        "Videos/{id}/PlaybackEndpoint",
        {"GET": Operation(playback.get_playback, READ, {200: PlaybackModel}, query=PlaybackQuery)},
    ),
    Route(
        "AuthorizationToken",
        "Videos/{id}/AuthorizationToken",
        {"GET": Operation(playback.get_token, READ, {200: TokenModel}, query=TokenQuery)},
    ),
    Route(
        "Source",
        "Videos/{id}/Source",
        {
            "GET": Operation(
                handlers.get_source, READ, {200: AddressModel, 307: None}, query=RedirectQuery, errors=(409,)
            )
        },
    ),
    Route(
        "Thumbnails",
        "Videos/{id}/Thumbnails",
        {"GET": Operation(thumbnails.get_thumbnails, READ, {200: list[ThumbnailModel]})},
    ),
    Route(
        "ThumbnailAt",
        "Videos/{id}/Thumbnails/at",
        {
            "GET": Operation(
                thumbnails.get_thumbnail_at,
                READ,
                {200: AddressModel, 307: None},
                query=thumbnails.ThumbnailQuery,
            )
        },
    ),
    Route(
        "Thumbnail",
        "Videos/{id}/Thumbnails/{index}",
        {"GET": Operation(thumbnails.get_thumbnail, READ, {200: AddressModel, 307: None}, query=RedirectQuery)},
    ),
    Route("Formats", "Formats", {"GET": Operation(handlers.get_formats, READ, {200: list[FormatModel]})}),
    Route(
        "Key",
        "Keys/{id}",
        {"GET": Operation(playback.get_key, PUBLIC, {200: "application/octet-stream"}, errors=(401, 403))},
    ),
    Route(
        "Playback",
        "Playback/{id}/{*name}",
        {"GET": Operation(playback.get_manifest, PUBLIC, {200: "*/*"}, errors=(401, 403))},
    ),
    Route("Portal", "portal/{*name}", {"GET": Operation(portal.get_portal, PUBLIC, {200: "*/*", 304: None})}),
    Route("Docs", "docs", {"GET": Operation(docs.get_docs, PUBLIC, {200: "text/html", 304: None})}),
    Route(
        "OpenApi",
        "openapi.json",
        {"GET": Operation(docs.openapi_handler(lambda: ROUTES), PUBLIC, {200: dict[str, Any], 304: None})},
    ),
    Route("Health", "health", {"GET": Operation(handlers.get_health, READ, {200: HealthModel})}),
    # Every other address, because the host's own 404 has no body. Hosts match functions in the order of their names, so
    # this name must be the last one.
    Route("ZNoSuchResource", "{*path}", {}),
)


def respond(app: Callable[[], App], route: Route, request: Request) -> Response:
    """Returns the answer to any request for `route`. Never raises."""
    try:
        response = not_modified_or(request, _handle(app, route, request))
    except Exception as error:
        response = error_response(request, error)
        if response.status >= 500 and not isinstance(error, RequestError):
            log.exception("request failed", extra={"request_id": request.id, "route": route.name})
    headers = {
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        "x-ms-request-id": request.id,
        **response.headers,
    }
    allowed = _cors(app, route, request)
    vary = [given["Vary"] for given in (headers, allowed) if "Vary" in given]
    headers |= allowed | ({"Vary": ", ".join(vary)} if vary else {})
    if response.body is not None:
        headers.setdefault("Content-Type", JSON_TYPE)
    body = None if request.method == "HEAD" else response.body
    safe = {name: header_value(value) for name, value in headers.items()}
    return Response(response.status, body, safe, response.messages)


def _handle(app: Callable[[], App], route: Route, request: Request) -> Response:
    request.check_length()
    if request.method not in METHODS:
        raise UnknownMethod(f"This API supports only the methods {', '.join(METHODS)}.")
    if not route.operations:
        raise ResourceNotFound("There is no such resource. GET /docs lists all resources.")
    if request.method == "OPTIONS":
        return Response(204, headers={"Allow": ", ".join(route.allowed)})
    operation = route.operations.get("GET" if request.method == "HEAD" else request.method)
    if operation is None:
        raise MethodNotAllowed(route.allowed)
    if operation.answers_json:
        request.check_accept()
    running = app()
    may_write = authorize(running, operation.permission, request)
    return operation.handler(running, replace(request, may_write=may_write))


def _cors(app: Callable[[], App], route: Route, request: Request) -> dict[str, str]:
    try:
        origins = app().api.cors_origins
    except Exception:  # noqa: BLE001 - the request has failed for this reason already
        return {}
    return cors.headers(request, origins, route.allowed)
