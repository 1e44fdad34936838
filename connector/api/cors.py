"""Cross-origin requests (Fetch Standard, CORS protocol): which pages of other origins may call the API.

On Flex Consumption the Functions host does this itself, from the same setting (in Bicep: `siteConfig.cors`). It answers
every preflight before the app, and replaces Access-Control-Allow-Origin for the origins that it knows. Under any other
host the answers of this module are the ones that count. Credentials (cookies) are never allowed.
"""

from collections.abc import Sequence

from connector.api.http import Request

_ALLOWED = "*, Authorization"
"""Allowed request headers. The wildcard stands for all of them but Authorization."""
_EXPOSED = "ETag, Location, Retry-After, WWW-Authenticate, x-ms-request-id"
_MAX_AGE = "3600"


def headers(request: Request, origins: Sequence[str], methods: Sequence[str]) -> dict[str, str]:
    """Returns the CORS headers of an answer. `methods` are the allowed methods, for a preflight."""
    # The host may allow an origin that the setting does not name: the app's own address.
    told = {"Access-Control-Expose-Headers": _EXPOSED}
    if not origins:
        return told
    origin = request.headers.get("origin", "")
    allowed = _allowed(origin, origins)
    if not allowed:
        # The answer to a page of another origin differs, so a cache must know. The host adds this header to that one.
        return told if origin else {**told, "Vary": "Origin"}
    told["Access-Control-Allow-Origin"] = allowed
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        told["Access-Control-Allow-Methods"] = ", ".join(methods)
        told["Access-Control-Allow-Headers"] = _ALLOWED
        told["Access-Control-Max-Age"] = _MAX_AGE
    return told


def _allowed(origin: str, origins: Sequence[str]) -> str:
    """Returns the origin that may read the answer: `*`, one origin, or nothing.

    An origin that does not depend on the request is sent with every answer, so that a cache may keep it for all:
    https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches
    """
    if "*" in origins:
        return "*"
    if len(origins) == 1:
        return origins[0]
    return origin if origin in origins else ""
