"""Over HTTP, against the running service: a video can be played while it is encoded, and only ever gets longer."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from xml.etree import ElementTree as ET

import av
import httpx
import pytest

from client import ApiError, Client
from client.api import EARLY_ENDPOINTS, ENDPOINTS
from tests.media.frame_numbers import read
from tests.support.gated import (
    FPS,
    SEGMENT,
    GatedStack,
    Growing,
    gated_stack,
    media_playlists,
    seconds_of,
    wait,
)

pytestmark = [pytest.mark.media, pytest.mark.azurite]

SECONDS = 8
KINDS = ["clear", "protected", "signed"]
MPD = {"": "urn:mpeg:dash:schema:mpd:2011"}


@pytest.fixture(scope="module")
def public(tmp_path_factory) -> Iterator[GatedStack]:
    with gated_stack(tmp_path_factory.mktemp("public")) as stack:
        yield stack


@pytest.fixture(scope="module")
def signed(tmp_path_factory) -> Iterator[GatedStack]:
    with gated_stack(tmp_path_factory.mktemp("signed"), PLAYBACK_ACCESS="signed") as stack:
        yield stack


@pytest.fixture(params=KINDS)
def kind(request) -> str:
    return request.param


@pytest.fixture
def gated(request, kind) -> GatedStack:
    return request.getfixturevalue("signed" if kind == "signed" else "public")


@pytest.fixture
def video(gated, kind) -> Iterator[Growing]:
    """Nothing of it can be played yet."""
    gated.allow(0)
    with Client(gated.api) as client:
        yield Growing.begin(client, SECONDS, protect=kind == "protected")
    gated.settle()


@dataclass(frozen=True)
class Playlist:
    """A media playlist as it was at one moment."""

    lines: list[str]
    cache: str

    @classmethod
    def at(cls, address: str) -> "Playlist":
        answer = httpx.get(address).raise_for_status()
        return cls(answer.text.splitlines(), answer.headers["Cache-Control"])

    @property
    def segments(self) -> list[str]:
        """Without their signatures, which are made anew for every viewer."""
        return [address.partition("?")[0] for address in self.addresses]

    @property
    def addresses(self) -> list[str]:
        return [line for line in self.lines if line and not line.startswith("#")]

    @property
    def seconds(self) -> float:
        return seconds_of("\n".join(self.lines))


def refusals(video: Growing, *, early: bool) -> dict[str, int]:
    """Status, by endpoint type, of what is refused."""
    refused = {}
    for name in ENDPOINTS:
        try:
            video.client.playback_urls(video.id, (name,), early=early)
        except ApiError as error:
            refused[name] = error.status
    return refused


def timelines(mpd: ET.Element) -> list[list[int]]:
    """Times of the segments of each timeline."""
    out = []
    for timeline in mpd.iterfind(".//SegmentTimeline", MPD):
        times, at = [], 0
        for entry in timeline.iterfind("S", MPD):
            at = int(entry.get("t", at))
            for _ in range(int(entry.get("r", "0")) + 1):
                times.append(at)
                at += int(entry.get("d", ""))
        out.append(times)
    return out


@pytest.mark.parametrize("kind", ["clear"], indirect=True)
def test_it_is_early_for_who_asks_once_it_is_playable_and_in_what_can_grow(gated, video):
    every = dict.fromkeys(ENDPOINTS, 403)
    wait(lambda: "chunk-000000" in {s["Name"] for s in steps(gated, video)}, "the first task")
    status = video.client.status(video.id)
    assert (status.status, status.playable) == ("Processing", False)
    assert refusals(video, early=True) == refusals(video, early=False) == every
    gated.allow(SEGMENT)
    video.wait_for(SEGMENT)
    assert video.status == "Processing"
    assert refusals(video, early=False) == every
    assert refusals(video, early=True) == {name: 403 for name in ENDPOINTS if name not in EARLY_ENDPOINTS}
    gated.open()
    video.wait_for_end()
    assert video.client.status(video.id).playable
    assert refusals(video, early=True) == refusals(video, early=False) == {}
    addresses = {url.partition("#")[0] for url in video.urls().values()}
    assert addresses == set(video.client.playback_urls(video.id, EARLY_ENDPOINTS).values())


def steps(gated: GatedStack, video: Growing) -> list[dict[str, object]]:
    found: list[dict[str, object]] = httpx.get(f"{gated.api}/Videos/{video.id}/Status").json()["Steps"]
    return found


def test_playlists_only_get_longer_and_what_they_list_is_there(gated, video, kind):
    gated.allow(SEGMENT)
    video.wait_for(SEGMENT)
    playlists = media_playlists(video.urls()["HLS"])
    assert len(playlists) == 3, "two renditions and the sound"
    seen: dict[str, list[str]] = {}
    for end in range(SEGMENT, SECONDS, SEGMENT):
        gated.allow(end)
        video.wait_for(end)
        for address in playlists:
            now = Playlist.at(address)
            assert "#EXT-X-PLAYLIST-TYPE:EVENT" in now.lines
            assert "#EXT-X-ENDLIST" not in now.lines
            assert now.cache == ("no-store" if kind == "signed" else "no-cache")
            assert end <= now.seconds < SECONDS
            before = seen.get(address, [])
            assert now.segments[: len(before)] == before
            assert len(now.segments) > len(before)
            for segment in now.addresses[len(before) :]:
                httpx.get(str(httpx.URL(address).join(segment))).raise_for_status()
            seen[address] = now.segments
        assert video.status == "Processing"
    gated.open()
    video.wait_for_end()
    for address in playlists:
        last = Playlist.at(address)
        assert "#EXT-X-PLAYLIST-TYPE:VOD" in last.lines
        assert last.lines[-1] == "#EXT-X-ENDLIST"
        assert last.cache == ("no-store" if kind == "signed" else "public, max-age=5")
        assert last.segments[: len(seen[address])] == seen[address]
        assert last.seconds == pytest.approx(SECONDS, abs=0.05)


def mpd(address: str) -> ET.Element:
    return ET.fromstring(httpx.get(address).raise_for_status().text)  # noqa: S314 - our own


def continues(before: list[list[int]], now: list[list[int]]) -> bool:
    """Whether every timeline has got longer and is otherwise what it was. Raises AssertionError if it is not."""
    pairs = list(zip(before, now, strict=True))
    assert all(new[: len(old)] == old for old, new in pairs)
    return all(len(new) > len(old) for old, new in pairs)


def test_the_mpd_is_dynamic_and_grows_until_it_is_static(gated, video):
    gated.allow(SEGMENT)
    video.wait_for(SEGMENT)
    address = video.urls()["DASH"].removesuffix("#t=0")
    before: list[list[int]] = [[], []]
    for end in range(SEGMENT, SECONDS, SEGMENT):
        gated.allow(end)
        wait(lambda known=before: continues(known, timelines(mpd(address))), "more of the video")
        now = mpd(address)
        assert now.get("type") == "dynamic"
        assert "mediaPresentationDuration" not in now.attrib
        before = timelines(now)
        assert all(times[0] == 0 and times == sorted(set(times)) for times in before)
    gated.open()
    video.wait_for_end()
    assert mpd(address).get("type") == "static"
    assert continues(before, timelines(mpd(address)))


def test_ffmpeg_follows_it_from_the_first_picture_to_the_last(gated, video):
    """With a token, as native players do: what is encrypted is decrypted with the key that it opens."""
    gated.allow(2 * SEGMENT)
    video.wait_for(2 * SEGMENT)
    url = video.client.playback_urls(video.id, ("HLS",), video.token(), early=True)["HLS"]
    # FFmpeg judges addresses by their end, which it does not see behind a query.
    options = {"prefer_x_start": "1", "allowed_extensions": "ALL", "extension_picky": "0"}
    with av.open(url, options=options, timeout=60) as source:
        pictures = source.decode(video=0)
        numbers = [read(picture) for picture in islice(pictures, int(SEGMENT * FPS))]
        assert video.status == "Processing"
        gated.open()
        numbers += [read(picture) for picture in pictures]
    assert numbers == list(range(int(SECONDS * FPS)))
