"""The comparison sees each kind of difference, and the client reads each kind of answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.platform.cases import Case
from tests.platform.compare import differences
from tests.platform.wire import Answer, exchange

NAMES = {"port": "80", "function_key": "k=="}
SAW = '{"fn": "Docs", "url": "http://127.0.0.1:{port}/", "headers": [["x-functions-key", "{function_key}"]]}'
CASE = Case(
    "path-x",
    "keys",
    {"method": "GET", "target": "/", "headers": []},
    {
        "status": 200,
        "headers": [["Content-Length", "{length}"], ["Date", "{date}"], ["Vary", "Origin"], ["Vary", "Origin"]],
        "framing": "length",
        "connection": "open",
        "body": SAW,
    },
)
SAME = Answer(
    status=200,
    headers=[
        ("Vary", "Origin"),
        ("Vary", "Origin"),
        ("Date", "Sat, 01 Jan 2022 00:00:00 GMT"),
        ("Content-Length", "9"),
    ],
    framing="length",
    connection="open",
    body=SAW.replace("{port}", "80").replace("{function_key}", "k==").encode(),
)


def test_the_same_answer_has_no_difference() -> None:
    assert differences(CASE, SAME, NAMES) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"status": 401}, "status"),
        ({"framing": "chunked"}, "framing"),
        ({"connection": "closed"}, "connection"),
        ({"truncated": True}, "truncated"),
        ({"error": "closed"}, "recorded 200, ours closed"),
        ({"headers": SAME.headers[1:]}, "header: recorded Vary"),
        ({"headers": [*SAME.headers, ("X-A", "1")]}, "header: ours X-A"),
        ({"headers": [("vary", "Origin"), *SAME.headers[1:]]}, "header: ours vary"),
        ({"headers": [*SAME.headers[:2], ("Date", "yesterday"), SAME.headers[3]]}, "header: recorded Date"),
        ({"body": SAME.body.replace(b"Docs", b"Videos")}, 'the function saw fn: recorded "Docs", ours "Videos"'),
        ({"body": SAME.body.replace(b"k==", b"k")}, "the function saw headers: recorded"),
        ({"body": SAME.body + b" "}, "the function saw the same, but written"),
        ({"body": b""}, "body: recorded"),
    ],
)
def test_a_difference_is_told(changed: dict[str, object], told: str) -> None:
    assert any(line.startswith(told) for line in differences(CASE, replace(SAME, **changed), NAMES))


@contextmanager
def server(answer: bytes, *, closes: bool) -> Iterator[tuple[str, int]]:
    """Answers the first request with these bytes, and the next one with 404, unless it closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)
                if not closes and connection.recv(1 << 16):
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()
        thread.join()


@pytest.mark.parametrize(
    ("sent", "closes", "expected"),
    [
        (b"Content-Length: 2\r\n\r\nhi", False, ("length", b"hi", False, "open")),
        (b"Content-Length: 9\r\n\r\nhi", True, ("length", b"hi", True, "closed")),
        (b"Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", False, ("chunked", b"hi", False, "open")),
        (b"Transfer-Encoding: chunked\r\n\r\n12345", False, ("chunked", b"", True, "open")),
        (b"\r\nhi", True, ("close", b"hi", False, "closed")),
        (
            b"Content-Length: 2\r\n\r\nhixx",
            False,
            ("length", b"hi", False, "open, with stray bytes: 'xxHTTP/1.1 404 Not Found'"),
        ),
    ],
)
def test_an_answer_is_read_with_its_framing_and_the_connections_state(
    sent: bytes, closes: bool, expected: tuple[object, ...]
) -> None:
    with server(b"HTTP/1.1 200 OK\r\n" + sent, closes=closes) as address:
        got = exchange(address, [b"GET / HTTP/1.1\r\n\r\n"], "GET")
    assert (got.framing, got.body, got.truncated, got.connection) == expected


@pytest.mark.parametrize(("sent", "error"), [(b"", "closed"), (b"nonsense\r\n\r\n", "no HTTP")])
def test_no_answer_is_told(sent: bytes, error: str) -> None:
    with server(sent, closes=True) as address:
        assert exchange(address, [b"GET / HTTP/1.1\r\n\r\n"], "GET").error.startswith(error)
