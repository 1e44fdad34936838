"""Gives access without any key: by a Microsoft Entra identity, as `MEDIA_STORAGE__…` names it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from connector.storage.transport import Transport


@dataclass(frozen=True, slots=True)
class Identity:
    """Holds the addresses of the account's two services, and what gets tokens for them.

    `credential` is called once, when first needed, with the transport that it asks for tokens over.
    """

    blob_uri: str
    table_uri: str
    credential: "Callable[[Transport], TokenCredential]"


def managed_identity(client_id: str, transport: "Transport") -> "TokenCredential":
    """Returns the user-assigned identity with this client id, or the system-assigned one when it is empty."""
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=client_id or None, transport=transport)


def developer_identity(client_id: str, transport: "Transport") -> "TokenCredential":
    """Returns the identity that is signed in where this runs: a managed one, or a developer with `az login`."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=client_id or None, transport=transport)
