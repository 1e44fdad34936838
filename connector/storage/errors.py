"""Azure SDK exceptions become the connector's own here.

SDK exceptions carry the request: its URL with a SAS, its headers with a signature. So nothing of them is
passed on but the HTTP status and the service's error code, a plain word such as `BlobNotFound`.
"""

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
    "ResourceNotFound": NotFound,  # what the Table service says of a row
    "TableNotFound": StorageUnavailable,
    "EntityAlreadyExists": RowChanged,
    "UpdateConditionNotSatisfied": RowChanged,
    # These are 409, but over in a minute.
    "ContainerBeingDeleted": StorageUnavailable,
    "ContainerBeingDisabled": StorageUnavailable,
    "TableBeingDeleted": StorageUnavailable,
    "SystemInUse": StorageUnavailable,
    "OperationTimedOut": StorageTimeout,  # a 500
}

_BY_STATUS: dict[int, type[StorageError]] = {
    # Roles take minutes until they hold, so who may not do something now may do it later.
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
    """Raises what `translate` makes of an SDK exception. A decorator too, but not for generators."""
    try:
        yield
    except AzureError as error:
        raise translate(error, shared_container=shared_container) from None


def translate(error: AzureError, *, shared_container: bool = False) -> StorageError:
    """The connector's exception for one of the SDK's, without any text of the request.

    `shared_container`: the call was about a container that all videos share. That it is missing says nothing about
    one video, so it is StorageUnavailable.
    """
    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return StorageTimeout("Storage did not answer in time.")
    if isinstance(error, ServiceRequestError | ServiceResponseError | IncompleteReadError):
        return StorageUnavailable("Storage cannot be reached.")
    if not isinstance(error, HttpResponseError) or error.status_code is None:  # without one: no token could be had
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
    """The service's word for what went wrong, e.g. `ContainerNotFound`; empty when it gave none.

    https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2
    """
    code = getattr(error, "error_code", None)  # set by the storage SDKs, an enum member or plain text
    text = str(getattr(code, "value", code))
    return text if code is not None and text.isidentifier() else ""
