"""Translates exceptions of the Azure SDKs into the connector's own.

The SDK's exceptions carry the request: its URL with a SAS, its headers with a signature. So nothing of them is passed
on except the HTTP status and the service's error code, a plain word such as `BlobNotFound`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from connector.errors import (
    NotFound,
    RowChanged,
    StorageError,
    StorageRefused,
    StorageTimeout,
    StorageUnavailable,
)

# A 404 for anything else, a table above all, says nothing about one video: nothing may be deleted because of it.
_BY_CODE: dict[str, type[StorageError]] = {
    "BlobNotFound": NotFound,
    "ContainerNotFound": NotFound,
    "ResourceNotFound": NotFound,  # the Table service's code for a missing row
    "TableNotFound": StorageUnavailable,
    "EntityAlreadyExists": RowChanged,
    "UpdateConditionNotSatisfied": RowChanged,
    # These are 409, but pass within a minute.
    "ContainerBeingDeleted": StorageUnavailable,
    "ContainerBeingDisabled": StorageUnavailable,
    "TableBeingDeleted": StorageUnavailable,
    "SystemInUse": StorageUnavailable,
    "LeaseIdMissing": StorageUnavailable,  # a 412: the holder of an upload URL leased the blob again
    "PendingCopyOperation": StorageUnavailable,  # an upload that is being copied from another account
    "OperationTimedOut": StorageTimeout,  # a 500
}

_BY_STATUS: dict[int, type[StorageError]] = {
    # Roles take minutes to become effective, so what is refused now may be allowed later.
    401: StorageError,
    403: StorageError,
    404: StorageError,
    408: StorageTimeout,
    429: StorageUnavailable,
    500: StorageUnavailable,
    502: StorageUnavailable,
    503: StorageUnavailable,
    504: StorageTimeout,
}


@contextmanager
def translated(*, shared_container: bool = False) -> Iterator[None]:
    """Raises what `translate` makes of an SDK exception. It is a decorator too, but not for generators."""
    try:
        yield
    except AzureError as error:
        raise translate(error, shared_container=shared_container) from None


def translate(error: AzureError, *, shared_container: bool = False) -> StorageError:
    """Returns the connector's exception for one of the SDK's, without any text of the request.

    `shared_container`: the call was about a container that all videos share. That it is missing says nothing about
    one video, so the result is StorageUnavailable.
    """
    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return StorageTimeout("Storage did not answer in time.")
    if isinstance(error, ServiceRequestError | ServiceResponseError | IncompleteReadError):
        return StorageUnavailable("Storage cannot be reached.")
    if not isinstance(error, HttpResponseError) or error.status_code is None:  # no status: there was no token
        return StorageError(f"Storage access failed: {type(error).__name__}.")
    code = error_code(error)
    text = f"Storage answered {error.status_code} {code}".rstrip() + "."
    if shared_container and code == "ContainerNotFound":
        return StorageUnavailable(text)
    kind = _BY_CODE.get(code) or _BY_STATUS.get(error.status_code)
    if kind is None and 400 <= error.status_code < 500:
        return StorageRefused(text, code)
    return (kind or StorageError)(text)


def error_code(error: HttpResponseError) -> str:
    """Returns the service's code for what went wrong, e.g. `ContainerNotFound`; empty when it gave none.

    https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2
    """
    # The SDKs set it, as an enum member or plain text; only for `create_entity` it is left in the body.
    code = getattr(error, "error_code", None) or _code_in_body(error)
    text = str(getattr(code, "value", code))
    return text if code is not None and text.isidentifier() else ""


def _code_in_body(error: HttpResponseError) -> object:
    """Returns the code in an answer of the Table service; None when there is none."""
    headers = getattr(error.response, "headers", {})
    if error.response is None or "json" not in str(headers.get("Content-Type")):
        return None
    try:
        return json.loads(error.response.text())["odata.error"]["code"]
    except (ValueError, KeyError, TypeError):
        return None
