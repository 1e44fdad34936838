"""The portal is open to everybody: by keyboard, by screen reader, in the dark, on a phone; and closed to others: their
scripts, their frames, and callers without a key.
"""

import pytest
from playwright.sync_api import Browser, Page, expect

from client import Client
from local.stack import Stack
from tests.browser.portal import PATIENCE_MS, Portal, source, until
from tests.conftest import PROJECT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rerun_because("Chromium beside another stack on two busy cores can miss a deadline of the test."),
]

LOOKS = [("light", 1280), ("dark", 360)]


@pytest.fixture(scope="module")
def videos(client) -> dict[str, str]:
    """Ids of a video that is ready, a protected one, a failed one, and one that awaits its upload."""
    ids = {}
    for name, protect in (("clear", False), ("protected", True)):
        video = client.create(f"{name}.mp4", protect=protect, title=name, tags=["accessible"], metadata={"a": "b"})
        client.upload(video, source())
        client.mark_complete(video.id)
        ids[name] = video.id
    waiting = client.create("waiting.mp4")
    ids["waiting"] = waiting.id
    for name in ("clear", "protected"):
        assert list(client.watch(ids[name], every=0.2))[-1].status == "Completed"
    return ids


def opened(browser: Browser, api: str, scheme: str = "light", width: int = 1000) -> Portal:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    return Portal(context.new_page(), api)


@pytest.fixture
def portal(browser, stack):
    portal = opened(browser, stack.api)
    yield portal
    portal.page.context.close()
    assert portal.problems == []


def narrow_enough(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("scheme", "width"), LOOKS, ids=["light", "dark"])
def test_every_state_meets_wcag_and_fits(browser, stack, videos, scheme, width):
    portal = opened(browser, stack.api, scheme, width)
    page = portal.page

    def check(state: str) -> None:
        assert portal.violations() == [], state
        assert narrow_enough(page), state

    portal.open()
    portal.card("clear").first.scroll_into_view_if_needed()
    expect(portal.card("clear").first.locator("img")).to_be_visible()
    check("library")
    portal.choose({"name": "letter.txt", "mimeType": "text/plain", "buffer": b"x"})
    portal.choose({"name": "broken.mp4", "mimeType": "video/mp4", "buffer": b"no video" * 100})
    expect(portal.transfer("broken.mp4").get_by_role("alert")).to_be_visible(timeout=PATIENCE_MS)
    check("failed uploads")
    page.get_by_label("Tag", exact=True).fill("nothing has this")
    expect(page.get_by_text("No video matches.")).to_be_visible()
    check("nothing found")
    for name in ("clear", "protected"):
        page.goto("about:blank")
        portal.open(videos[name])
        until(lambda: portal.state()["readyState"] >= 2, "the first picture")
        expect(page.locator(".numbers dt").first).to_be_visible()
        check(name)
    page.get_by_role("button", name="Delete video").click()
    check("delete")
    page.get_by_role("button", name="Keep").click()
    page.goto(f"{portal.address}#{videos['waiting']}")
    expect(page.get_by_text("Waiting for the upload")).to_be_visible()
    check("waiting")
    page.goto(f"{portal.address}#00000000-0000-7000-8000-000000000000")
    expect(page.get_by_text("There is no such video")).to_be_visible()
    check("no such video")
    page.goto(f"{portal.address}/embed/{videos['clear']}")
    until(lambda: page.locator("video").evaluate("video => video.readyState >= 2"), "the embedded picture")
    check("embed")
    assert portal.problems == []
    page.context.close()


def test_everything_can_be_done_by_keyboard(portal, client, videos):
    page, press = portal.page, portal.page.keyboard.press

    def tab_to(name: str) -> None:
        """Every stop on the way shows where the focus is."""
        for _ in range(80):
            press("Tab")
            here = page.locator(":focus")
            label = here.evaluate(
                "e => e.ariaLabel || e.labels?.[0]?.textContent || e.placeholder || e.textContent || ''"
            )
            if name in label:
                return
        raise AssertionError(f"no way to {name}")

    portal.open()
    expect(portal.card("clear").first).to_be_visible()
    tab_to("Choose videos")
    with page.expect_file_chooser():
        press("Space")
    tab_to("Protect")
    press("Space")
    expect(page.get_by_label("Protect")).to_be_checked()
    tab_to("clear")
    press("Enter")
    portal.picture.wait_for()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    tab_to("Seek")
    until(lambda: float(page.locator(":focus").get_attribute("max")) > 0, "the length")
    for _ in range(20):
        press("ArrowRight")
    expect(page.locator(".preview")).to_be_visible()
    until(lambda: portal.state()["currentTime"] == pytest.approx(2, abs=0.1), "the seek")
    tab_to("Play")
    press("Enter")
    portal.expect_moving()
    press("Enter")
    until(lambda: portal.state()["paused"], "the pause")
    tab_to("Quality")
    press("ArrowDown")
    until(lambda: portal.state()["videoHeight"] == 432, "the quality")
    tab_to("Player and protocol")
    press("ArrowDown")
    expect(page.locator(".numbers")).to_contain_text("Shaka · HLS")
    tab_to("Title")
    press("Control+a")
    page.keyboard.type("clear as day")
    press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert client.get(videos["clear"]).title == "clear as day"
    tab_to("Delete video")
    press("Enter")
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    press("Escape")
    expect(page.get_by_role("button", name="Delete video")).to_be_focused()


