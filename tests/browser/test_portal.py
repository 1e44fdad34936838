"""The portal, used as a person would."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.portal import PATIENCE_MS, Portal, source, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rerun_because(
        "Media plays in real time; on busy cores the software decoder falls behind and players stall."
    ),
]

PAIRS = ["hls.js · HLS", "Shaka · HLS", "Shaka · DASH", "dash.js · DASH", "dash.js · Smooth", "video.js · HLS"]
HTML = "<img src=x onerror=alert(1)>"


@pytest.fixture
def portal(browser, stack):
    with browser.new_context(viewport={"width": 1000, "height": 900}) as context:
        portal = Portal(context.new_page(), stack.api)
        yield portal
        assert portal.problems == []


@pytest.fixture(scope="module")
def video(client):
    """Id of a video that is ready."""
    video = client.create("numbered.mp4", title="Numbers", tags=["counted"])
    client.upload(video, source())
    client.mark_complete(video.id)
    final = list(client.watch(video.id, every=0.2))[-1]
    assert final.status == "Completed", final.message
    return video.id


@pytest.mark.parametrize("protect", [False, True], ids=["clear", "protected"])
def test_a_file_is_published_watched_and_deleted(portal, protect):
    page = portal.page
    portal.open()
    if protect:
        page.get_by_label("Protect").check(force=True)
    portal.choose(source())
    transfer = portal.transfer("protected-browser.mp4")
    cells = transfer.locator(".cells li")
    expect(cells.first).to_be_visible(timeout=PATIENCE_MS)
    expect(transfer.get_by_role("link", name="Play")).to_be_visible(timeout=PATIENCE_MS)
    assert cells.count() == transfer.locator(".cells li.done").count() == 3, "two chunks and the sound"
    expect(portal.card("protected-browser.mp4").first.locator("img")).to_be_visible()
    expect(portal.card("protected-browser.mp4").first.locator(".lock")).to_have_count(int(protect))

    transfer.get_by_role("link", name="Play").click()
    portal.picture.wait_for()
    expect(page.locator(".panels .encode-confinement")).to_contain_text("decoded in processes confined by")
    expect(page.locator(".panels .encode-cost")).to_contain_text(
        re.compile(r"^Processing took \d+.* of computing time and cost USD\s0\.\d+\. Storing .* costs USD")
    )
    page.get_by_role("button", name="Play", exact=True).click()
    portal.expect_moving()
    page.get_by_role("button", name="Pause").click()

    seek = page.get_by_role("slider", name="Seek")
    width = seek.bounding_box()["width"]
    seek.hover(position={"x": 0.75 * width, "y": 8})
    expect(page.locator(".preview .tile")).to_be_visible()
    assert "url(" in page.locator(".preview .tile").evaluate("tile => tile.style.background")
    seek.click(position={"x": 0.75 * width, "y": 8})
    until(lambda: portal.state()["currentTime"] == pytest.approx(4.5, abs=0.2), "the seek")

    page.get_by_role("button", name="Play", exact=True).click()
    for height in (360, 432):
        seek.click(position={"x": 0.05 * width, "y": 8})
        label = page.locator(".quality option", has_text=f"{height}p ·").inner_text()
        page.get_by_label("Quality").select_option(label=label)
        until(lambda height=height: portal.state()["videoHeight"] == height, f"{height} lines")

    # A player that changed its quality at the very end has no picture there: back to the begin.
    seek.click(position={"x": 0.05 * width, "y": 8})
    options = page.locator("#choice option").all_inner_texts()
    assert options[: len(PAIRS)] == PAIRS
    assert ("Browser · MP4" in options) is not protect
    for pair in options:
        page.get_by_label("Player and protocol").select_option(label=pair)
        until(lambda: portal.state()["readyState"] >= 2, f"the begin of {pair}")
        until(lambda: float(seek.get_attribute("max")) > 0, "the length")
        seek.click(position={"x": 0.05 * width, "y": 8})
        portal.expect_moving()
        assert portal.error() == "", pair
        expect(page.locator(".numbers")).to_contain_text(pair)

    page.get_by_role("button", name="Delete video").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Library")).to_be_visible()
    expect(page.locator(f'[data-id="{portal.page.url.partition("#")[2]}"]')).to_have_count(0)


def test_wrong_files_tell_why(portal):
    portal.open()
    portal.choose({"name": "letter.txt", "mimeType": "text/plain", "buffer": b"hello"})
    expect(portal.transfer("letter.txt")).to_contain_text(".txt files are not supported")
    portal.choose({"name": "broken.mp4", "mimeType": "video/mp4", "buffer": b"no video" * 100})
    reason = portal.transfer("broken.mp4").get_by_role("alert")
    expect(reason).to_contain_text("not a video or audio file", timeout=PATIENCE_MS)
    expect(portal.card("broken.mp4").first).to_contain_text("Failed")
    portal.card("broken.mp4").first.get_by_role("link").click()
    expect(portal.page.locator("#video .reason")).to_contain_text("not a video or audio file")


def test_what_is_said_about_a_video_is_edited_unless_somebody_was_faster(portal, client, video):
    page = portal.page
    portal.open(video)
    page.get_by_label("Title").fill("Counting")
    page.get_by_label("Description").fill("From 0 to 149")
    page.get_by_label("Tags", exact=True).fill("night")
    page.get_by_role("button", name="Add tag").click()
    page.get_by_role("button", name="Add a field").click()
    page.get_by_label("Name", exact=True).fill("Camera")
    page.get_by_label("Value", exact=True).fill("None")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Counting")
    stored = client.get(video)
    assert (stored.title, stored.tags, stored.metadata) == ("Counting", ("counted", "night"), {"Camera": "None"})

    client.update(stored, title="Theirs")
    page.get_by_label("Title").fill("Mine")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not saved: somebody else changed this video.")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("Theirs")
    page.get_by_label("Title").fill("Mine, knowingly")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    assert client.get(video).title == "Mine, knowingly"


def test_the_library_is_searched_by_name_tag_and_status_and_loaded_by_the_page(portal, client):
    for number in range(30):
        client.create(f"many-{number:02d}.mp4", tags=["many", "even" if number % 2 == 0 else "odd"])
    page, cards = portal.page, portal.page.locator(".card")
    portal.open()
    with page.expect_response(lambda answer: "namePrefix=MANY-" in answer.url):
        page.get_by_label("File name begins with").fill("MANY-")
    expect(cards).to_have_count(24)
    page.locator("#more").scroll_into_view_if_needed()
    expect(cards.filter(has_text="many-")).to_have_count(30)
    page.get_by_label("Tag", exact=True).fill("odd")
    expect(cards).to_have_count(15)
    page.get_by_label("Status").select_option("Ready")
    expect(page.get_by_text("No video matches.")).to_be_visible()
    page.get_by_label("Status").select_option("Waiting for upload")
    expect(cards).to_have_count(15)
    cards.first.get_by_role("button", name="many").click()
    expect(cards).to_have_count(24)


def test_html_from_outside_is_text(portal, client):
    video = client.create(f"{HTML}.mp4", title=f"<b>{HTML}</b>", tags=[HTML], description=HTML, metadata={HTML: HTML})
    page = portal.page
    portal.open()
    expect(portal.card(f"<b>{HTML}</b>")).to_be_visible()
    portal.choose({"name": f"{HTML}.txt", "mimeType": "text/plain", "buffer": b"x"})
    expect(portal.transfer(f"{HTML}.txt")).to_be_visible()
    assert page.locator('img[src="x"], b').count() == 0
    page.goto(f"{portal.address}#{video.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"<b>{HTML}</b>")
    assert page.locator('img[src="x"], b').count() == 0


def test_no_other_script_may_run(portal):
    portal.open()
    inserted = """() => {
        const script = document.createElement("script");
        script.textContent = "window.intruder = true";
        document.body.append(script);
        return window.intruder ?? false;
    }"""
    assert portal.page.evaluate(inserted) is False
    while not portal.problems:
        portal.page.wait_for_timeout(20)
    portal.problems.clear()
