"""The API about itself: its OpenAPI document, and a page to read it and try it."""

from functools import lru_cache
from typing import Any

from connector.api.conditional import etag_for
from connector.api.http import Request, Response
from connector.api.portal import entry
from connector.pipeline.app import App


def get_openapi(app: App, request: Request) -> Response:
    """The API's OpenAPI document."""
    base = request.source[: -len("/openapi.json")]
    described, etag = _document(base, app.settings.auth_mode, app.settings.max_upload_bytes)
    return Response(200, described, {"ETag": etag})


def get_docs(app: App, request: Request) -> Response:
    """A page to read about the API and to try it."""
    return entry(app, request, "docs.html")


@lru_cache(maxsize=4)  # the base is what the caller says it is
def _document(base: str, auth_mode: str, max_upload: int) -> tuple[dict[str, Any], str]:
    """With its entity tag."""
    from connector.api.openapi import document
    from connector.api.routes import ROUTES  # which names the handlers of this file

    described = document(ROUTES, base, auth_mode, max_upload)
    return described, etag_for(described)
