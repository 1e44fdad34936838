"""Defines how manifests write the addresses of the blobs that they name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from posixpath import dirname, relpath

from connector.manifests.text import uri


@dataclass(frozen=True, slots=True)
class Addresses:
    """Writes addresses relative to the manifest, unless `base` is given. Raises ValueError unless percent-encoded.

    A manifest that is not stored beside its media needs `base`. Media that are not public need `query`.
    """

    base: str = ""
    """Absolute URL of the container, ending in `/`."""
    query: str = field(default="", repr=False)
    """Query, without `?`, that is appended to each address of media or of a playlist, e.g. a SAS."""
    playlist: Callable[[str], str] | None = None
    """Function from the blob name of an HLS child playlist to its address, for one that is not beside the media."""

    def __post_init__(self) -> None:
        uri(self.base)
        uri(self.query)

    def media(self, name: str, manifest: str) -> str:
        """Returns the address of the blob `name`, as the manifest with blob name `manifest` writes it."""
        place = self.base + name if self.base else relpath(f"/{name}", f"/{dirname(manifest)}")
        return f"{place}?{self.query}" if self.query else place

    def child(self, name: str, manifest: str) -> str:
        """Returns the address of the HLS playlist `name`, as the manifest with blob name `manifest` writes it."""
        return uri(self.playlist(name)) if self.playlist else self.media(name, manifest)


BESIDE = Addresses()
"""Addresses of a manifest that is in its place among public media."""
