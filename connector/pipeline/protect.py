"""Encrypts what is written of a protected video before it leaves the process, and decrypts what is read back."""

from uuid import UUID

from connector.domain.ports import SourceReader
from connector.domain.video import Video
from connector.pipeline.context import Pipeline
from connector.pipeline.keys import content_key, iv, work_key
from connector.security.counter import decrypt_at
from connector.security.segments import decrypt, encrypt


class Decrypted:
    """A source of AES-CTR cipher text, read as plain text by offset."""

    def __init__(self, source: SourceReader, key: bytes, initial: bytes) -> None:
        self._source, self._key, self._iv = source, key, initial

    @property
    def size(self) -> int:
        return self._source.size

    def read_at(self, offset: int, length: int) -> bytes:
        return decrypt_at(self._key, self._iv, offset, self._source.read_at(offset, length))

    def close(self) -> None:
        self._source.close()


class Protector:
    """The protector of a clear video, which changes nothing."""

    def segment(self, name: str, data: bytes) -> bytes:  # noqa: ARG002 - the same for all
        """Returns a media or init segment as it is stored."""
        return data

    def clear_segment(self, name: str, data: bytes) -> bytes:  # noqa: ARG002 - the same for all
        """Inverts `segment`."""
        return data

    def intermediate(self, name: str, data: bytes) -> bytes:  # noqa: ARG002 - the same for all
        """Returns a blob of the work container as it is stored."""
        return data

    def clear_intermediate(self, name: str, data: bytes) -> bytes:  # noqa: ARG002 - the same for all
        """Inverts `intermediate`."""
        return data

    def clear_source(self, name: str, source: SourceReader) -> SourceReader:  # noqa: ARG002 - the same for all
        """Inverts `intermediate` for reading by ranges."""
        return source


class _AesProtector(Protector):
    """The protector of a protected video: AES-128-CBC for what players read, AES-128-CTR for what only tasks read by
    ranges.
    """

    def __init__(self, key_id: UUID, key: bytes) -> None:
        self._id, self._key, self._work = key_id, key, work_key(key)

    def segment(self, name: str, data: bytes) -> bytes:
        return encrypt(self._key, self._segment_iv(name), data)

    def clear_segment(self, name: str, data: bytes) -> bytes:
        return decrypt(self._key, self._segment_iv(name), data)

    def _segment_iv(self, name: str) -> bytes:
        return iv(self._id, name.partition("/")[0])

    def intermediate(self, name: str, data: bytes) -> bytes:
        return self.clear_intermediate(name, data)  # counter mode is its own inverse

    def clear_intermediate(self, name: str, data: bytes) -> bytes:
        return decrypt_at(self._work, iv(self._id, name), 0, data)

    def clear_source(self, name: str, source: SourceReader) -> SourceReader:
        return Decrypted(source, self._work, iv(self._id, name))


def protector(app: Pipeline, video: Video) -> Protector:
    """Returns the protector of this video. Raises NotFound, KeyUnavailable for a protected video whose key is gone."""
    if video.key_id is None:
        return Protector()
    return _AesProtector(video.key_id, content_key(app, video.key_id))
