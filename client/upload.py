"""Uploads a file of any size to a SAS URL in blocks (Put Block, Put Block List of the Blob service), several at a time.

Blocks have the same names and contents however often the file is uploaded, so an upload that broke off can be
continued: what was confirmed is not sent again.
"""

import base64
import math
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Self
from xml.etree import ElementTree as ET

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from client.errors import AlreadyUploaded, FileError, UploadError, UploadLost
from client.models import UploadKey
from client.transport import TRANSFER, persistently

BLOCK = 8 * 1024 * 1024
MAX_BLOCKS = 50_000
CONCURRENT = 4
_PIECE = 256 * 1024
"""Bytes of each block that are in memory at a time."""
_AES_BLOCK = 16
_LAST_SECONDS = 1
"""How long answers that are on their way are waited for when an upload is given up."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was found; lengths in bytes."""

    path: Path
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Raises FileError when there is no such file."""
        try:
            found = path.stat()
        except OSError as error:
            raise FileError(f"There is no file {path} ({error.strerror}).", "Check its name.") from None
        if not path.is_file():
            raise FileError(f"{path} is no file.", "Name files, not folders.")
        return cls(path, found.st_size, found.st_mtime_ns)

    @property
    def block(self) -> int:
        """Length of its blocks: larger files have larger ones, for there may be 50,000 of them."""
        # Whole pieces, so whole blocks of the cipher.
        return max(BLOCK, -(-self.size // MAX_BLOCKS // _PIECE) * _PIECE)

    @property
    def blocks(self) -> int:
        return math.ceil(self.size / self.block)

    def length(self, index: int) -> int:
        return min(self.block, self.size - index * self.block)

    def check(self) -> None:
        """Raises FileError when the file is not what it was."""
        if Source.of(self.path) != self:
            raise self.changed()

    def changed(self) -> FileError:
        return FileError(f"{self.path} was changed while it was uploaded.", "Publish it again when it is finished.")


def upload(
    http: httpx.Client,
    uri: str,
    source: Source,
    *,
    key: UploadKey | None = None,
    sent: Collection[int] = (),
    confirmed: Callable[[int], None] = lambda _: None,
    progress: Progress = lambda _: None,
) -> None:
    """`sent`: indices of blocks that storage has; `confirmed` hears of each one more, `progress` the bytes sent so far.

    With `key`, what is sent is encrypted. Both callbacks are called in the caller's thread.
    Raises UploadError, FileError and Unreachable; whatever is raised, what was confirmed may be relied on.
    """
    url = httpx.URL(uri)
    missing = [index for index in range(source.blocks) if index not in sent]
    done = sum(source.length(index) for index in range(source.blocks) if index in sent)
    moving: dict[int, int] = {}
    progress(done)
    senders = _Senders(http, url, source, key, missing)
    try:
        for news in senders.news():
            if news.whole:
                moving.pop(news.index, None)
                done += news.bytes
                confirmed(news.index)
            else:
                moving[news.index] = news.bytes
            progress(done + sum(moving.values()))
    finally:
        for index in senders.stop():
            confirmed(index)
    source.check()
    _commit(http, url, source.blocks)


@dataclass(frozen=True, slots=True)
class _News:
    index: int
    bytes: int
    """Sent so far of this block."""
    whole: bool = False
    """Storage has confirmed it."""


class _Stopped(Exception):
    """The upload was given up in another thread."""


class _Senders:
    """Threads that send blocks. They are daemons: Ctrl-C shall not wait for a network that hangs."""

    def __init__(
        self, http: httpx.Client, url: httpx.URL, source: Source, key: UploadKey | None, missing: list[int]
    ) -> None:
        self._http, self._url, self._source, self._key = http, url, source, key
        self._todo: SimpleQueue[int] = SimpleQueue()
        for index in missing:
            self._todo.put(index)
        self._news: SimpleQueue[_News | Exception | None] = SimpleQueue()
        self._stop = Event()
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(min(CONCURRENT, len(missing)))]

    def stop(self) -> list[int]:
        """Indices of blocks that were confirmed without being told yet."""
        self._stop.set()
        end = time.monotonic() + _LAST_SECONDS
        for thread in self._threads:
            thread.join(timeout=max(0, end - time.monotonic()))
        left = (self._news.get() for _ in range(self._news.qsize()))
        return [news.index for news in left if isinstance(news, _News) and news.whole]

    def news(self) -> Iterator[_News]:
        """Sends; ends when all is sent. Raises what a sender raised."""
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        while running:
            news = self._news.get()
            if news is None:
                running -= 1
            elif isinstance(news, Exception):
                raise news
            else:
                yield news

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                self._send(self._todo.get_nowait())
        except (Empty, _Stopped):
            self._news.put(None)
        except Exception as error:  # noqa: BLE001 - it is raised in the caller's thread
            self._news.put(error)

    def _send(self, index: int) -> None:
        target = self._url.copy_merge_params({"comp": "block", "blockid": block_id(index)})
        headers = {"Content-Length": str(self._source.length(index))}

        def attempt() -> httpx.Response:
            if self._stop.is_set():
                raise _Stopped
            return self._http.put(target, content=self._pieces(index), headers=headers)

        _check(persistently(attempt, patience=TRANSFER, pause=self._stop.wait))
        self._news.put(_News(index, self._source.length(index), whole=True))

    def _pieces(self, index: int) -> Iterator[bytes]:
        start, left = index * self._source.block, self._source.length(index)
        encrypt = _cipher(self._key, start)
        try:
            with self._source.path.open("rb") as file:
                file.seek(start)
                while left and (piece := file.read(min(_PIECE, left))):
                    if self._stop.is_set():
                        raise _Stopped
                    left -= len(piece)
                    yield encrypt(piece)
                    self._news.put(_News(index, self._source.length(index) - left))
        except OSError as error:
            raise FileError(
                f"{self._source.path} cannot be read ({error.strerror}).", "Check its permissions and its disk."
            ) from None
        if left:
            raise self._source.changed()


def block_id(index: int) -> str:
    """All as long as one another, as the Blob service demands."""
    return base64.b64encode(f"{index:06d}".encode()).decode()


def _cipher(key: UploadKey | None, offset: int) -> Callable[[bytes], bytes]:
    """Encrypts what stands at `offset` of the file, a multiple of 16 (NIST SP 800-38A section 6.5)."""
    if key is None:
        return bytes
    counter = (int.from_bytes(key.iv) + offset // _AES_BLOCK) % (1 << 128)
    return Cipher(algorithms.AES(key.key), modes.CTR(counter.to_bytes(_AES_BLOCK))).encryptor().update


def _commit(http: httpx.Client, url: httpx.URL, blocks: int) -> None:
    listed = ET.Element("BlockList")
    for index in range(blocks):
        ET.SubElement(listed, "Latest").text = block_id(index)
    # A blob that is there may be being read already: it is never replaced.
    headers = {"If-None-Match": "*", "Content-Type": "application/xml"}
    target, body = url.copy_merge_params({"comp": "blocklist"}), ET.tostring(listed)
    _check(persistently(lambda: http.put(target, content=body, headers=headers), patience=TRANSFER))


def _check(response: httpx.Response) -> None:
    """Raises UploadError; it says the service's own code, never the address."""
    if response.is_success:
        return
    code = response.headers.get("x-ms-error-code", response.reason_phrase)
    if code == "BlobAlreadyExists" or response.status_code == 412:
        raise AlreadyUploaded("A file was uploaded for this video already.", "Create another video for another file.")
    if response.status_code < 500:
        # 403: the address has expired; 404: the video was deleted; 400: blocks that nobody listed for a week are gone.
        raise UploadLost(
            f"Storage takes this upload no longer ({response.status_code} {code}).",
            "Publish the file again: a new upload begins.",
        )
    raise UploadError(
        f"Storage does not take the upload now ({response.status_code} {code}).",
        "Publish the file again in a while: the upload is continued.",
    )
