"""HTTP/1.1 as the Functions host's web server, Kestrel, speaks it. Requests are read by h11, answers are written here.

Answers are not h11's because Kestrel writes some that h11 refuses, such as status 1000. Limits and reactions to broken
requests are Kestrel's:
https://github.com/dotnet/aspnetcore/blob/main/src/Servers/Kestrel/Core/src/Internal/Http/Http1Connection.cs
"""

import asyncio
import ipaddress
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

import h11

log = logging.getLogger("local.http1")

MAX_LINE = 8192
"""Bytes of a request's first line, its end included."""
MAX_HEADERS = 32 * 1024
"""Bytes of all header lines."""
MAX_HEADER_COUNT = 100
MAX_BODY = 100 * 1024 * 1024
"""Bytes of a body; FUNCTIONS_REQUEST_BODY_SIZE_LIMIT is not set."""
_DRAIN = 5.0  # seconds for what is left of a body that nobody read
_CHUNK = 256 * 1024

_FOLDED = re.compile(rb"^[^\r\n]+\r?\n(?:[^\r\n]+\r?\n)*[ \t]")
"""A head with a header that goes on in the next line (RFC 9112 section 5.2), which Kestrel refuses."""
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d+)?")

Headers = list[tuple[str, str]]


class BodyTooLarge(Exception):
    """The body is longer than MAX_BODY."""


class Disconnected(Exception):
    """The client closed its side before its request was whole."""


@dataclass(slots=True)
class Response:
    """An answer. Names of headers go out as they are written here; Date and Server are added."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    close: bool = False
    """Whether the connection ends with it."""
    streamed: bool = False
    """Whether a body goes out in chunks, as a function's does, and not with its length."""

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Request:
    """A request, whose body is read when somebody asks for it."""

    def __init__(self, method: str, target: str, version: str, headers: Headers, reader: "_Reader") -> None:
        self.method = method
        self.target = target
        self.version = version
        """Such as `1.1`."""
        self.headers = headers
        """Names in lower case, in the order in which they came."""
        self._reader = reader

    @property
    def from_here(self) -> bool:
        """Whether the client is on this machine."""
        own, peer = self._reader.addresses()
        return ipaddress.ip_address(peer).is_loopback or own == peer

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def length(self) -> int | None:
        """Of the body, as declared; None for a chunked one, or when there is none."""
        if self.header("transfer-encoding") is not None:
            return None
        declared = self.header("content-length")
        return int(declared) if declared is not None else None

    async def read(self) -> bytes:
        """The whole body. Raises BodyTooLarge."""
        if (self.length or 0) > MAX_BODY:
            raise BodyTooLarge
        return await self._reader.body()


Handler = Callable[[Request], Awaitable[Response]]


