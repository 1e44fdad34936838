"""Defines every failure of the connector, drawn as a tree. The API maps each leaf to a status in `api/errors.py`.

ConnectorError
├── RequestError                 the caller can change something
│   ├── InvalidRequest           a field or query is missing or wrong
│   ├── BodyMissing              the request needs a body and has none
│   ├── VideoNotFound            no such video, or a malformed id
│   ├── ResourceNotFound         no such resource at all
│   ├── Unauthorized             no token, or one that is bad, expired or not yet valid
│   ├── Forbidden                a good token that is for something else
│   ├── NotUploaded              the video's blob is not there yet
│   ├── NotPlayable              the video is not playable (yet), or not in this form
│   ├── TooManyPictures          the video has as many pictures on demand as may be made
│   ├── MethodNotAllowed         the resource exists, but does not define the method
│   ├── UnknownMethod            no resource defines the method
│   ├── FeatureDisabled          the deployment lacks what this needs
│   ├── PreconditionFailed       the resource is not (any more) the version that If-Match names
│   ├── UriTooLong               the request's address is over the limit
│   ├── NotAcceptable            Accept excludes JSON
│   ├── UnsupportedMediaType     the body is not JSON, or has a content coding
│   ├── PayloadTooLarge          the body is over the limit
│   ├── Busy                     the limit of this work at one time is reached; worth trying again
│   └── Unhealthy                media cannot be processed at the moment; operators must know why
├── MediaError                   the upload cannot become a video; final, with a code and a sentence for people
├── StorageError                 storage did not do what was asked
│   ├── RowChanged               somebody else changed the row since it was read; reading it again helps
│   ├── NotFound                 no such row, blob or container
│   ├── StorageRefused           storage will not do this, however often it is asked; final
│   ├── InvalidName              a name in storage could lead elsewhere, so storage was not asked: a defect of ours
│   ├── TooLarge                 what should be stored does not fit into a row; final
│   ├── StorageTimeout           storage did not answer in time; worth trying again
│   └── StorageUnavailable       storage is down or throttles; worth trying again
├── KeyUnavailable               a key that is needed is not configured (any more)
├── AuthorityUnavailable         the keys of a tokens' issuer cannot be read; worth trying again
├── TaskCrashed                  a media child process died by itself or ran over a limit; retried, then final
├── TaskLost                     a media child process was ended from outside, or there can be none; retried for hours
└── BrokenOutput                 what the tasks of a video left does not fit together: a defect of ours
"""

from collections.abc import Mapping


class ConnectorError(Exception):
    """Serves as the root of all failures that the connector raises itself."""


class RequestError(ConnectorError):
    """The caller asked for something that cannot be done as asked."""


class InvalidRequest(RequestError):
    """A field or query parameter is missing or wrong; `fields` maps its name to a sentence."""

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


class BodyMissing(RequestError):
    """The request needs a body and has none."""

    def __init__(self) -> None:
        super().__init__(
            "The request has no body. Send one with Content-Length: chunked bodies (Transfer-Encoding: chunked) do not "
            "reach this API."
        )


class VideoNotFound(RequestError):
    """No video has this id."""


class ResourceNotFound(RequestError):
    """The API has no such resource."""


class Unauthorized(RequestError):
    """The request has no token, or one that is bad, expired or not yet valid.

    `challenge` is the value of WWW-Authenticate (RFC 6750 section 3).
    """

    def __init__(self, message: str, challenge: str = "Bearer") -> None:
        super().__init__(message)
        self.challenge = challenge


class Forbidden(RequestError):
    """The request has a good token that is for something else.

    `challenge` is the value of WWW-Authenticate (RFC 6750 section 3), empty for none.
    """

    def __init__(self, message: str, challenge: str = "") -> None:
        super().__init__(message)
        self.challenge = challenge


class NotUploaded(RequestError):
    """The video's blob was not uploaded yet."""


class NotPlayable(RequestError):
    """The video cannot be played (yet), or not in the form that was asked for."""


class TooManyPictures(RequestError):
    """As many pictures on demand were made for the video as may be."""


class MethodNotAllowed(RequestError):
    """The resource exists but does not define this method."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"This resource answers {', '.join(allowed)}.")
        self.allowed = allowed


class UnknownMethod(RequestError):
    """No resource of this API defines the method."""


class FeatureDisabled(RequestError):
    """The deployment was not given what this feature needs."""


class PreconditionFailed(RequestError):
    """The resource is not, or no longer, the version that `If-Match` names."""


class UriTooLong(RequestError):
    """The request's address is over the limit."""


class NotAcceptable(RequestError):
    """The Accept header excludes JSON."""


class UnsupportedMediaType(RequestError):
    """The request body is not declared as JSON, or has a content coding such as gzip.

    `accept_encoding` lists the content codings that are accepted (RFC 9110 section 15.5.16). It is empty if the
    content coding is not the reason (section 12.5.3).
    """

    def __init__(self, message: str, accept_encoding: str = "") -> None:
        super().__init__(message)
        self.accept_encoding = accept_encoding


class PayloadTooLarge(RequestError):
    """The request body is over the limit."""


class Busy(RequestError):
    """As much of this work as is allowed at one time is in progress; worth trying again."""


class Unhealthy(RequestError):
    """The service cannot process media at the moment, for a reason that operators must know."""


class MediaError(ConnectorError):
    """The upload cannot become a video, and is never tried again.

    `code` is stable and for programs, the message is for people. `facts` are the values that the message was made with.
    """

    def __init__(self, code: str, message: str, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = dict(facts or {})


class StorageError(ConnectorError):
    """Storage did not do what was asked."""


class RowChanged(StorageError):
    """Somebody else changed the row since it was read, or created it first. The caller reads it again."""


class NotFound(StorageError):
    """There is no such row, blob or container.

    A missing table is `StorageUnavailable`, because it says nothing about one video.
    """


class StorageRefused(StorageError):
    """Storage will not do this, however often it is asked. `code` is the service's code for the reason."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class InvalidName(StorageError):
    """A name of a blob or container could lead to another place. Storage was not asked."""


class TooLarge(StorageError):
    """What should be stored does not fit into a row."""


class StorageTimeout(StorageError):
    """Storage did not answer in time."""


class StorageUnavailable(StorageError):
    """Storage is down or throttles."""


class BrokenOutput(ConnectorError):
    """The output of a video's tasks does not fit together, which is a defect of ours, never the user's."""


class KeyUnavailable(ConnectorError):
    """A key that is needed is not configured (any more)."""


class AuthorityUnavailable(ConnectorError):
    """The keys of a token issuer cannot be read, so that its tokens cannot be checked."""


class TaskCrashed(ConnectorError):
    """A media child process died by itself, hung or went over a limit. The file may be the cause."""


class TaskLost(ConnectorError):
    """A media child process was ended from outside, or cannot be started or confined. That says nothing about the file.

    `code` is the failure with which the video ends after the last attempt (`domain/failures.py`).
    """

    def __init__(self, message: str, code: str = "WorkerLost") -> None:
        super().__init__(message)
        self.code = code
