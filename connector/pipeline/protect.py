"""What is written of a protected video is encrypted before it leaves the process; what is read back is decrypted."""

from uuid import UUID

from connector.domain.video import Video
from connector.media.sandbox import Source
from connector.pipeline.app import App
from connector.pipeline.keys import content_key, iv, work_key
from connector.security.counter import decrypt_at
from connector.security.segments import decrypt, encrypt


class Decrypted:
    """A source of AES-CTR cipher text, read as plain text by offset."""

    def __init__(self, source: Source, key: bytes, initial: bytes) -> None:
        self._source, self._key, self._iv = source, key, initial
        self.size = source.size

    def read_at(self, offset: int, length: int) -> bytes:
        return decrypt_at(self._key, self._iv, offset, self._source.read_at(offset, length))

    def close(self) -> None:
        self._source.close()


class Protector:
    """Of a clear video: everything stays as it is."""

    def segment(self, name: str, data: bytes) -> bytes:  # noqa: ARG002 - the same for all
        """A media or init segment as it is stored."""
        return data

    def clear_segment(self, name: str, data: bytes) -> bytes:  # noqa: ARG002 - the same for all
        """The inverse of `segment`."""
        return data

    def intermediate(self, name: str, data: bytes) -> bytes:  # noqa: ARG002 - the same for all
        """A blob of the work container as it is stored."""
        return data

    def opened(self, name: str, source: Source) -> Source:  # noqa: ARG002 - the same for all
        """The inverse of `intermediate`, for reading by ranges."""
        return source


class _AesProtector(Protector):
    """AES-128-CBC for what players read, AES-128-CTR for what only tasks read, which need ranges of it."""

    def __init__(self, key_id: UUID, key: bytes) -> None:
        self._id, self._key, self._work = key_id, key, work_key(key)

    def segment(self, name: str, data: bytes) -> bytes:
        return encrypt(self._key, self._segment_iv(name), data)

    def clear_segment(self, name: str, data: bytes) -> bytes:
        return decrypt(self._key, self._segment_iv(name), data)

    def _segment_iv(self, name: str) -> bytes:
        return iv(self._id, name.partition("/")[0])

    def intermediate(self, name: str, data: bytes) -> bytes:
        # Counter mode is its own inverse.
        return decrypt_at(self._work, iv(self._id, name), 0, data)

    def opened(self, name: str, source: Source) -> Source:
        return Decrypted(source, self._work, iv(self._id, name))


def protector(app: App, video: Video) -> Protector:
    """Raises NotFound, KeyUnavailable for a protected video whose key is gone."""
    if video.key_id is None:
        return Protector()
    return _AesProtector(video.key_id, content_key(app, video.key_id))
