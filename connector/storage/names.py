"""Refuses names of containers and blobs that lead elsewhere than they seem to.

HTTP libraries remove dot segments from an address, and no token signs an address. So the name `../uploads/a` in one
container would be the name `a` in another one.
"""

import re
from typing import TYPE_CHECKING, Any

from connector.errors import InvalidName

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobServiceClient, ContainerClient

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")
"""Control characters, the backslash, and halves of characters, which have no UTF-8."""
_CONTAINER = re.compile(r"[a-z0-9-]{1,63}")


def checked(name: str) -> str:
    """Returns the name of a blob. Raises InvalidName for one that could lead elsewhere.

    That is a name with an empty segment (also from a slash at an end), `.` or `..` as a segment, or a character that no
    name needs.
    """
    if _FORBIDDEN.search(name) or not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise InvalidName("A blob's name could lead to another place, so storage was not asked.")
    return name


def checked_container(name: str) -> str:
    """Returns the name of a container, or a beginning of it. Raises InvalidName for what cannot be one."""
    if not _CONTAINER.fullmatch(name):
        raise InvalidName("This cannot be a container's name, so storage was not asked.")
    return name


def checked_prefix(prefix: str) -> str:
    """Returns the beginning of a blob's name, which may end with a slash. Raises InvalidName as `checked` does."""
    checked(prefix.removesuffix("/"))
    return prefix


class CheckedService:
    """Represents the blob service for checked names. It has the calls that are used, and no others."""

    def __init__(self, service: "BlobServiceClient") -> None:
        self._service = service

    def get_blob_client(self, container: str, name: str, **options: Any) -> "BlobClient":
        return self._service.get_blob_client(checked_container(container), checked(name), **options)

    def get_container_client(self, container: str) -> "CheckedContainer":
        return CheckedContainer(self._service.get_container_client(checked_container(container)))

    def create_container(self, container: str, **options: Any) -> None:
        self._service.create_container(checked_container(container), **options)

    def delete_container(self, container: str) -> None:
        self._service.delete_container(checked_container(container))

    def list_containers(self, *, name_starts_with: str) -> Any:
        return self._service.list_containers(name_starts_with=checked_container(name_starts_with))


class CheckedContainer:
    """Represents a container for checked names."""

    def __init__(self, container: "ContainerClient") -> None:
        self._container = container

    def get_blob_client(self, name: str) -> "BlobClient":
        return self._container.get_blob_client(checked(name))

    def delete_blob(self, name: str, **options: Any) -> None:
        self._container.delete_blob(checked(name), **options)

    def list_blob_names(self, *, name_starts_with: str) -> Any:
        return self._container.list_blob_names(name_starts_with=checked_prefix(name_starts_with))

    def walk_blobs(self, *, name_starts_with: str) -> Any:
        return self._container.walk_blobs(name_starts_with=checked_prefix(name_starts_with))
