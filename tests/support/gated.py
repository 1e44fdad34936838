"""Videos that are played while they are encoded, by a service that encodes no further than it is told."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import inf
from pathlib import Path

import httpx

from client import Client
from local.stack import Stack
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import Video as Source
from tests.media.sources import numbered

APP = Path(__file__).parents[1] / "integration" / "slow_app"
SEGMENT = 2
"""Seconds."""
FPS = Fraction(10)
"""Few: several players share the machine with the encoder."""
PATIENCE = 90
"""Seconds, for what the encoder does; only a failing test ever takes it."""
ENV = {"ENCODER_PRESET": "ultrafast", "SEGMENT_SECONDS": str(SEGMENT), "CHUNK_SECONDS": str(2 * SEGMENT)}


def source(seconds: int) -> Path:
    """Numbered pictures with sound, for two renditions."""
    video = Source(fps=FPS, frames=int(seconds * FPS), size=(432, 432), gop=17)
    return cached("growing.mp4", partial(numbered, video=video, audio=Audio()), video)


@dataclass(frozen=True)
class GatedStack:
    """`with` it closed, no picture of any video is written."""

    stack: Stack
    gate: Path

    @property
    def api(self) -> str:
        return self.stack.api

    def allow(self, seconds: float) -> None:
        """The picture of each video is written so far."""
        draft = self.gate.with_suffix(".draft")
        draft.write_text(str(seconds))
        draft.replace(self.gate)

    def open(self) -> None:
        self.allow(inf)

    def settle(self) -> None:
        """Nothing is left that would keep the next video from the encoder."""
        self.open()
        with Client(self.api) as client:
            wait(lambda: not list(client.videos(status="Processing")), "the end of all videos")


@contextmanager
def gated_stack(folder: Path, **env: str) -> Iterator[GatedStack]:
    """One encoder: what is published first is encoded first."""
    gate = folder / "gate"
    stack = Stack(APP, folder, encoders=1, env={**ENV, "GATE": str(gate), **env})
    gated = GatedStack(stack, gate)
    gated.allow(0)
    with stack:
        yield gated


@dataclass(frozen=True)
class Growing:
    """A video that is on its way."""

    client: Client
    id: str
    protected: bool

    @classmethod
    def begin(cls, client: Client, seconds: int, *, protect: bool = False) -> "Growing":
        path = source(seconds)
        video = client.create(path.name, protect=protect)
        client.upload(video, path)
        client.mark_complete(video.id)
        return cls(client, video.id, protect)

    @property
    def status(self) -> str:
        """Processing or Completed. Raises AssertionError when it failed."""
        found = self.client.status(self.id)
        assert found.status != "Failed", found.message
        return found.status

    def urls(self) -> dict[str, str]:
        return self.client.playback_urls(self.id, ("HLS", "DASH"), early=True)

    def token(self) -> str | None:
        return self.client.authorization_token(self.id) if self.protected else None

    def published(self) -> float:
        """Seconds that every HLS playlist has; 0 before it can be played at all."""
        if not self.client.status(self.id).playable:
            return 0
        return min(seconds_of(httpx.get(address).text) for address in media_playlists(self.urls()["HLS"]))

    def wait_for(self, seconds: float) -> None:
        """Until so much is published."""
        wait(lambda: self.published() >= seconds, f"{seconds} s of the video")

    def wait_for_end(self) -> None:
        wait(lambda: self.status == "Completed", "the end")


def wait(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} did not come in time"
        time.sleep(0.1)


def media_playlists(master: str) -> list[str]:
    """Addresses, picture first, of what the playlist at that address leads to."""
    lines = httpx.get(master).raise_for_status().text.splitlines()
    pictures = [line for line in lines if line and not line.startswith("#")]
    sounds = [line.partition('URI="')[2].partition('"')[0] for line in lines if line.startswith("#EXT-X-MEDIA:")]
    return [str(httpx.URL(master).join(line)) for line in (*pictures, *sounds)]


def seconds_of(playlist: str) -> float:
    return sum(float(line[8:].rstrip(",")) for line in playlist.splitlines() if line.startswith("#EXTINF:"))
