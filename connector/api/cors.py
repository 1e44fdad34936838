"""Cross-origin requests (Fetch Standard, CORS protocol): which pages may call the API, never with credentials."""

from collections.abc import Sequence

from connector.api.http import Request

_HEADERS = "Authorization, Content-Type, If-Match, If-None-Match, x-functions-key"
_EXPOSED = "ETag, Location, Retry-After, WWW-Authenticate, x-ms-request-id"
_MAX_AGE = "3600"


def is_preflight(request: Request) -> bool:
    return request.method == "OPTIONS" and "access-control-request-method" in request.headers


def preflight(methods: Sequence[str]) -> dict[str, str]:
    """Headers of the answer to a preflight, beside those that every answer has."""
    return {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": _HEADERS,
        "Access-Control-Max-Age": _MAX_AGE,
    }


def headers(request: Request, origins: Sequence[str]) -> dict[str, str]:
    """What every answer carries: the origin, if it may read it."""
    origin = request.headers.get("origin")
    vary = {} if "*" in origins else {"Vary": "Origin"}
    if origin is None or not ("*" in origins or origin in origins):
        return vary
    allowed = "*" if "*" in origins else origin
    return {"Access-Control-Allow-Origin": allowed, "Access-Control-Expose-Headers": _EXPOSED, **vary}
