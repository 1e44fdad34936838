"""Conversion between HTTP and the worker's messages: what a function gets, and what its answer becomes.

https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.Grpc/MessageExtensions/GrpcMessageConversionExtensions.cs
"""

import json
from datetime import UTC, datetime
from email.utils import format_datetime

from local import urls
from local.http_message import Headers, Request, Response, is_valid_header, join_by_name
from local.protos import RpcHttp, RpcHttpCookie, TypedData

_TEXT = ("Content-Type", "text/plain; charset=utf-8")


class BadAnswer(Exception):
    """The host cannot send what a function returned."""


def to_worker(request: Request, target: urls.Target, parameters: dict[str, str], body: bytes) -> TypedData:
    """Converts a request to what a function gets. `parameters` are those of the route."""
    host = request.header("host") or ""
    http = RpcHttp(
        method=request.method,
        url=f"http://{host}{target.encoded}",
        headers=join_by_name(request.headers),
        query=urls.query_parameters(target),
        params=parameters,
        body=TypedData(bytes=body) if body else TypedData(),
    )
    return TypedData(http=http)


def from_worker(returned: TypedData | None) -> Response:
    """Converts what a function returned to a response. Raises BadAnswer when that is impossible."""
    match returned and returned.WhichOneof("data"):
        case "string":
            return Response(200, [_TEXT], returned.string.encode(), streamed=True)  # type: ignore[union-attr]
        case "http":
            return _answer(returned.http)  # type: ignore[union-attr]
        case kind:
            raise BadAnswer(f"A function with an HTTP trigger returned {kind}.")


def _answer(http: RpcHttp) -> Response:
    headers: Headers = []
    for name, value in http.headers.items():
        if not is_valid_header(name, value):
            raise BadAnswer(f"The header {json.dumps(name)} has characters that HTTP does not allow.")
        if name.lower() == "content-type":
            name = "Content-Type"  # noqa: PLW2901
            if not value:
                continue
        headers.append((name, value.lstrip(" ")))
        if name.lower() == "content-length" and not value.isdecimal():
            raise BadAnswer("The header Content-Length is not a number.")
    headers += [("Set-Cookie", _cookie(cookie)) for cookie in http.cookies or ()]
    return Response(int(http.status_code), headers, http.body.bytes, streamed=True)


_SAME_SITE = {1: "lax", 2: "strict", 3: "none"}


def _cookie(cookie: RpcHttpCookie) -> str:
    """Formats a Set-Cookie header as ASP.NET does.

    https://github.com/dotnet/aspnetcore/blob/main/src/Http/Headers/src/SetCookieHeaderValue.cs
    """
    parts = [f"{cookie.name}={cookie.value}"]
    if cookie.expires is not None:
        moment = datetime.fromtimestamp(cookie.expires.value.seconds, UTC)
        parts.append(f"expires={format_datetime(moment, usegmt=True)}")
    if cookie.max_age is not None:
        parts.append(f"max-age={cookie.max_age.value:.0f}")
    if cookie.domain is not None:
        parts.append(f"domain={cookie.domain.value}")
    if cookie.path is not None:
        parts.append(f"path={cookie.path.value}")
    if cookie.secure is not None and cookie.secure.value:
        parts.append("secure")
    if cookie.same_site in _SAME_SITE:
        parts.append(f"samesite={_SAME_SITE[cookie.same_site]}")
    if cookie.http_only is not None and cookie.http_only.value:
        parts.append("httponly")
    return "; ".join(parts)
