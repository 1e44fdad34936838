"""The documentation of the API: its OpenAPI document, and a page to read it and try it."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from connector.api.app import App
from connector.api.conditional import etag_for
from connector.api.http import Request, Response
from connector.api.portal import entry
from connector.api.resource import Handler, Route


def openapi_handler(routes: Callable[[], Sequence[Route]]) -> Handler:
    """Returns a handler for the document of these routes. It is one of them, so it asks when it is called."""

    @cache  # it depends on the settings alone: a process has one
    def described(auth_mode: str, max_upload: int) -> tuple[dict[str, Any], str]:
        from connector.api.openapi import document  # loads the schemas of all models

        found = document(routes(), auth_mode, max_upload)
        return found, etag_for(found)

    def get_openapi(app: App, request: Request) -> Response:
        """Returns the API's OpenAPI document."""
        base = request.source[: -len("/openapi.json")]
        document, etag = described(app.api.auth_mode, app.options.max_upload_bytes)
        return Response(200, {**document, "servers": [{"url": base}]}, {"ETag": etag_for(etag, base)})

    return get_openapi


def get_docs(app: App, request: Request) -> Response:
    """Returns a page on which people read about the API and try it."""
    return entry(app, request, "docs.html")
