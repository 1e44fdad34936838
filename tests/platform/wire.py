"""Sends bytes over a connection of their own and tells everything about the answer."""

import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

FIRST_BYTE = 60.0
"""Seconds that an answer may take to begin."""

NEXT_BYTE = 3.0
"""Seconds without a byte after which an answer counts as truncated."""

CLOSING = 7.0
"""Seconds in which a connection must close or answer again. Kestrel gives a body that nobody reads 5 s."""

_NEXT_REQUEST = b"GET /robots.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


@dataclass
class Answer:
    """An answer as the recording describes one: README.md says what the fields hold."""

    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    framing: str | None = None
    connection: str | None = None
    body: bytes = b""
    interim: str | None = None
    truncated: bool = False
    error: str | None = None

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


class _EndedError(Exception):
    """The other side closed the connection."""


class _Reader:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = b""

    def _more(self) -> None:
        try:
            got = self._connection.recv(1 << 20)
        except ConnectionError:
            got = b""
        if not got:
            raise _EndedError
        self._read += got

    def line(self) -> str:
        while b"\n" not in self._read:
            self._more()
        line, _, self._read = self._read.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")

    def drop(self) -> None:
        """Forgets what was received and not read: the rest of an answer whose framing is broken."""
        self._read = b""

    def into(self, body: bytearray, size: int) -> None:
        """Moves this many bytes to `body`. What came before an end or a timeout is there, too."""
        while size:
            if not self._read:
                self._more()
            got, self._read = self._read[:size], self._read[size:]
            body += got
            size -= len(got)


def exchange(address: tuple[str, int], pieces: Iterable[bytes], method: str, then: str = "") -> Answer:
    """Sends a request and reads the answer. `then` is what the client does next, in the words of the recording."""
    with socket.create_connection(address) as connection:
        sender = threading.Thread(target=_send, args=(connection, pieces), daemon=True)
        sender.start()
        if "closes its sending side" in then:
            sender.join()
            connection.shutdown(socket.SHUT_WR)
        reader = _Reader(connection)
        answer = Answer()
        try:
            connection.settimeout(FIRST_BYTE)
            line = reader.line()
            if "100 Continue" in then:
                answer.interim = line
                if line.split()[1] == "100":
                    _headers(reader)
                    connection.sendall(then.partition(" (")[0].encode())
                    line = reader.line()
            _read_answer(answer, line, method, reader, connection)
        except _EndedError:
            answer.error = "closed"
        except TimeoutError:
            answer.error = "nothing came"
        except (ValueError, IndexError) as error:
            answer.error = f"no HTTP: {error}"
        else:
            answer.connection = _afterwards(connection, reader, sender)
        return answer


def _send(connection: socket.socket, pieces: Iterable[bytes]) -> None:
    try:
        for piece in pieces:
            connection.sendall(piece)
    except OSError:
        return  # the other side closed before it had read everything; the answer tells


def _read_answer(answer: Answer, line: str, method: str, reader: _Reader, connection: socket.socket) -> None:
    answer.status = int(line.split(" ")[1])
    answer.headers = _headers(reader)
    answer.framing = _framing(answer, method)
    body = bytearray()
    connection.settimeout(NEXT_BYTE)
    try:
        _read_body(answer, body, reader)
    except (_EndedError, TimeoutError):
        answer.truncated = answer.framing != "close"
        reader.drop()
    answer.body = bytes(body)


def _headers(reader: _Reader) -> list[tuple[str, str]]:
    headers = []
    while line := reader.line():
        name, _, value = line.partition(":")
        headers.append((name, value.lstrip(" ")))
    return headers


def _framing(answer: Answer, method: str) -> str:
    if method == "HEAD" or answer.status in {204, 304} or 100 <= (answer.status or 0) < 200:
        return "none"
    if "chunked" in (answer.header("transfer-encoding") or "").lower():
        return "chunked"
    return "close" if answer.header("content-length") is None else "length"


def _read_body(answer: Answer, body: bytearray, reader: _Reader) -> None:
    if answer.framing == "length":
        reader.into(body, int(answer.header("content-length") or 0))
    elif answer.framing == "chunked":
        while size := int(reader.line().partition(";")[0], 16):
            reader.into(body, size)
            reader.line()
        _headers(reader)  # trailers
    elif answer.framing == "close":
        while True:
            reader.into(body, 1 << 20)


def _afterwards(connection: socket.socket, reader: _Reader, sender: threading.Thread) -> str:
    """Whether the connection is `open` or `closed` now. An open one answers another request."""
    connection.settimeout(CLOSING)
    try:
        sender.join(CLOSING)
        if not sender.is_alive():
            connection.sendall(_NEXT_REQUEST)
        line = reader.line()
    except (OSError, _EndedError) as error:
        return "open" if isinstance(error, TimeoutError) else "closed"
    return "open" if line.startswith("HTTP/1.") else f"open, with stray bytes: {line[:80]!r}"
