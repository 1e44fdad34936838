"""Defines a blob trigger's parameter that says which blob it is, and no more.

The Functions host loads a whole blob, in the host and again in the worker, for every kind of parameter but an SDK type
(https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-blob-trigger#memory-usage-and-concurrency).
Microsoft's own SDK type for blobs is a client of the storage SDK, which would be imported at every start of the app.
"""

import json
from typing import Any

from azurefunctions.extensions.base import Datum, InConverter, SdkType


class BlobName(SdkType):  # type: ignore[misc] # the package carries no types
    """Names the container and the blob that an event is about. Nothing of the blob's content is loaded."""

    def __init__(self, container: str, name: str) -> None:
        super().__init__()
        self.container = container
        self.name = name

    def get_sdk_type(self) -> "BlobName":
        """Returns what the function's parameter gets."""
        return self


class BlobNameConverter(InConverter, binding="blob", trigger="blobTrigger"):  # type: ignore[misc, call-arg]
    """Reads what the host sends in place of a blob: `model_binding_data`, with JSON that names the blob."""

    @classmethod
    def check_input_type_annotation(cls, pytype: type) -> bool:
        """Returns whether this converter makes parameters of this type."""
        return issubclass(pytype, BlobName)

    @classmethod
    def decode(cls, data: Datum, *, trigger_metadata: Any, pytype: type | None = None) -> BlobName:  # noqa: ARG003
        """Returns the blob's name. Raises ValueError when the host sent something else."""
        if data.type != "model_binding_data":
            raise ValueError(f"The host sent {data.type} in place of a blob's name.")
        named = json.loads(data.value.content)
        try:
            return BlobName(named["ContainerName"], named["BlobName"])
        except (KeyError, TypeError):
            raise ValueError("The host sent JSON that names no blob.") from None

    @classmethod
    def has_implicit_output(cls) -> bool:
        """Returns False, because a trigger gives nothing back."""
        return False