class _Reader:
    """Reads one request from a connection."""

    def __init__(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter, begun: bytes) -> None:
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_LINE + MAX_HEADERS)
        self._stream = stream
        self._writer = writer
        self._started = bytearray(begun)
        if begun:  # h11 takes no bytes for the end of the connection
            self._parser.receive_data(begun)
        self.complete = False

    def addresses(self) -> tuple[str, str]:
        """IP addresses of this end and of the other one."""
        return self._writer.get_extra_info("sockname")[0], self._writer.get_extra_info("peername")[0]

    async def request(self) -> Request | Response | None:
        """The request's head; an answer to a broken one; None when the client is done."""
        try:
            event = await self._head()
        except h11.RemoteProtocolError as error:
            return self._refusal(error)
        if event is None:
            return None
        if self._line_length() > MAX_LINE:
            return _refused(414)
        size = sum(len(name) + len(value) + len(": \r\n") for name, value in event.headers)
        if size > MAX_HEADERS or len(event.headers) > MAX_HEADER_COUNT:
            return _refused(431)
        if event.http_version not in {b"1.0", b"1.1"}:
            return _refused(505)
        if _FOLDED.search(self._started) or not _HOST.fullmatch(dict(event.headers).get(b"host", b"")):
            return _refused(400)
        try:
            headers = [(name.decode("ascii"), self._value(name, value)) for name, value in event.headers]
        except UnicodeDecodeError:
            return _refused(400)
        self.complete = event.http_version < b"1.0" or not _has_body(headers)
        return Request(
            event.method.decode("ascii"),
            event.target.decode("ascii"),
            event.http_version.decode("ascii"),
            headers,
            self,
        )

    def _value(self, name: bytes, value: bytes) -> str:
        """As it was sent: h11 hands over one header in lower case. Raises UnicodeDecodeError."""
        if name == b"transfer-encoding":
            sent = re.search(rb"(?im)^transfer-encoding:[ \t]*(.*?)[ \t]*\r?$", self._started)
            value = sent[1] if sent else value
        return value.decode("utf-8")

    async def _head(self) -> h11.Request | None:
        while True:
            event = self._parser.next_event()
            if isinstance(event, h11.Request):
                return event
            if event is not h11.NEED_DATA:
                return None
            if self._line_length() > MAX_LINE:
                raise h11.RemoteProtocolError("The request line is too long.", 414)
            data = await self._stream.read(_CHUNK)
            if not data and not self._started:
                return None
            self._started += data[: max(0, MAX_LINE + MAX_HEADERS - len(self._started))]
            self._parser.receive_data(data)

    def _line_length(self) -> int:
        """Bytes of the first line as far as it is there."""
        end = self._started.find(b"\n")
        return end + 1 if end >= 0 else len(self._started)

    def _refusal(self, error: h11.RemoteProtocolError) -> Response:
        if self._line_length() > MAX_LINE:
            return _refused(414)
        return _refused(431 if error.error_status_hint == 431 else 400)

    async def body(self) -> bytes:
        """What is left of the body. Raises Disconnected, or h11's RemoteProtocolError for a broken one."""
        if self.complete:
            return b""
        if self._parser.they_are_waiting_for_100_continue:
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        parts = []
        while True:
            event = self._parser.next_event()
            if isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self.complete = True
                return b"".join(parts)
            elif event is h11.NEED_DATA:
                data = await self._stream.read(_CHUNK)
                if not data:
                    raise Disconnected
                self._parser.receive_data(data)
            else:
                raise Disconnected

    def rest(self) -> bytes:
        """What came behind the request: the beginning of the next one."""
        self._parser.next_event()  # of a request without a body, its end
        trailing, _ = self._parser.trailing_data
        return bytes(trailing)


