"""The sources of media jobs: the upload, blobs of the work container, and bytes in memory."""

from collections.abc import Callable
from dataclasses import dataclass

from connector.domain import layout
from connector.domain.failures import media_error
from connector.domain.ports import SourceReader
from connector.domain.types import BlobVersion
from connector.domain.video import Video
from connector.errors import BrokenOutput, NotFound
from connector.pipeline.context import Pipeline
from connector.pipeline.keys import upload_key
from connector.pipeline.protect import Decrypted, protector


def upload_source(app: Pipeline, video: Video) -> Callable[[], SourceReader]:
    """Returns a function that opens the upload in the version that was there at completion, in the clear.

    Reading it raises MediaError once that version is gone: for a video without a snapshot, when the upload was
    overwritten.
    """

    def open_upload() -> SourceReader:
        if video.source_etag is None:
            raise BrokenOutput("the upload of this video was never completed")
        version = BlobVersion(video.size, video.source_etag, video.snapshot)
        source = _Upload(app.storage.blobs.open(layout.UPLOADS, video.blob_name, version))
        if video.upload_key_id is None:
            return source
        key = upload_key(app, video.upload_key_id)
        return Decrypted(source, key.key, key.iv)

    return open_upload


class _Upload:
    """An upload that may be replaced or removed while it is read."""

    def __init__(self, source: SourceReader) -> None:
        self._source = source

    @property
    def size(self) -> int:
        return self._source.size

    def read_at(self, offset: int, length: int) -> bytes:
        try:
            return self._source.read_at(offset, length)
        except NotFound:
            raise media_error("UploadChanged") from None

    def close(self) -> None:
        self._source.close()


def work_source(app: Pipeline, video: Video, name: str) -> Callable[[], SourceReader]:
    """Returns a function that opens a blob of the video's work container, in the clear."""

    def open_work_blob() -> SourceReader:
        source = app.storage.blobs.open(layout.work_container(video.id), name)
        return protector(app, video).clear_source(name, source)

    return open_work_blob


def in_memory_source(data: bytes) -> Callable[[], SourceReader]:
    """Returns a function that opens bytes that were read already."""
    return lambda: _Bytes(data)


@dataclass(frozen=True)
class _Bytes:
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]

    def close(self) -> None:
        """Does nothing, because nothing is open."""
