"""From a file to a video that can be played, in two steps that can each be interrupted and continued."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from client.api import Client
from client.errors import AlreadyUploaded, ApiError, FileError, UploadLost, VideoFailed
from client.journal import Journal, Journals
from client.models import Video
from client.upload import Progress, Source


@dataclass(frozen=True, slots=True)
class Wishes:
    """What shall become of a file."""

    protect: bool = False
    encrypt_upload: bool = False
    title: str = ""
    tags: tuple[str, ...] = ()


class Publication:
    """One file on its way. Made again with the same arguments after an interruption, it goes on where it was."""

    def __init__(self, client: Client, path: Path, wishes: Wishes, journals: Journals) -> None:
        """Raises FileError when there is nothing to upload."""
        self.source = Source.of(path)
        if self.source.size == 0:
            raise FileError(f"{path} is empty.", "Publish it when it has content.")
        self._client = client
        self._wishes = wishes
        self._journals = journals
        self._identity = {
            "api": client.base,
            "path": str(path.resolve()),
            "size": self.source.size,
            "mtime": self.source.mtime_ns,
            "block": self.source.block,
            **asdict(wishes),
        }
        self._journal = journals.find(self._identity)

    @property
    def continued(self) -> bool:
        """Something of this upload was done before."""
        return self._journal is not None

    def upload(self, progress: Progress) -> "Uploaded":
        """`progress` hears the bytes sent so far. Raises UploadError and FileError."""
        journal, video = self._begun()
        if video.status == "AwaitingUpload":
            try:
                self._send(journal, video, progress)
            except UploadLost:
                journal.remove()
                raise
            self._client.mark_complete(video.id)
        return Uploaded(self._client, journal)

    def _begun(self) -> tuple[Journal, Video]:
        if self._journal is not None:
            video = self._existing(self._journal.video_id)
            if video is not None:
                return self._journal, video
            self._journal.remove()
        # Names that are no text (bytes that are not UTF-8) cannot be told as they are.
        name = self.source.path.name.encode("utf-8", "replace").decode()
        video = self._client.create(name, size=self.source.size, **asdict(self._wishes))
        self._journal = self._journals.begin(self._identity, video.id, video.encryption)
        return self._journal, video

    def _existing(self, video_id: str) -> Video | None:
        """None when the upload cannot be continued: the video was deleted, or the upload took too long."""
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
            progress(self.source.size)  # by us, before an interruption: this upload address is ours alone


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A publication whose file is in storage as a whole."""

    client: Client
    journal: Journal

    @property
    def video_id(self) -> str:
        return self.journal.video_id

    def wait(self, progress: Callable[[int], None], playable: Callable[[], None] = lambda: None) -> None:
        """Until the video is complete. Raises VideoFailed.

        `progress` hears percents, `playable` once that what is finished can be played while the rest is encoded.
        """
        told = False
        for status in self.client.watch(self.video_id):
            progress(status.progress)
            if status.playable and not status.final and not told:
                told = True
                playable()
            if status.status == "Failed":
                self.forget()
                raise VideoFailed(
                    f"The video could not be published: {status.message}",
                    f"Publish another file; `python -m client delete {self.video_id}` removes this one.",
                )

    def forget(self) -> None:
        """Nothing is left to be continued: the same publication would be another video."""
        self.journal.remove()