class Server:
    """Serves connections of one listening socket until it is closed."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._connections: dict[asyncio.Task[None], bool] = {}
        """Whether a request is under way."""
        self._server: asyncio.Server | None = None
        self._closing = False

    async def start(self, listening: socket.socket) -> None:
        self._server = await asyncio.start_server(self._serve, sock=listening, backlog=512, limit=_CHUNK)

    def close(self) -> None:
        """No more connections, and no more requests on those that there are."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        for task, busy in list(self._connections.items()):
            if not busy:
                task.cancel()

    async def idle(self) -> None:
        """Returns when no request is under way."""
        while busy := [task for task, busy in self._connections.items() if busy]:
            await asyncio.wait(busy)

    async def _serve(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._connections[task] = False
        begun = b""
        try:
            while not self._closing:
                reader = _Reader(stream, writer, begun)
                request = await reader.request()
                if request is None:
                    return
                self._connections[task] = True
                if isinstance(request, Response):
                    await _write(writer, request, method="", version="1.1")
                    return
                if not await self._answer(request, reader, writer):
                    return
                self._connections[task] = False
                begun = reader.rest()
        except (ConnectionError, Disconnected, asyncio.CancelledError):
            return
        finally:
            del self._connections[task]
            writer.close()

    async def _answer(self, request: Request, reader: _Reader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        handling = asyncio.ensure_future(self._handle(request))
        unread: asyncio.Task[bytes] | None = None
        if request.length is None and not reader.complete:
            # The host reads no chunked body, and notices all the same when its client is gone.
            unread = asyncio.create_task(reader.body())
            done, _ = await asyncio.wait({handling, unread}, return_when=asyncio.FIRST_COMPLETED)
            if unread in done and isinstance(unread.exception(), Disconnected):
                raise Disconnected  # the function runs on
        response = await asyncio.shield(handling)
        ending = "close" in (request.header("connection") or "").lower()
        if not await _write(writer, response, method=request.method, version=request.version, ending=ending):
            return False
        if unread is None and not reader.complete:
            if (request.length or 0) > MAX_BODY:
                return False
            unread = asyncio.create_task(reader.body())
        if unread is not None:
            try:
                await asyncio.wait_for(unread, _DRAIN)
            except (TimeoutError, h11.RemoteProtocolError):
                return False
        return True


def _has_body(headers: Headers) -> bool:
    return any(
        name == "transfer-encoding" or (name == "content-length" and value.strip("0")) for name, value in headers
    )


def _refused(status: int) -> Response:
    return Response(status, close=True)


async def _write(
    writer: asyncio.StreamWriter, response: Response, *, method: str, version: str, ending: bool = False
) -> bool:
    """Whether the connection can go on. `ending`: the client wants it to end."""
    headers = [(name, value) for name, value in response.headers if name.lower() != "date"]
    names = {name.lower() for name, _ in headers}
    body = response.body
    going_on = not (response.close or ending)
    bodiless = response.status in {101, 204, 205, 304}
    if bodiless and body:
        body, going_on = b"", False  # Kestrel has sent the head when it notices
    length = response.header("content-length")
    if response.status in {204, 304}:
        headers = [
            (name, value) for name, value in headers if name.lower() not in {"content-length", "transfer-encoding"}
        ]
    elif response.status == 205:
        headers.append(("Content-Length", "0"))
    elif length is not None and method != "HEAD":
        if int(length) < len(body):
            return await _write(writer, _refused(500), method=method, version=version)
        going_on = going_on and int(length) == len(body)
    elif "transfer-encoding" not in names and method != "HEAD" and response.status != 101:
        if not response.streamed or not body:
            headers.append(("Content-Length", str(len(body))))
        elif version >= "1.1":
            headers.append(("Transfer-Encoding", "chunked"))
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            going_on = False
    if 100 <= response.status < 200:
        body = b""
    if response.status == 101:
        going_on = False
    if "close" in (response.header("connection") or "").lower():
        going_on = False
    elif response.close or ending or version < "1.1" or response.status == 101:
        headers.append(("Connection", "close"))
        going_on = False
    own = (("Date", formatdate(usegmt=True)), ("Server", "Kestrel"))
    headers += [(name, value) for name, value in own if name.lower() not in names]
    head = [f"HTTP/1.1 {response.status}{_reason(response.status)}", *(f"{name}: {value}" for name, value in headers)]
    writer.writelines(["\r\n".join([*head, "", ""]).encode("ascii"), b"" if method == "HEAD" else body])
    await writer.drain()
    return going_on


_REASONS = {
    103: "",
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    499: "Client Closed Request",
}
"""Where ASP.NET's phrases are not Python's."""


def _reason(status: int) -> str:
    if status in _REASONS:
        return f" {_REASONS[status]}"
    with suppress(ValueError):
        return f" {HTTPStatus(status).phrase}"
    return " "


def ascii_header(name: str, value: str) -> bool:
    """Whether Kestrel would send this header: its name a token, its value visible ASCII, spaces and tabs.

    https://github.com/dotnet/aspnetcore/blob/main/src/Shared/ServerInfrastructure/HttpCharacters.cs
    """
    token = bool(name) and all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~") for c in name)
    return token and all(c == "\t" or " " <= c <= "~" for c in value)


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values of one name joined by commas without empty ones; of several spellings of a name the last stays."""
    found: dict[str, tuple[str, list[str]]] = {}
    for name, value in pairs:
        _, values = found.get(name.lower(), (name, []))
        found[name.lower()] = (name, [*values, value])
    return {name: ",".join(filter(None, values)) for name, values in found.values()}
