"""Turns a file into a playable video in two steps. Each of them can be interrupted and continued later."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from client.api import Client
from client.errors import AlreadyUploaded, ApiError, FileError, UploadLost, VideoFailed
from client.journal import Journal, Journals
from client.models import Video
from client.upload import Progress, Source


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """The options of a video that is published."""

    protect: bool = False
    encrypt_upload: bool = False
    title: str = ""
    tags: tuple[str, ...] = ()


class Publication:
    """The upload of one file. A second publication with the same arguments continues an interrupted one."""

    def __init__(self, client: Client, path: Path, options: PublishOptions, journals: Journals) -> None:
        """Raises FileError when there is no such file, or when it is empty."""
        self.source = Source.of(path)
        if self.source.size == 0:
            raise FileError(f"{path} is empty.", "Publish it when it has content.")
        self._client = client
        self._options = options
        self._journals = journals
        self._identity = {
            "api": client.base,
            "path": str(path.resolve()),
            "size": self.source.size,
            "mtime": self.source.mtime_ns,
            "block": self.source.block,
            **asdict(options),
        }
        self._journal = journals.find(self._identity)

    @property
    def resumed(self) -> bool:
        """Whether this upload was begun before."""
        return self._journal is not None

    def upload(self, progress: Progress) -> "Uploaded":
        """Uploads the file. `progress` is called with the bytes sent so far. Raises UploadError and FileError."""
        journal, video = self._resume_or_create()
        if video.status == "AwaitingUpload":
            try:
                self._send(journal, video, progress)
            except UploadLost:
                journal.remove()
                raise
            self._client.mark_complete(video.id)
        return Uploaded(self._client, journal)

    def _resume_or_create(self) -> tuple[Journal, Video]:
        if self._journal is not None:
            video = self._resumable_video(self._journal.video_id)
            if video is not None:
                return self._journal, video
            self._journal.remove()
        # A file name may be bytes that are not UTF-8. JSON cannot carry those, so they are replaced.
        name = self.source.path.name.encode("utf-8", "replace").decode()
        video = self._client.create(name, size=self.source.size, **asdict(self._options))
        self._journal = self._journals.create(self._identity, video.id, video.encryption)
        return self._journal, video

    def _resumable_video(self, video_id: str) -> Video | None:
        """Returns the video, or None when it was deleted or its upload has expired."""
        try:
            video = self._client.get(video_id)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        if video.status == "AwaitingUpload" and video.upload_uri is None:
            return None
        if video.status == "Failed" and self._client.status(video_id).code == "UploadExpired":
            return None
        return video

    def _send(self, journal: Journal, video: Video, progress: Progress) -> None:
        try:
            self._client.upload(
                video,
                self.source.path,
                progress,
                encryption=journal.encryption,
                sent=journal.sent,
                confirmed=journal.confirm,
            )
        except AlreadyUploaded:
            # Nobody else has this upload URL: this client has completed the upload before an interruption.
            progress(self.source.size)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A video whose file is completely uploaded."""

    client: Client
    journal: Journal

    @property
    def video_id(self) -> str:
        """The id of the video."""
        return self.journal.video_id

    def wait(self, progress: Callable[[int], None], playable: Callable[[], None] = lambda: None) -> None:
        """Waits until the video is complete. Raises VideoFailed.

        `progress` is called with the percentage. `playable` is called once if the video can be played before it is
        complete.
        """
        notified = False
        for status in self.client.watch(self.video_id):
            progress(status.progress)
            if status.playable and not status.final and not notified:
                notified = True
                playable()
            if status.status == "Failed":
                self.forget()
                raise VideoFailed(
                    f"The video could not be published: {status.message}",
                    f"Publish another file; `python -m client delete {self.video_id}` removes this one.",
                )

    def forget(self) -> None:
        """Removes the journal: publishing the same file again creates another video."""
        self.journal.remove()
