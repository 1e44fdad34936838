"""What the service publishes protected, or behind signatures, plays in real players; without a token nothing does."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from playwright.sync_api import Browser

from client import Client
from connector.security.master import KeyRing
from connector.security.tokens import TokenPolicy, issue
from local.stack import Stack
from tests.browser.player import PAIRS, Player
from tests.conftest import PROJECT
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import PAL, numbered
from tests.media.sources import Video as Source

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rerun_because(
        "Media plays in real time; on busy cores the software decoder falls behind and players stall."
    ),
]

SOURCE = Source(fps=PAL, frames=150, size=(432, 432), gop=40)
"""Six seconds, two renditions, two segments."""
KINDS = ("HLS", "DASH", "Streaming")


@dataclass(frozen=True)
class Published:
    urls: dict[str, str]
    token: str | None = None
    key_id: str | None = None
    native: str = ""
    """Address whose playlists carry the token."""


def publish(client: Client, *, protect: bool) -> Published:
    video = client.create("a.mp4", protect=protect)
    client.upload(video, cached("protected-browser.mp4", partial(numbered, video=SOURCE, audio=Audio()), SOURCE))
    client.mark_complete(video.id)
    final = list(client.watch(video.id, every=0.2))[-1]
    assert final.status == "Completed", final.message
    urls = client.playback_urls(video.id, KINDS)
    if not protect:
        return Published(urls)
    token = client.authorization_token(video.id)
    return Published(urls, token, video.key_id, client.playback_urls(video.id, ["HLS"], token)["HLS"])


@pytest.fixture(scope="module")
def signed_client(tmp_path_factory, pages) -> Iterator[Client]:
    env = {"PLAYBACK_ACCESS": "signed", "ENCODER_PRESET": "ultrafast", "CORS_ORIGINS": pages}
    with Stack(PROJECT, tmp_path_factory.mktemp("signed"), encoders=1, env=env) as stack, Client(stack.api) as client:
        yield client


@pytest.fixture(scope="module")
def videos(client, signed_client) -> dict[str, Published]:
    return {
        "protected": publish(client, protect=True),
        "clear signed": publish(signed_client, protect=False),
        "protected signed": publish(signed_client, protect=True),
    }


@pytest.fixture
def player(browser: Browser, pages: str, stack: Stack) -> Iterator[Player]:
    with browser.new_context() as context:
        yield Player(context.new_page(), pages, SOURCE.fps, stack.api)


def plays(player: Player, name: str) -> None:
    player.watch()
    player.play_until(0.3)
    player.expect_seen_in_order()
    if name != "video.js":  # which does not promise the exact frame
        player.expect_frame_at(4.1)
    player.seek(float(SOURCE.seconds) - 1)
    player.play_to_end()
    assert player.state["number"] >= SOURCE.frames - 2
    player.assert_no_errors()


@pytest.mark.parametrize("which", ["protected", "clear signed", "protected signed"])
@pytest.mark.parametrize(("name", "endpoint"), PAIRS)
def test_plays_seeks_and_ends(player, videos, which, name, endpoint):
    video = videos[which]
    player.load(name, video.urls[endpoint], video.token)
    plays(player, name)


@pytest.mark.parametrize("which", ["protected", "protected signed"])
@pytest.mark.parametrize("name", ["hls.js", "shaka", "video.js"])
def test_a_player_that_cannot_add_a_header_plays_the_address_with_the_token(player, videos, which, name):
    player.load(name, videos[which].native)
    plays(player, name)


def _policy(stack: Stack) -> TokenPolicy:
    """As the service makes tokens, with its own key."""
    keys = json.loads((stack.data_dir / "development-keys.json").read_text("utf-8"))
    return TokenPolicy(
        KeyRing.parse(keys["SIGNING_KEYS"]), "video-connector", "urn:video-connector:keys", timedelta(hours=1)
    )


def _segment(part: object) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unsigned(token: str) -> str:
    return f"{_segment({'alg': 'none', 'kid': 'development'})}.{token.split('.')[1]}."


def _flipped(token: str) -> str:
    head, _, signature = token.rpartition(".")
    data = bytearray(base64.urlsafe_b64decode(signature + "=="))
    data[0] ^= 1
    return f"{head}.{_segment(bytes(data))}"


BAD = {
    "expired": lambda policy, key: issue(policy, key, datetime.now(UTC) - timedelta(hours=2))[0],
    "not yet valid": lambda policy, key: issue(policy, key, datetime.now(UTC), datetime.now(UTC) + policy.lifetime)[0],
    "unsigned": lambda policy, key: _unsigned(issue(policy, key, datetime.now(UTC))[0]),
    "a flipped bit": lambda policy, key: _flipped(issue(policy, key, datetime.now(UTC))[0]),
}


def stands_still(player: Player) -> None:
    assert player.state["currentTime"] == 0
    assert player.state["number"] is None


@pytest.mark.parametrize(("name", "endpoint"), PAIRS)
def test_nothing_plays_without_a_token(player, videos, name, endpoint):
    player.try_to_play(name, videos["protected"].urls[endpoint])
    stands_still(player)


@pytest.mark.parametrize(("name", "endpoint"), PAIRS)
def test_nothing_plays_with_the_token_of_another_video(player, client, videos, name, endpoint):
    other = client.authorization_token(client.create("b.mp4", protect=True).id)
    player.try_to_play(name, videos["protected"].urls[endpoint], other)
    stands_still(player)
    assert any("403" in error for error in player.errors), player.errors


@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize(("name", "endpoint"), [("hls.js", "HLS"), ("dash.js", "DASH")])
def test_nothing_plays_with_a_bad_token(*, player, stack, videos, name, endpoint, how):
    video = videos["protected"]
    token = BAD[how](_policy(stack), UUID(video.key_id))
    player.try_to_play(name, video.urls[endpoint], token)
    stands_still(player)
    assert any("401" in error for error in player.errors), player.errors
