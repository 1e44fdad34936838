"""Publishes videos through the running service, as a web app would."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from client import Client, Status
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import Video, numbered

SIZE = (854, 480)
FPS = Fraction(25)
FRAMES = 300
SEGMENT_SECONDS = 4


@dataclass(frozen=True)
class Published:
    """A numbered video that went through the service and is ready to play."""

    id: str
    urls: dict[str, str]
    """HLS, DASH, Streaming (Smooth) and Progressive."""
    fps: Fraction
    frames: int
    seams: list[float]
    """Seconds at which a chunk that was encoded apart begins, without 0."""
    progress: list[int]
    """Percent, as Status told while it was encoded."""


@cache
def numbered_source() -> Path:
    """12 seconds with sound, in two renditions' worth of lines; its keyframes are not where ours are."""
    video = Video(fps=FPS, frames=FRAMES, size=SIZE, gop=70)
    return cached("service.mp4", lambda path: numbered(path, video, Audio()), video)


def publish(client: Client, path: Path, *, mark: bool = True) -> tuple[str, list[Status]]:
    """(id, every status seen until the final one)."""
    video = client.create(path.name)
    client.upload(video, path)
    if mark:
        client.mark_complete(video.id)
    return video.id, list(client.watch(video.id, every=0.2))


def publish_numbered(client: Client) -> Published:
    video_id, seen = publish(client, numbered_source())
    assert seen[-1].status == "Completed", seen[-1].message
    return Published(
        id=video_id,
        urls=client.playback_urls(video_id),
        fps=FPS,
        frames=FRAMES,
        seams=[SEGMENT_SECONDS * (n + 0.5) for n in range(3)],
        progress=[status.progress for status in seen],
    )
