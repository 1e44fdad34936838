"""Requests and responses as the rest of the host handles them, without the connection that carries them."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

MAX_BODY = 100 * 1024 * 1024
"""The largest body in bytes. This is the host's default, without FUNCTIONS_REQUEST_BODY_SIZE_LIMIT."""

Headers = list[tuple[str, str]]


class BodyTooLarge(Exception):
    """The body is longer than MAX_BODY."""


class Disconnected(Exception):
    """The client closed its side of the connection before its request was complete."""


@dataclass(slots=True)
class Response:
    """A response. The names of its headers are sent in the case given here; Date and Server are added on sending."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    close: bool = False
    """Whether the connection is closed after this response."""
    streamed: bool = False
    """Whether the body is sent in chunks, as a function's is, and not with a Content-Length."""

    def header(self, name: str) -> str | None:
        """Returns the first value of a header, or None when there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Body(Protocol):
    """The connection that a request came on, as far as the request needs it."""

    def addresses(self) -> tuple[str, str]:
        """Returns the IP addresses of this end and of the client's end."""

    async def body(self) -> bytes:
        """Returns what has not been read of the body."""


class Request:
    """A request. Its body stays on the connection until somebody reads it."""

    def __init__(self, method: str, target: str, version: str, headers: Headers, body: Body) -> None:
        self.method = method
        self.target = target
        self.version = version
        """The version of HTTP, such as `1.1`."""
        self.headers = headers
        """The headers in the order in which they came, with their names in lower case."""
        self._body = body

    @property
    def is_local(self) -> bool:
        """Whether the client runs on this machine."""
        own, peer = self._body.addresses()
        return ipaddress.ip_address(peer).is_loopback or own == peer

    def header(self, name: str) -> str | None:
        """Returns the first value of a header, given by its lower-case name, or None when there is none."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def media_type(self) -> str:
        """The media type of the body in lower case, without parameters; empty when none is declared."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def length(self) -> int | None:
        """The declared length of the body in bytes. It is None for a chunked body and when nothing is declared."""
        if self.header("transfer-encoding") is not None:
            return None
        declared = self.header("content-length")
        return int(declared) if declared is not None else None

    async def read(self) -> bytes:
        """Returns the whole body. Raises BodyTooLarge."""
        if (self.length or 0) > MAX_BODY:
            raise BodyTooLarge
        return await self._body.body()


def is_valid_header(name: str, value: str) -> bool:
    """Whether Kestrel sends this header: its name is a token, its value has visible ASCII, spaces and tabs only.

    https://github.com/dotnet/aspnetcore/blob/main/src/Shared/ServerInfrastructure/HttpCharacters.cs
    """
    token = bool(name) and all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~") for c in name)
    return token and all(c == "\t" or " " <= c <= "~" for c in value)


def join_by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Joins the values of each name by commas, without the empty ones.

    Names are compared without case, and the spelling that came last is the one returned.
    """
    found: dict[str, tuple[str, list[str]]] = {}
    for name, value in pairs:
        _, values = found.get(name.lower(), (name, []))
        found[name.lower()] = (name, [*values, value])
    return {name: ",".join(filter(None, values)) for name, values in found.values()}
