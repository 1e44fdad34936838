"""Uploads in blocks: what is sent when the connection breaks, and what ends an upload for good."""

import os
import tracemalloc
from pathlib import Path
from threading import Lock
from xml.etree import ElementTree as ET

import httpx
import pytest

from client import upload as module
from client.errors import AlreadyUploaded, FileError, Unreachable, UploadError, UploadLost
from client.models import UploadKey
from client.transport import RetryPolicy
from client.upload import BLOCK, MAX_BLOCKS, Source, block_id, upload
from connector.security.counter import decrypt_at

URI = "https://storage.example/uploads/a/a.mp4?sv=1&sig=SECRET"
KEY = UploadKey(bytes(range(32)), b"\xff" * 16)  # the counter wraps around
SIZE = 2 * BLOCK + 12_345


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch):
    monkeypatch.setattr(module, "TRANSFER_RETRIES", RetryPolicy(tries=3, longest=0))


@pytest.fixture(scope="module")
def content() -> bytes:
    return os.urandom(SIZE)


@pytest.fixture
def source(tmp_path, content) -> Source:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    return Source.of(path)


class Storage:
    """Blob storage that can be made to fail; `faults` are by block and used up one a request."""

    def __init__(self, **faults: list[int | type[httpx.TransportError]]) -> None:
        self.faults = faults
        self.blocks: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.listed: list[str] | None = None
        self.http = httpx.Client(transport=httpx.MockTransport(self._answer))
        self._lock = Lock()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.params.get("blockid", "list")
        body = request.read()
        with self._lock:
            faults = self.faults.get("list" if name == "list" else f"block{self._index(name)}")
            if faults:
                fault = faults.pop(0)
                if isinstance(fault, int):
                    return httpx.Response(fault, headers={"x-ms-error-code": "SomeCode"})
                raise fault("broken", request=request)
            assert int(request.headers["Content-Length"]) == len(body)
            assert "Transfer-Encoding" not in request.headers
            if name == "list":
                assert request.headers["If-None-Match"] == "*"
                self.listed = [item.text or "" for item in ET.fromstring(body)]  # noqa: S314 - our own
            else:
                self.puts.append(name)
                self.blocks[name] = body
        return httpx.Response(201)

    @staticmethod
    def _index(name: str) -> int:
        return next(index for index in range(9) if block_id(index) == name)

    @property
    def blob(self) -> bytes:
        return b"".join(self.blocks[name] for name in self.listed or ())


def test_what_arrives_is_the_file_and_progress_ends_with_its_size(source, content):
    storage, heard, confirmed = Storage(), [], []
    upload(storage.http, URI, source, progress=heard.append, confirmed=confirmed.append)
    assert storage.blob == content
    assert sorted(confirmed) == [0, 1, 2]
    assert (heard[0], max(heard), heard[-1]) == (0, SIZE, SIZE)


def test_an_encrypted_upload_can_be_decrypted_from_anywhere(source, content):
    storage = Storage()
    upload(storage.http, URI, source, key=KEY)
    assert decrypt_at(KEY.key, KEY.iv, 0, storage.blob) == content
    assert decrypt_at(KEY.key, KEY.iv, BLOCK + 5, storage.blob[BLOCK + 5 :]) == content[BLOCK + 5 :]


@pytest.mark.parametrize("key", [None, KEY], ids=["clear", "encrypted"])
def test_a_block_that_broke_is_sent_again_as_it_was(source, content, key):
    whole, broken = Storage(), Storage(block1=[httpx.WriteError, 503], list=[httpx.ReadError])
    heard: list[int] = []
    upload(whole.http, URI, source, key=key)
    upload(broken.http, URI, source, key=key, progress=heard.append)
    assert broken.blob == whole.blob
    assert heard[-1] == SIZE


def test_an_upload_that_broke_off_is_continued_with_the_missing_blocks(source, content):
    storage, confirmed = Storage(block1=[httpx.ConnectError] * 3), set()
    with pytest.raises(Unreachable):
        upload(storage.http, URI, source, confirmed=confirmed.add)
    assert confirmed == {storage._index(name) for name in storage.puts}
    assert storage.listed is None
    storage.puts.clear()
    heard: list[int] = []
    upload(storage.http, URI, source, sent=confirmed, progress=heard.append)
    assert {storage._index(name) for name in storage.puts} == {0, 1, 2} - confirmed
    assert heard[0] == sum(source.length(index) for index in confirmed)
    assert storage.blob == content


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ({"block0": [403]}, UploadLost),
        ({"block0": [404]}, UploadLost),
        ({"list": [400]}, UploadLost),
        ({"list": [412]}, AlreadyUploaded),
        ({"block2": [500, 500, 500]}, UploadError),
    ],
    ids=["expired", "deleted", "blocks-gone", "already-there", "down"],
)
def test_a_refusal_says_whether_the_upload_can_be_continued(source, faults, error):
    with pytest.raises(UploadError) as failed:
        upload(Storage(**faults).http, URI, source)
    assert type(failed.value) is error
    assert failed.value.advice
    assert "SECRET" not in f"{failed.value} {failed.value.advice}"


@pytest.mark.parametrize("change", ["longer", "shorter", "other"])
def test_a_file_that_changes_meanwhile_is_not_published(source, change):
    with source.path.open("r+b") as file:
        file.truncate({"longer": SIZE + 1, "shorter": SIZE - 1, "other": SIZE}[change])
    os.utime(source.path, ns=(0, source.mtime_ns + (change == "other")))
    storage = Storage()
    with pytest.raises(FileError, match="was changed"):
        upload(storage.http, URI, source)
    assert storage.listed is None


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "sparse.mp4"
    with path.open("wb") as file:
        file.truncate(24 * BLOCK)

    class Sink(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            for _ in request.stream:
                pass
            return httpx.Response(201)

    tracemalloc.start()
    try:
        with httpx.Client(transport=Sink()) as http:
            upload(http, URI, Source.of(path), key=KEY)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < BLOCK


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1, MAX_BLOCKS * BLOCK, MAX_BLOCKS * BLOCK + 1, 190 * 10**12])
def test_blocks_cover_a_file_of_any_size(size):
    source = Source(Path("a.mp4"), size, 0)
    assert source.blocks <= MAX_BLOCKS
    assert source.block % 16 == 0
    assert source.block <= 4000 * 2**20  # the Blob service's limit
    if size:
        assert 0 < source.length(source.blocks - 1) <= source.block
        assert (source.blocks - 1) * source.block + source.length(source.blocks - 1) == size


def test_what_is_no_file_is_said_so(tmp_path):
    with pytest.raises(FileError, match="There is no file"):
        Source.of(tmp_path / "a.mp4")
    with pytest.raises(FileError, match="is not a file"):
        Source.of(tmp_path)
