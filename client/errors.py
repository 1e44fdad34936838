"""The errors of the client, drawn as a tree. Messages are for people; `advice` says what to do next.

ClientError
├── ApiError              the API refused the request, with an HTTP status
├── Unreachable           nobody answered, after all attempts
├── FileError             the file on this machine cannot be used
├── UploadError           storage did not accept the upload
│   ├── UploadLost        storage will not accept it later either: a new upload is needed
│   └── AlreadyUploaded   a file exists at this upload URL
└── VideoFailed           the upload could not be processed into a video
"""

_ADVICE = {
    400: "Correct what the message names and try again; `python -m client formats` lists what can be uploaded.",
    401: "Set VIDEO_API_KEY to a Functions key, or VIDEO_API_TOKEN to a token of Microsoft Entra ID.",
    403: "If the video is still being processed, wait for it: `python -m client status ID --watch`."
    " Otherwise these credentials do not allow it.",
    404: "`python -m client list` shows all videos; --api or VIDEO_API sets the address of the API.",
    409: "Look at the video (`python -m client show ID`) and try again.",
    412: "Somebody else has changed the video: get it again, then repeat the change.",
    413: "Upload a smaller file, or ask for a higher limit of the service.",
    503: "The service is busy or not running: try again later.",
}


class ClientError(Exception):
    """The base class of all errors that the client raises."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class ApiError(ClientError):
    """The API refused the request. The message comes from the API; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(
            message, _ADVICE.get(status, "Try again; if the error remains, look into the log of the service.")
        )
        self.status = status


class Unreachable(ClientError):
    """Nobody answered. `place` is the scheme, host and port of the request."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            f"{place} cannot be reached: {reason}.",
            "Check the network, the address of the API (--api or VIDEO_API), and that the service runs"
            " (`make run` on this machine).",
        )


class FileError(ClientError):
    """A file on this machine is missing, cannot be read or written, exists already, or has changed."""


class UploadError(ClientError):
    """Storage did not accept the upload."""


class UploadLost(UploadError):
    """The upload cannot be continued: its URL has expired, or its blocks no longer exist."""


class AlreadyUploaded(UploadError):
    """A complete file exists at this upload URL. It is not changed."""


class VideoFailed(ClientError):
    """The upload could not be processed into a video."""
