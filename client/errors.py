"""What can go wrong, drawn as a tree. Messages are for people; `advice` says what to do next.

ClientError
├── ApiError              the API said no, with an HTTP status
├── Unreachable           nobody answered, however often it was tried
├── FileError             the file on this machine cannot be used
├── UploadError           storage did not take the upload
│   ├── UploadLost        and will not: a new one is needed
│   └── AlreadyUploaded   there is a file at this upload address
└── VideoFailed           the upload could not be made into a video
"""

_ADVICE = {
    400: "Correct what is named and try again; `python -m client formats` lists what can be uploaded.",
    401: "Set VIDEO_API_KEY to a Functions key, or VIDEO_API_TOKEN to a token of Microsoft Entra ID.",
    403: "If the video is still being made, wait for it: `python -m client status ID --watch`."
    " Otherwise these credentials do not allow it.",
    404: "`python -m client list` shows the videos there are; --api or VIDEO_API says where the API is.",
    409: "Look at the video (`python -m client show ID`) and try again.",
    412: "Somebody else changed it: get it again, then repeat the change.",
    413: "Upload a smaller file, or have the server's limit raised.",
    503: "The service is busy or down: try again in a while.",
}


class ClientError(Exception):
    """Root of everything the client raises itself."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class ApiError(ClientError):
    """The API said no; the message is its own. `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, _ADVICE.get(status, "Try again; if it stays so, look into the service's log."))
        self.status = status


class Unreachable(ClientError):
    """There was no answer. `place` is the scheme, host and port that did not answer."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            f"{place} cannot be reached: {reason}.",
            "Check the network, the API's address (--api or VIDEO_API), and that it runs (`make run` on this machine).",
        )


class FileError(ClientError):
    """A file on this machine is missing, unreadable, in the way, or was changed meanwhile."""


class UploadError(ClientError):
    """Storage did not take the upload."""


class UploadLost(UploadError):
    """The upload cannot be continued: its address has expired, or its blocks are gone."""


class AlreadyUploaded(UploadError):
    """There is a whole file at this upload address already; it is left as it is."""


class VideoFailed(ClientError):
    """The upload could not be made into a video."""
