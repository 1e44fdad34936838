"""A Python client of the video API, with a command line: `python -m client --help`."""

from client.api import Client
from client.errors import (
    AlreadyUploaded,
    ApiError,
    ClientError,
    FileError,
    Unreachable,
    UploadError,
    UploadLost,
    VideoFailed,
)
from client.models import Format, Page, Status, Thumbnail, UploadKey, Usage, Video

__all__ = [
    "AlreadyUploaded",
    "ApiError",
    "Client",
    "ClientError",
    "FileError",
    "Format",
    "Page",
    "Status",
    "Thumbnail",
    "Unreachable",
    "UploadError",
    "UploadKey",
    "UploadLost",
    "Usage",
    "Video",
    "VideoFailed",
]