def test_the_embedded_player_plays_in_a_page_of_another_origin(portal, pages, client, videos):
    page = portal.page
    token = client.authorization_token(videos["protected"])
    page.goto(f"{pages}/player.html")
    video = page.frame_locator("iframe").locator("video")
    for name, fragment, plays in (
        ("clear", "", True),
        ("protected", f"#token={token}", True),
        ("protected", "", False),
    ):
        page.evaluate(
            """address => {
              document.querySelector("iframe")?.remove();
              const frame = document.createElement("iframe");
              frame.allow = "autoplay";
              frame.src = address;
              document.body.append(frame);
            }""",
            f"{portal.address}/embed/{videos[name]}{fragment}",
        )
        if plays:
            video.evaluate("video => { video.muted = true; video.play().catch(() => {}); }")
            until(lambda: video.evaluate("video => video.currentTime") > 0.3, f"playing {name}")
        else:
            expect(page.frame_locator("iframe").get_by_role("alert")).to_contain_text("cannot be played")
    assert not [r for r in (page.evaluate("performance.getEntries().map(e => e.name)")) if token in r.partition("#")[0]]


def test_the_portal_itself_is_in_no_frame(portal, pages):
    page = portal.page
    page.goto(f"{pages}/player.html")
    refused = []
    page.on("console", lambda message: refused.append(message.text) if "frame-ancestors" in message.text else None)
    page.evaluate(
        "address => document.body.append(Object.assign(document.createElement('iframe'), { src: address }))",
        portal.address,
    )
    while not refused:
        page.wait_for_timeout(20)


def test_the_documentation_shows_without_any_script_or_style_of_others(portal):
    portal.page.goto(portal.address.replace("/portal", "/docs"))
    expect(portal.page.locator(".opblock").first).to_be_visible()
    portal.page.locator(".opblock-summary-control").first.click()
    expect(portal.page.locator(".opblock-body").first).to_be_visible()


def test_a_key_is_asked_for_and_kept_in_the_tab(browser, tmp_path):
    env = {"FUNCTIONS_KEY": "right", "FUNCTIONS_MASTER_KEY": "master"}
    with Stack(PROJECT, tmp_path, encoders=1, env=env, arguments=["--auth"]) as stack:
        with Client(stack.api, key="right") as client:
            client.create("secret.mp4")
        portal = opened(browser, stack.api)
        page = portal.page
        portal.open()
        dialog = page.get_by_role("dialog", name="Sign in")
        expect(dialog).to_contain_text("Functions key")
        assert portal.violations() == []
        dialog.get_by_label("Key").fill("wrong")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("not accepted")
        dialog.get_by_label("Key").fill("right")
        dialog.get_by_role("button", name="Sign in").click()
        expect(portal.card("secret.mp4")).to_be_visible()
        page.reload()
        expect(portal.card("secret.mp4")).to_be_visible()
        assert page.evaluate("localStorage.length") == 0
        assert portal.problems == []
        page.context.close()


def test_a_token_is_asked_for_where_the_api_wants_one(portal):
    """The API's side is played by the test: the real one needs an issuer. See tests/integration/test_auth.py."""
    given = []

    def answer(route):
        given.append(route.request.headers.get("authorization"))
        if given[-1] == "Bearer abc.def":
            route.fallback()
        else:
            route.fulfill(status=401, headers={"WWW-Authenticate": "Bearer"})

    portal.page.route("**/api/Videos?*", answer)
    portal.open()
    dialog = portal.page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Access token").fill("abc.def")
    dialog.get_by_role("button", name="Sign in").click()
    expect(portal.page.locator("#grid .card, #empty:not([hidden])").first).to_be_visible()
    assert given == [None, "Bearer abc.def"]
