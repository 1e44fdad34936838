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

from connector.errors import Conflict, NotFound, StorageError, StorageTimeout, StorageUnavailable

_BY_CODE: dict[str, type[StorageError]] = {
    "ContainerBeingDeleted": StorageUnavailable,  # a 409, but over in a minute: worth trying again
    "TableBeingDeleted": StorageUnavailable,
    "InvalidBlockList": Conflict,  # a 400, but what is wrong is the blob's state
    "OperationTimedOut": StorageTimeout,  # a 500
}

_BY_STATUS: dict[int | None, type[StorageError]] = {
    404: NotFound,
    408: StorageTimeout,
    409: Conflict,
    412: Conflict,
    429: StorageUnavailable,
    500: StorageUnavailable,
    502: StorageUnavailable,
    503: StorageUnavailable,
    504: StorageTimeout,
}


@contextmanager
def translated() -> Iterator[None]:
    """Raises what `translate` makes of an SDK exception. A decorator too, but not for generators."""
    try:
        yield
    except AzureError as error:
        raise translate(error) from None


def translate(error: AzureError) -> StorageError:
    """The connector's exception for one of the SDK's, without any text of the request."""
    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return StorageTimeout("Storage did not answer in time.")
    if isinstance(error, ServiceRequestError | ServiceResponseError | IncompleteReadError):
        return StorageUnavailable("Storage cannot be reached.")
    if not isinstance(error, HttpResponseError) or error.status_code is None:  # without one: no token could be had
        return StorageError(f"Storage access failed: {type(error).__name__}.")
    code = error_code(error)
    kind = _BY_CODE.get(code) or _BY_STATUS.get(error.status_code, StorageError)
    return kind(f"Storage answered {error.status_code} {code}".rstrip() + ".")


def error_code(error: HttpResponseError) -> str:
    """The service's word for what went wrong, e.g. `ContainerNotFound`; empty when it gave none.

    https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2
    """
    code = getattr(error, "error_code", None)  # set by the storage SDKs, an enum member or plain text
    text = str(getattr(code, "value", code))
    return text if code is not None and text.isidentifier() else ""
