"""The API about itself: its OpenAPI document, and a page to read it and try it."""

from functools import lru_cache
from typing import Any

from connector.api.conditional import etag_for
from connector.api.http import Request, Response
from connector.api.portal import page
from connector.pipeline.app import App


def get_openapi(app: App, request: Request) -> Response:
    """The API's OpenAPI document."""
    base = request.source[: -len("/openapi.json")]
    described = _document(base, app.settings.auth_mode, app.settings.max_upload_bytes)
    return Response(200, described, {"ETag": etag_for(described)})


def get_docs(app: App, request: Request) -> Response:
    """A page to read about the API and to try it."""
    if request.source.endswith("/"):  # the page names what it loads relative to itself
        return Response(307, headers={"Location": "../docs"})
    return page(app, "docs.html")


@lru_cache(maxsize=4)  # the base is what the caller says it is
def _document(base: str, auth_mode: str, max_upload: int) -> dict[str, Any]:
    from connector.api.openapi import document
    from connector.api.routes import ROUTES  # which names the handlers of this file

    return document(ROUTES, base, auth_mode, max_upload)
