"""Downloads over a connection that breaks."""

from collections.abc import Iterator

import httpx
import pytest

from client import download as module
from client.download import download
from client.errors import ClientError, FileError, Unreachable
from client.transport import RetryPolicy

URL = "https://storage.example/uploads/a?sig=SECRET"
CONTENT = bytes(range(256)) * 40


class Bytes(httpx.SyncByteStream):
    """All of them, or some and then the connection is gone."""

    def __init__(self, data: bytes, *, broken: bool) -> None:
        self._data, self._broken = data, broken

    def __iter__(self) -> Iterator[bytes]:
        yield self._data
        if self._broken:
            raise httpx.ReadError("broken")


class Storage:
    def __init__(self, breaks: int, *, at: int = 1000, etag: str = '"1"') -> None:
        self.breaks, self.at, self.etag = breaks, at, etag
        self.http = httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        asked = request.headers.get("Range", "bytes=0-")
        if request.headers.get("If-Match", self.etag) != self.etag:
            return httpx.Response(412)
        body = CONTENT[int(asked[6:-1]) :]
        status, headers = 206 if "Range" in request.headers else 200, {"ETag": '"1"', "Content-Length": str(len(body))}
        if self.breaks == 0:
            return httpx.Response(status, headers=headers, stream=Bytes(body, broken=False))
        self.breaks -= 1
        return httpx.Response(status, headers=headers, stream=Bytes(body[: self.at], broken=True))


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch):
    monkeypatch.setattr(module, "TRANSFER_RETRIES", RetryPolicy(tries=3, longest=0))


@pytest.mark.parametrize("breaks", [0, 1, 5])
def test_it_goes_on_where_the_connection_broke(tmp_path, breaks):
    heard = []
    download(Storage(breaks).http, URL, tmp_path / "a.mp4", lambda *seen: heard.append(seen))
    assert (tmp_path / "a.mp4").read_bytes() == CONTENT
    assert heard[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize(
    ("storage", "error"),
    [(Storage(99, at=0), Unreachable), (Storage(1, etag='"2"'), ClientError)],
    ids=["no-more-bytes", "another-version"],
)
def test_what_cannot_be_finished_leaves_nothing(tmp_path, storage, error):
    with pytest.raises(error) as failed:
        download(storage.http, URL, tmp_path / "a.mp4", lambda *_: None)
    assert "SECRET" not in str(failed.value)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    with pytest.raises(FileError, match="cannot be written"):
        download(Storage(0).http, URL, tmp_path / "none" / "a.mp4", lambda *_: None)
