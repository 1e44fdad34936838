"""How manifests write the addresses of the blobs they name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from posixpath import dirname, relpath

from connector.manifests.text import uri


@dataclass(frozen=True, slots=True)
class Addresses:
    """Relative to the manifest, unless said otherwise. Raises ValueError for what is not percent-encoded.

    A manifest that is not stored beside its media needs `base`; media that are not public need `query`.
    """

    base: str = ""
    """Absolute URL of the container, ending in `/`."""
    query: str = field(default="", repr=False)
    """Appended to each address of media or of a playlist, e.g. a SAS; without `?`."""
    playlist: Callable[[str], str] | None = None
    """HLS: where a child playlist (by its blob name) is, when it does not lie with the media."""

    def __post_init__(self) -> None:
        uri(self.base)
        uri(self.query)

    def media(self, name: str, manifest: str) -> str:
        """Of the blob `name`, as the manifest with blob name `manifest` writes it."""
        place = self.base + name if self.base else relpath(f"/{name}", f"/{dirname(manifest)}")
        return f"{place}?{self.query}" if self.query else place

    def child(self, name: str, manifest: str) -> str:
        """Of the HLS playlist `name`."""
        return uri(self.playlist(name)) if self.playlist else self.media(name, manifest)


BESIDE = Addresses()
"""The manifest lies in its place among public media."""
