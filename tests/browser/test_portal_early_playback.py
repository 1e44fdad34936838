"""In the portal, what is finished of a video is watched while the rest is still encoded."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from client import Client
from tests.browser.portal import PATIENCE_MS, Portal, until
from tests.support.gated import PATIENCE, SEGMENT, GatedStack, Growing, gated_stack, source, wait

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rerun_because(
        "Media plays in real time; on busy cores the software decoder falls behind and players stall."
    ),
]

SECONDS = 12
PLAYED = """({ played }) => [...Array(played.length).keys()].map((i) => [played.start(i), played.end(i)])"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[GatedStack]:
    with gated_stack(tmp_path_factory.mktemp("portal")) as stack:
        yield stack


@pytest.fixture
def gated(stack) -> Iterator[GatedStack]:
    yield stack
    stack.settle()


@pytest.fixture
def portal(browser, gated) -> Iterator[Portal]:
    with browser.new_context(viewport={"width": 1000, "height": 1000}) as context:
        portal = Portal(context.new_page(), gated.api)
        yield portal
        assert portal.problems == []


@pytest.mark.parametrize("protect", [False, True], ids=["clear", "protected"])
def test_a_video_is_watched_before_it_is_ready_and_goes_on_when_it_is(portal, gated, protect):
    page = portal.page
    gated.allow(0)
    portal.open()
    if protect:
        page.get_by_label("Protect").check(force=True)
    portal.choose(source(SECONDS))
    transfer = portal.transfer("growing.mp4").first
    expect(transfer.locator(".encode-text")).to_be_visible(timeout=PATIENCE_MS)
    expect(transfer.get_by_role("link")).to_have_count(0)
    gated.allow(2 * SEGMENT)
    transfer.get_by_role("link", name="Watch now").click(timeout=PATIENCE_MS)

    portal.picture.wait_for()
    expect(page.locator("#video .encode-text")).to_contain_text("can be played")
    page.get_by_role("button", name="Play", exact=True).click()
    portal.expect_moving()
    expect(page.locator(".time")).to_contain_text("+")
    options = page.locator("#choice option").all_inner_texts()
    assert "dash.js · DASH" in options
    assert "dash.js · Smooth" not in options
    assert portal.violations() == []
    page.get_by_label("Player and protocol").select_option(label="Shaka · DASH")
    portal.expect_moving()
    assert portal.error() == ""
    video = page.url.partition("#")[2]
    with Client(gated.api) as client:
        fragment = f"#token={client.authorization_token(video)}" if protect else ""
    embed = page.context.new_page()
    embed.goto(f"{portal.address}/embed/{video}{fragment}")
    embed.locator("video").evaluate("video => { video.muted = true; video.play(); }")
    until(lambda: embed.locator("video").evaluate(PLAYED), "the embedded player")
    assert embed.locator("video").evaluate(PLAYED)[0][0] < 0.3
    embed.close()

    playing = portal.picture.element_handle()
    gated.open()
    expect(page.get_by_role("heading", name="Share")).to_be_visible(timeout=PATIENCE_MS)
    assert playing.evaluate("video => video.isConnected"), "the same player goes on"
    assert not portal.state()["paused"]
    until(lambda: playing.evaluate("video => video.ended"), "the end")
    assert playing.evaluate("video => video.duration") == pytest.approx(SECONDS, abs=0.1)
    assert portal.error() == ""
    expect(page.locator(".time")).not_to_contain_text("+")
    assert "dash.js · Smooth" in page.locator("#choice option").all_inner_texts()


@pytest.mark.parametrize("protect", [False, True], ids=["clear", "protected"])
def test_an_embedded_player_waits_for_its_video_and_follows_it_to_the_end(portal, gated, protect):
    page = portal.page
    gated.allow(0)
    with Client(gated.api) as client:
        video = Growing.begin(client, SECONDS, protect=protect)
        page.goto(f"{portal.address}/embed/{video.id}#token={video.token() or ''}")
        expect(page.get_by_role("alert")).to_contain_text("not available at the moment")
        player = page.locator("video")
        assert not player.evaluate("video => video.controls"), "there is nothing to play"
        gated.allow(SEGMENT)
        wait(lambda: bool(client.status(video.id).playable), "its beginning")
        expect(page.get_by_role("alert")).to_be_hidden(timeout=PATIENCE_MS)
        assert player.evaluate("video => video.controls")
        until(lambda: player.evaluate("video => video.readyState >= 2"), "the first picture", PATIENCE)
        player.evaluate("video => { video.muted = true; video.play(); }")
        # Nobody but this page has asked for what comes behind the beginning.
        for seconds in (2, 4):
            gated.allow((seconds // SEGMENT + 1) * SEGMENT)
            until(lambda s=seconds: player.evaluate("video => video.currentTime") > s, f"{seconds} s", PATIENCE)
        gated.open()
        until(lambda: player.evaluate("video => video.ended"), "the end", PATIENCE)
    assert player.evaluate("video => video.duration") == pytest.approx(SECONDS, abs=0.1)
