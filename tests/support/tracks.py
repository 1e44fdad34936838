"""Looking at what the pipeline left in the in-memory storage."""

from dataclasses import dataclass
from functools import cached_property

from connector.api.app import App
from connector.domain.layout import output_container
from connector.domain.step import Step
from connector.domain.video import State, Video
from tests.support.fragments import Fragment, parse


@dataclass(frozen=True)
class Track:
    """One rendition as it lies in the output container."""

    init: bytes
    segments: dict[int, bytes]
    """By the time in their names, ascending."""

    @cached_property
    def fragments(self) -> list[Fragment]:
        return [parse(data) for data in self.segments.values()]


class Output:
    """A video that is ready."""

    def __init__(self, app: App, video: Video) -> None:
        assert video.state is State.READY, video.failure
        self.app, self.video = app, video
        self.blobs: dict[str, bytes] = {
            name: blob.data for name, blob in app.storage.blobs.containers[output_container(video.id)].blobs.items()
        }

    @property
    def plan(self):
        return self.video.plan

    def track(self, kind: str, rendition: int) -> Track:
        folder = f"{kind}/{rendition}/"
        names = [n.removeprefix(folder) for n in self.blobs if n.startswith(folder) and n.endswith(".m4s")]
        times = sorted(int(n.removesuffix(".m4s")) for n in names)
        return Track(self.blobs[f"{folder}init.mp4"], {t: self.blobs[f"{folder}{t}.m4s"] for t in times})

    @cached_property
    def video_tracks(self) -> list[Track]:
        return [self.track("video", r.id) for r in self.plan.renditions]

    @property
    def chunk_outputs(self):
        """EncodeOutput of each chunk task, in order."""
        tasks = self.app.storage.tasks.of(self.video.id)
        return [t.result.encode for t in tasks if t.id.step is Step.CHUNK]
