"""Requests are read from a connection with h11, under the limits of the Functions host's web server, Kestrel.

Kestrel's reactions to broken requests are in
https://github.com/dotnet/aspnetcore/blob/main/src/Servers/Kestrel/Core/src/Internal/Http/Http1Connection.cs
"""

import asyncio
import re

import h11

from local.http_message import Disconnected, Headers, Request, Response

MAX_LINE = 8192
"""The largest request line in bytes, its line end included."""
MAX_HEADERS = 32 * 1024
"""The largest size of all header lines together, in bytes."""
MAX_HEADER_COUNT = 100
CHUNK = 256 * 1024
"""Bytes that are read from a connection at a time."""

_FOLDED = re.compile(rb"^[^\r\n]+\r?\n(?:[^\r\n]+\r?\n)*[ \t]")
"""Matches a head with a header that continues on the next line (RFC 9112 section 5.2). Kestrel refuses those."""
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d+)?")


class RequestReader:
    """Reads one request from a connection."""

    def __init__(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter, received: bytes) -> None:
        """`received` holds bytes of this request that came together with the request before it."""
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_LINE + MAX_HEADERS)
        self._stream = stream
        self._writer = writer
        self._head = bytearray(received)
        if received:  # h11 takes an empty input for the end of the connection.
            self._parser.receive_data(received)
        self.complete = False
        """Whether nothing of the body is left to be read."""

    def addresses(self) -> tuple[str, str]:
        """Returns the IP addresses of this end and of the client's end."""
        return self._writer.get_extra_info("sockname")[0], self._writer.get_extra_info("peername")[0]

    async def request(self) -> Request | Response | None:
        """Reads the head of the request.

        Returns the response to a broken request, and None when the client has closed the connection.
        """
        try:
            event = await self._read_head()
        except h11.RemoteProtocolError as error:
            return self._refusal(error)
        if event is None:
            return None
        if self._line_length() > MAX_LINE:
            return refusal(414)
        size = sum(len(name) + len(value) + len(": \r\n") for name, value in event.headers)
        if size > MAX_HEADERS or len(event.headers) > MAX_HEADER_COUNT:
            return refusal(431)
        if event.http_version not in {b"1.0", b"1.1"}:
            return refusal(505)
        if _FOLDED.search(self._head) or not _HOST.fullmatch(dict(event.headers).get(b"host", b"")):
            return refusal(400)
        try:
            headers = [(name.decode("ascii"), self._value(name, value)) for name, value in event.headers]
        except UnicodeDecodeError:
            return refusal(400)
        self.complete = not _has_body(headers)
        return Request(
            event.method.decode("ascii"),
            event.target.decode("ascii"),
            event.http_version.decode("ascii"),
            headers,
            self,
        )

    def _value(self, name: bytes, value: bytes) -> str:
        """Returns the value of a header as it was sent, for h11 gives Transfer-Encoding in lower case.

        Raises UnicodeDecodeError.
        """
        if name == b"transfer-encoding":
            sent = re.search(rb"(?im)^transfer-encoding:[ \t]*(.*?)[ \t]*\r?$", self._head)
            value = sent[1] if sent else value
        return value.decode("utf-8")

    async def _read_head(self) -> h11.Request | None:
        while True:
            event = self._parser.next_event()
            if isinstance(event, h11.Request):
                return event
            if event is not h11.NEED_DATA:
                return None
            if self._line_length() > MAX_LINE:
                raise h11.RemoteProtocolError("The request line is too long.", 414)
            data = await self._stream.read(CHUNK)
            if not data and not self._head:
                return None
            self._head += data[: max(0, MAX_LINE + MAX_HEADERS - len(self._head))]
            self._parser.receive_data(data)

    def _line_length(self) -> int:
        """Returns the bytes of the request line that have arrived, or all of them with its line end."""
        end = self._head.find(b"\n")
        return end + 1 if end >= 0 else len(self._head)

    def _refusal(self, error: h11.RemoteProtocolError) -> Response:
        if self._line_length() > MAX_LINE:
            return refusal(414)
        return refusal(431 if error.error_status_hint == 431 else 400)

    async def body(self) -> bytes:
        """Returns what has not been read of the body.

        Raises Disconnected, and h11's RemoteProtocolError for a broken body.
        """
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
                data = await self._stream.read(CHUNK)
                if not data:
                    raise Disconnected
                self._parser.receive_data(data)
            else:
                raise Disconnected

    def trailing(self) -> bytes:
        """Returns the bytes that came after this request: the beginning of the next one."""
        self._parser.next_event()  # This is the end of the message, which a request without a body has not read yet.
        trailing, _ = self._parser.trailing_data
        return bytes(trailing)


def refusal(status: int) -> Response:
    """Returns a response without a body that ends the connection."""
    return Response(status, close=True)


def _has_body(headers: Headers) -> bool:
    return any(
        name == "transfer-encoding" or (name == "content-length" and value.strip("0")) for name, value in headers
    )
