"""Responses are written to a connection as Kestrel writes them.

h11 does not write them, because Kestrel sends some that h11 refuses, such as one with status 1000.
"""

import asyncio
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus

from local.http_message import Response

_REASONS = {
    103: "",
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    499: "Client Closed Request",
}
"""The reason phrases in which ASP.NET differs from Python."""


async def write_response(
    writer: asyncio.StreamWriter, response: Response, *, method: str, version: str, client_closes: bool = False
) -> bool:
    """Sends the response to a request of this method and version. Returns whether the connection can be kept alive.

    `client_closes` says that the request asked for the end of the connection.
    """
    headers = [(name, value) for name, value in response.headers if name.lower() != "date"]
    names = {name.lower() for name, _ in headers}
    body = response.body
    keep_alive = not (response.close or client_closes)
    has_no_body = response.status in {101, 204, 205, 304}
    if has_no_body and body:
        body, keep_alive = b"", False  # Kestrel has already sent the head when it notices the body.
    length = response.header("content-length")
    if response.status in {204, 304}:
        headers = [
            (name, value) for name, value in headers if name.lower() not in {"content-length", "transfer-encoding"}
        ]
    elif response.status == 205:
        headers.append(("Content-Length", "0"))
    elif length is not None and method != "HEAD":
        if int(length) < len(body):
            return await write_response(writer, Response(500, close=True), method=method, version=version)
        keep_alive = keep_alive and int(length) == len(body)
    elif "transfer-encoding" not in names and method != "HEAD" and response.status != 101:
        if not response.streamed or not body:
            headers.append(("Content-Length", str(len(body))))
        elif version >= "1.1":
            headers.append(("Transfer-Encoding", "chunked"))
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            keep_alive = False  # Only the end of the connection tells an HTTP/1.0 client where the body ends.
    if 100 <= response.status < 200:
        body = b""
    if response.status == 101:
        keep_alive = False
    if "close" in (response.header("connection") or "").lower():
        keep_alive = False
    elif response.close or client_closes or version < "1.1" or response.status == 101:
        headers.append(("Connection", "close"))
        keep_alive = False
    own = (("Date", formatdate(usegmt=True)), ("Server", "Kestrel"))
    headers += [(name, value) for name, value in own if name.lower() not in names]
    head = [f"HTTP/1.1 {response.status}{_reason(response.status)}", *(f"{name}: {value}" for name, value in headers)]
    writer.writelines(["\r\n".join([*head, "", ""]).encode("ascii"), b"" if method == "HEAD" else body])
    await writer.drain()
    return keep_alive


def _reason(status: int) -> str:
    if status in _REASONS:
        return f" {_REASONS[status]}"
    with suppress(ValueError):
        return f" {HTTPStatus(status).phrase}"
    return " "
