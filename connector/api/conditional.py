"""Conditional requests (RFC 9110 section 13) over entity tags."""

import hashlib
import re

from connector.api.http import JSON_TYPE, Request, Response
from connector.errors import PreconditionFailed

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def etag_for(*parts: object) -> str:
    """Returns a strong entity tag of everything that an answer depends on."""
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def check_if_match(request: Request, etag: str) -> None:
    """Raises PreconditionFailed when `If-Match` names other versions than this one."""
    wanted = request.headers.get("if-match", "").strip()
    if wanted and wanted != "*" and etag not in _tags(wanted, weak=False):
        raise PreconditionFailed("The resource is not the version in If-Match. It was changed since it was read.")


def not_modified_or(request: Request, response: Response) -> Response:
    """Returns the answer, or 304 when `If-None-Match` says that the caller has it already."""
    known, etag = request.headers.get("if-none-match", "").strip(), response.headers.get("ETag")
    if not known or etag is None or request.method not in {"GET", "HEAD"} or response.status != 200:
        return response
    if known != "*" and etag not in _tags(known, weak=True):
        return response
    names = {"Content-Type", "ETag", "Cache-Control", "Vary"}
    kept = {name: value for name, value in response.headers.items() if name in names}
    # Headers of a 304 replace those of a stored answer (RFC 9111 section 3.2), and the host would add text/plain.
    return Response(304, headers={"Content-Type": JSON_TYPE, **kept})


def _tags(header: str, *, weak: bool) -> set[str]:
    """Returns the opaque tags in a list. `weak` includes weak ones (section 8.8.3.2)."""
    return {m[1] for m in _TAG.finditer(header) if weak or not m[0].startswith("W/")}
