"""What is published plays in real players: the right pictures, across seams and switches, to the end."""

import pytest

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rerun_because(
        "Media plays in real time; on busy cores the software decoder falls behind and players stall."
    ),
]

ADAPTIVE = [
    ("hls.js", "HLS"),
    ("shaka", "HLS"),
    ("shaka", "DASH"),
    ("dash.js", "DASH"),
    ("dash.js", "Streaming"),
]
EXACT = [*ADAPTIVE, ("native", "Progressive")]
EVERY = [*EXACT, ("video.js", "HLS")]
"""video.js plays and ends; it neither switches at once nor promises the exact frame after a seek."""


@pytest.mark.parametrize(("name", "endpoint"), EVERY)
def test_plays_over_a_seam_with_every_picture_in_its_place(player, published, name, endpoint):
    seam = published.seams[0]
    player.load(name, published.urls[endpoint])
    player.seek(seam - 0.5)
    player.watch()
    player.play_until(seam + 0.5)
    player.expect_seen_in_order()
    assert player.seen[0][0] < seam <= player.seen[-1][0]
    player.assert_no_errors()


@pytest.mark.parametrize(("name", "endpoint"), EXACT)
def test_seeks_to_the_frame_forward_and_back(player, published, name, endpoint):
    player.load(name, published.urls[endpoint])
    frame = float(1 / published.fps)
    end = published.frames * frame
    for time in (*published.seams, end - 5.5 * frame, 0.5 * frame):
        player.expect_frame_at(time + 0.5 * frame)
        player.expect_frame_at(max(time - 1.5 * frame, 0.5 * frame))
    player.assert_no_errors()


@pytest.mark.parametrize(("name", "endpoint"), ADAPTIVE)
def test_survives_a_forced_switch_of_rendition(player, published, name, endpoint):
    player.load(name, published.urls[endpoint])
    highest = len(player.renditions) - 1
    assert highest > 0
    for index in (0, highest, 0):
        # From near the begin, so that it does not end before a player has replaced what it had buffered.
        player.seek(0.5)
        # Quickly, for some switch where the next segment begins.
        player.play(rate=2)
        player.switch(index)
        player.wait_for("start => harness.video.currentTime > start + 0.2", player.state["currentTime"])
    player.expect_frame_at(published.seams[0])
    player.assert_no_errors()


@pytest.mark.parametrize(("name", "endpoint"), EVERY)
def test_plays_to_its_end(player, published, name, endpoint):
    player.load(name, published.urls[endpoint])
    length = float(published.frames / published.fps)
    assert player.state["duration"] == pytest.approx(length, abs=0.1)
    player.seek(length - 1)
    player.play_to_end()
    assert player.state["currentTime"] == pytest.approx(length, abs=0.1)
    assert player.state["number"] >= published.frames - 2
    player.assert_no_errors()
