"""Uploads a file of any size to a SAS URL in blocks (Put Block, Put Block List of the Blob service), several at a time.

Blocks have the same names and contents whenever the file is uploaded. So an interrupted upload can be continued, and
confirmed blocks are not sent again.
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
from client.transport import TRANSFER_RETRIES, send_with_retries

BLOCK = 8 * 1024 * 1024
"""Bytes of a block, unless the file is so large that its blocks must be larger."""
MAX_BLOCKS = 50_000
"""The most blocks of a blob, which is a limit of the Blob service."""
CONCURRENT = 4
"""Blocks that are sent at the same time."""
_PIECE = 256 * 1024
"""Bytes of each block that are in memory at a time."""
_AES_BLOCK = 16
_LAST_SECONDS = 1
"""Seconds that an interrupted upload waits for the confirmation of blocks that were just sent."""

Progress = Callable[[int], None]
"""Called with the bytes sent so far."""


@dataclass(frozen=True, slots=True)
class Source:
    """The file to upload, as it was when the upload began. Lengths are in bytes."""

    path: Path
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Describes a file. Raises FileError when there is no such file."""
        try:
            found = path.stat()
        except OSError as error:
            raise FileError(f"There is no file {path} ({error.strerror}).", "Check its name.") from None
        if not path.is_file():
            raise FileError(f"{path} is not a file.", "Name files, not folders.")
        return cls(path, found.st_size, found.st_mtime_ns)

    @property
    def block(self) -> int:
        """The length of a block. It is larger for a file that would have more than 50,000 blocks otherwise."""
        # A multiple of the piece is also a multiple of the cipher's block.
        return max(BLOCK, -(-self.size // MAX_BLOCKS // _PIECE) * _PIECE)

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return math.ceil(self.size / self.block)

    def length(self, index: int) -> int:
        """Returns the length of the block with this index; the last one may be shorter than the others."""
        return min(self.block, self.size - index * self.block)

    def check(self) -> None:
        """Raises FileError when the file has changed."""
        if Source.of(self.path) != self:
            raise self.changed_error()

    def changed_error(self) -> FileError:
        """Returns the error for a file that has changed."""
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
    """Uploads the file. With `key` it is encrypted on the way.

    `sent` holds the indices of blocks that storage has already. `confirmed` is called with the index of each block that
    storage has confirmed, and `progress` with the bytes sent so far. Both are called in the caller's thread.
    Raises UploadError, FileError and Unreachable. Confirmed blocks stay valid after an error.
    """
    url = httpx.URL(uri)
    missing = [index for index in range(source.blocks) if index not in sent]
    done = sum(source.length(index) for index in range(source.blocks) if index in sent)
    moving: dict[int, int] = {}
    progress(done)
    senders = _Senders(http, url, source, key, missing)
    try:
        for event in senders.run():
            if event.confirmed:
                moving.pop(event.index, None)
                done += event.bytes
                confirmed(event.index)
            else:
                moving[event.index] = event.bytes
            progress(done + sum(moving.values()))
    finally:
        for index in senders.stop():
            confirmed(index)
    source.check()
    _commit(http, url, source.blocks)


@dataclass(frozen=True, slots=True)
class _BlockProgress:
    index: int
    bytes: int
    """Bytes of this block that were sent so far."""
    confirmed: bool = False
    """Whether storage has confirmed the block."""


class _Stopped(Exception):
    """The upload was given up in another thread."""


class _Senders:
    """The threads that send blocks. They are daemons, so that Ctrl-C does not wait for a network that hangs."""

    def __init__(
        self, http: httpx.Client, url: httpx.URL, source: Source, key: UploadKey | None, missing: list[int]
    ) -> None:
        self._http, self._url, self._source, self._key = http, url, source, key
        self._todo: SimpleQueue[int] = SimpleQueue()
        for index in missing:
            self._todo.put(index)
        self._events: SimpleQueue[_BlockProgress | Exception | None] = SimpleQueue()
        self._stop = Event()
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(min(CONCURRENT, len(missing)))]

    def run(self) -> Iterator[_BlockProgress]:
        """Sends all blocks and yields their progress. Raises what a thread has raised."""
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        while running:
            event = self._events.get()
            if event is None:
                running -= 1
            elif isinstance(event, Exception):
                raise event
            else:
                yield event

    def stop(self) -> list[int]:
        """Ends the threads. Returns the indices of confirmed blocks that `run` has not yielded."""
        self._stop.set()
        end = time.monotonic() + _LAST_SECONDS
        for thread in self._threads:
            thread.join(timeout=max(0, end - time.monotonic()))
        left = (self._events.get() for _ in range(self._events.qsize()))
        return [event.index for event in left if isinstance(event, _BlockProgress) and event.confirmed]

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                self._send(self._todo.get_nowait())
        except (Empty, _Stopped):
            self._events.put(None)
        except Exception as error:  # noqa: BLE001 - it is raised in the caller's thread
            self._events.put(error)

    def _send(self, index: int) -> None:
        target = self._url.copy_merge_params({"comp": "block", "blockid": block_id(index)})
        headers = {"Content-Length": str(self._source.length(index))}

        def attempt() -> httpx.Response:
            if self._stop.is_set():
                raise _Stopped
            return self._http.put(target, content=self._pieces(index), headers=headers)

        _raise_for_refusal(send_with_retries(attempt, retries=TRANSFER_RETRIES, pause=self._stop.wait))
        self._events.put(_BlockProgress(index, self._source.length(index), confirmed=True))

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
                    self._events.put(_BlockProgress(index, self._source.length(index) - left))
        except OSError as error:
            raise FileError(
                f"{self._source.path} cannot be read ({error.strerror}).", "Check its permissions and its disk."
            ) from None
        if left:
            raise self._source.changed_error()


def block_id(index: int) -> str:
    """Returns the id of a block. The Blob service requires that all ids of a blob have the same length."""
    return base64.b64encode(f"{index:06d}".encode()).decode()


def _cipher(key: UploadKey | None, offset: int) -> Callable[[bytes], bytes]:
    """Returns a function that encrypts the file from `offset` on, a multiple of 16 (NIST SP 800-38A section 6.5)."""
    if key is None:
        return bytes
    counter = (int.from_bytes(key.iv) + offset // _AES_BLOCK) % (1 << 128)
    return Cipher(algorithms.AES(key.key), modes.CTR(counter.to_bytes(_AES_BLOCK))).encryptor().update


def _commit(http: httpx.Client, url: httpx.URL, blocks: int) -> None:
    block_list = ET.Element("BlockList")
    for index in range(blocks):
        ET.SubElement(block_list, "Latest").text = block_id(index)
    # The service may already read a blob that exists, so the condition prevents that it is replaced.
    headers = {"If-None-Match": "*", "Content-Type": "application/xml"}
    target, body = url.copy_merge_params({"comp": "blocklist"}), ET.tostring(block_list)
    response = send_with_retries(lambda: http.put(target, content=body, headers=headers), retries=TRANSFER_RETRIES)
    _raise_for_refusal(response)


def _raise_for_refusal(response: httpx.Response) -> None:
    """Raises UploadError with the error code of the service, and never with the URL, for that has a signature."""
    if response.is_success:
        return
    code = response.headers.get("x-ms-error-code", response.reason_phrase)
    if code == "BlobAlreadyExists" or response.status_code == 412:
        raise AlreadyUploaded("A file was already uploaded for this video.", "Create another video for another file.")
    if response.status_code < 500:
        # 403: the URL has expired. 404: the video was deleted. 400: blocks that nobody committed for a week are gone.
        raise UploadLost(
            f"Storage does not accept this upload any more ({response.status_code} {code}).",
            "Publish the file again: a new upload begins.",
        )
    raise UploadError(
        f"Storage does not accept the upload now ({response.status_code} {code}).",
        "Publish the file again later: the upload is continued.",
    )
