"""Python client of the video API."""

from client.api import ApiError, Client, Status, Video

__all__ = ["ApiError", "Client", "Status", "Video"]
