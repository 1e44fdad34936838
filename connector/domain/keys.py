"""Defines a key as it is stored: wrapped, never in the clear."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StoredKey:
    """Represents one row of the Keys table. `wrapped` is the key, wrapped under the master key named `master`.

    The id begins with the time of its creation, as that of its video does: that is how the keys of a video without a
    row are found.
    """

    id: UUID
    video_id: UUID
    master: str
    wrapped: bytes
    etag: str | None = None
