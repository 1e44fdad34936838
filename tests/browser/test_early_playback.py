"""A video plays from its beginning while it is still encoded, and goes on to its end, in real players."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from client import Client
from tests.browser.player import Player
from tests.support.gated import FPS, GatedStack, Growing, gated_stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rerun_because(
        "Media plays in real time; on busy cores the software decoder falls behind and players stall."
    ),
]

PAIRS = [("hls.js", "HLS"), ("shaka", "HLS"), ("shaka", "DASH"), ("dash.js", "DASH"), ("video.js", "HLS")]
SECONDS = 16
FIRST = 5
"""Seconds that are published when the first viewers come."""
AHEAD = 8
"""Seconds that may be encoded ahead of what is watched."""
LAST = SECONDS - 2
"""So far, the video is not complete."""
BEGIN = 0.3
"""Seconds within which playback begins."""


@pytest.fixture
def gated(tmp_path, access, pages) -> Iterator[GatedStack]:
    with gated_stack(tmp_path, PLAYBACK_ACCESS=access, CORS_ORIGINS=pages) as stack:
        yield stack
        stack.open()


def is_whole(player: Player, end: float) -> bool:
    """Whether it played from the beginning to `end` and left nothing out."""
    parts = player.played
    return len(parts) == 1 and parts[0][0] < BEGIN and parts[0][1] == pytest.approx(end, abs=0.1)


@pytest.mark.parametrize(
    ("access", "protect"), [("public", False), ("signed", True)], ids=["stored manifests", "rendered, protected"]
)
def test_a_video_is_watched_while_it_grows(browser, pages, gated, protect):
    gated.allow(FIRST)
    with Client(gated.api) as client, ExitStack() as contexts:
        video = Growing.begin(client, SECONDS, protect=protect)
        video.wait_for(FIRST)
        urls, token = video.urls(), video.token()

        def joined(name: str, kind: str) -> Player:
            context = contexts.enter_context(browser.new_context())
            player = Player(context.new_page(), pages, FPS)
            player.load(name, urls[kind], token, playing=True)
            return player

        players = []
        for name, kind in PAIRS:
            players.append(joined(name, kind))
            players[-1].pause()  # until all are there
        for player in players:
            player.watch()
            player.play()
        gated.allow(FIRST + AHEAD)
        for player in players:
            player.wait_for("time => harness.video.currentTime > time", FIRST + 0.5)
            player.pause()
            player.expect_seen_in_order()
            assert is_whole(player, player.state["currentTime"]), player.played

        for player in players:
            player.expect_frame_at(SECONDS / 7)
            player.watch()

        gated.allow(LAST)
        video.wait_for(SECONDS / 2)
        for name, kind in PAIRS:
            late = joined(name, kind)
            late.wait_for("() => { const { played } = harness.video; return played.length && played.end(0) > 0.5; }")
            assert late.played[0][0] < BEGIN, (name, kind, late.played)
            late.assert_no_errors()
            late.page.context.close()
        assert video.status == "Processing"

        for player in players:
            player.play()
        gated.open()
        video.wait_for_end()
        for player in players:
            player.play(rate=2)
        for player in players:
            player.wait_for_end(rate=2)
            player.expect_seen_in_order()
            assert is_whole(player, SECONDS), player.played
            assert player.state["duration"] == pytest.approx(SECONDS, abs=0.1)
            assert player.state["number"] >= SECONDS * FPS - 2
            player.assert_no_errors()
