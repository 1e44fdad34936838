"""Protects stored keys: they are wrapped under a master key (AES key wrap, RFC 3394) that comes from configuration."""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Self

from connector.errors import KeyUnavailable

_SIZES = (16, 24, 32)
_FINGERPRINT = b"video-connector: fingerprint of a master key"
"""What a fingerprint authenticates. Nothing else is ever authenticated with a master key."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """Holds a key (`data`) that is wrapped under the master key with the id `master`."""

    master: str
    data: bytes


@dataclass(frozen=True)
class KeyRing:
    """Holds named secret keys, the current one first; older ones are accepted until they are removed."""

    keys: tuple[tuple[str, bytes], ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `id:base64,id:base64`. Raises ValueError, which never quotes the text."""
        keys = []
        for part in filter(None, (p.strip() for p in text.split(","))):
            name, colon, value = part.partition(":")
            try:
                key = base64.b64decode(value, validate=True)
            except binascii.Error:
                key = b""
            if not colon or not name or len(key) not in _SIZES:
                raise ValueError("must be id:base64 of 16, 24 or 32 bytes, several separated by commas")
            keys.append((name, key))
        if len({name for name, _ in keys}) != len(keys):
            raise ValueError("has the same id twice")
        return cls(tuple(keys))

    @property
    def current(self) -> tuple[str, bytes]:
        """The current (id, key). Raises KeyUnavailable when there is none."""
        if not self.keys:
            raise KeyUnavailable("no key is configured")
        return self.keys[0]

    def find(self, name: str) -> bytes:
        """Returns the key with this id. Raises KeyUnavailable when it is not (or no longer) configured."""
        for known, key in self.keys:
            if known == name:
                return key
        raise KeyUnavailable("a key that is needed is not configured any more")


def fingerprint(key: bytes) -> str:
    """Returns 16 hexadecimal digits that tell a key from another one and say nothing else about it."""
    return hmac.digest(key, _FINGERPRINT, "sha256").hex()[:16]


def wrap(ring: KeyRing, key: bytes) -> WrappedKey:
    """Wraps a key of 16 or more bytes, a multiple of 8, under the current master key."""
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    name, master = ring.current
    return WrappedKey(name, aes_key_wrap(master, key))


def unwrap(ring: KeyRing, wrapped: WrappedKey) -> bytes:
    """Returns the unwrapped key. Raises KeyUnavailable when its master key is gone or did not wrap it."""
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

    try:
        return aes_key_unwrap(ring.find(wrapped.master), wrapped.data)
    except InvalidUnwrap:
        raise KeyUnavailable("a stored key was wrapped under another master key of the same id") from None
