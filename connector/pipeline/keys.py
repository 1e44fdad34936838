"""The keys of a video. They are made with the video, stored wrapped, and unwrapped only where they are used."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from connector.domain.keys import StoredKey
from connector.domain.video import Video
from connector.errors import NotFound
from connector.pipeline.context import Pipeline
from connector.security.master import WrappedKey, unwrap, wrap

CONTENT_KEY = 16
UPLOAD_KEY = 32
IV = 16


@dataclass(frozen=True, slots=True, repr=False)
class UploadKey:
    """AES-256-CTR key and IV that a client encrypts its upload with."""

    key: bytes
    iv: bytes


def make_keys(app: Pipeline, video: Video) -> UploadKey | None:
    """Makes and stores the keys that a new video names. Returns the key for the upload, which its client needs.

    Raises KeyUnavailable when no master key is configured.
    """
    if video.key_id is not None:
        _store(app, video, video.key_id, secrets.token_bytes(CONTENT_KEY))
    if video.upload_key_id is None:
        return None
    secret = secrets.token_bytes(UPLOAD_KEY + IV)
    _store(app, video, video.upload_key_id, secret)
    return UploadKey(secret[:UPLOAD_KEY], secret[UPLOAD_KEY:])


def content_key(app: Pipeline, key_id: UUID) -> bytes:
    """Returns a content key, 16 bytes, with one read. Raises NotFound, KeyUnavailable."""
    secret = _load(app, key_id)
    if len(secret) != CONTENT_KEY:
        raise NotFound("The key is not one for content.")
    return secret


def work_key(content: bytes) -> bytes:
    """Derives the key, 16 bytes, for blobs that only tasks read. The content key, which players get, opens none."""
    return hmac.digest(content, b"work", "sha256")[:CONTENT_KEY]


def upload_key(app: Pipeline, key_id: UUID) -> UploadKey:
    """Returns the key that a client encrypts its upload with. Raises NotFound, KeyUnavailable."""
    secret = _load(app, key_id)
    return UploadKey(secret[:UPLOAD_KEY], secret[UPLOAD_KEY:])


def delete_keys(app: Pipeline, video: Video) -> None:
    for key_id in (video.key_id, video.upload_key_id):
        if key_id is not None:
            app.storage.keys.delete(key_id)


def iv(key_id: UUID, purpose: str) -> bytes:
    """Returns an IV: one per kind of track, and one per intermediate blob. It follows from names, so tasks may be
    repeated.
    """
    return hashlib.sha256(key_id.bytes + purpose.encode()).digest()[:IV]


def _store(app: Pipeline, video: Video, key_id: UUID, secret: bytes) -> None:
    wrapped = wrap(app.master_keys, secret)
    app.storage.keys.put(StoredKey(key_id, video.id, wrapped.master, wrapped.data))


def _load(app: Pipeline, key_id: UUID) -> bytes:
    stored = app.storage.keys.get(key_id)
    return unwrap(app.master_keys, WrappedKey(stored.master, stored.wrapped))
