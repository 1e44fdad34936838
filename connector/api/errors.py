"""The HTTP status of every failure, and the one shape of an error.

A test holds the table and the tree in `connector/errors.py` together.
"""

from connector import errors
from connector.api.http import MAX_URL, Request, Response

STATUS: dict[type[errors.ConnectorError], int] = {
    errors.InvalidRequest: 400,
    errors.BodyMissing: 400,
    errors.Unauthorized: 401,
    errors.NotPlayable: 403,
    errors.TooManyPictures: 403,
    errors.Forbidden: 403,
    errors.VideoNotFound: 404,
    errors.ResourceNotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.NotAcceptable: 406,
    errors.StorageTimeout: 408,
    errors.NotUploaded: 409,
    errors.RowChanged: 409,
    errors.PreconditionFailed: 412,
    errors.PayloadTooLarge: 413,
    errors.UriTooLong: 414,
    errors.UnsupportedMediaType: 415,
    errors.NotFound: 500,
    errors.StorageRefused: 500,
    errors.InvalidName: 500,
    errors.TooLarge: 500,
    errors.MediaError: 500,
    errors.KeyUnavailable: 500,
    errors.TaskCrashed: 500,
    errors.BrokenOutput: 500,
    errors.UnknownMethod: 501,
    errors.FeatureDisabled: 501,
    errors.StorageUnavailable: 503,
    errors.AuthorityUnavailable: 503,
    errors.TaskLost: 503,
    errors.Busy: 503,
    errors.Unhealthy: 503,
}

RETRY_SECONDS = 5

_UNEXPECTED = "The request failed because of an internal error."


def error_response(request: Request, error: Exception) -> Response:
    """Returns the answer for a failure. Only errors that are made for callers show their message."""
    status = STATUS.get(type(error), 500) if isinstance(error, errors.ConnectorError) else 500
    message = str(error) if isinstance(error, errors.RequestError) else _for_callers(status, error)
    body: dict[str, object] = {
        "status": status,
        "source": request.source[:MAX_URL],
        "message": message,
        "code": type(error).__name__ if status != 500 else "InternalError",
        "requestId": request.id,
    }
    headers: dict[str, str] = {}
    if isinstance(error, errors.InvalidRequest):
        body["errors"] = [{"field": name, "message": text} for name, text in error.fields.items()]
    if isinstance(error, errors.MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    if isinstance(error, errors.UnsupportedMediaType) and error.accept_encoding:
        headers["Accept-Encoding"] = error.accept_encoding
    if isinstance(error, (errors.Unauthorized, errors.Forbidden)):
        headers["Cache-Control"] = "no-store"  # another token, or the same one later, may be accepted
        if error.challenge:
            headers["WWW-Authenticate"] = error.challenge
    if status in {408, 503}:
        headers["Retry-After"] = str(RETRY_SECONDS)
    return Response(status, body, headers)


def _for_callers(status: int, error: Exception) -> str:
    if isinstance(error, errors.AuthorityUnavailable):
        return "Tokens cannot be checked at the moment. Please try again."
    if isinstance(error, errors.TaskLost):
        return "The picture could not be made at the moment. Please try again."
    return {
        408: "Storage did not answer in time. Please try again.",
        409: "Another request changed the resource at the same time. Please try again.",
        503: "Storage is not available at the moment. Please try again.",
    }.get(status, _UNEXPECTED)
