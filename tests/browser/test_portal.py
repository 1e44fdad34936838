"""The page, used as a person would: upload, watch, play, and a wrong file."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.integration.publishing import numbered_source

pytestmark = pytest.mark.browser

PATIENCE_MS = 90_000


@pytest.fixture
def page(browser, stack):
    with browser.new_context(viewport={"width": 900, "height": 900}) as context:
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(f"{stack.api}/portal")
        yield page
        assert page.problems == []


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Polls from here: the page's Content-Security-Policy forbids what Playwright's own waiting does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def current_time(page: Page) -> float:
    return page.locator("#player").evaluate("video => video.currentTime")


def test_a_file_is_uploaded_encoded_and_played(page, client):
    page.locator("#file").set_input_files(numbered_source())
    expect(page.locator("#tasks li.done").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#watch")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#addresses dt")).to_have_text(["HLS", "DASH", "Streaming", "Progressive"])
    expect(page.locator("#facts")).to_contain_text("854 × 480")
    page.locator("#player").evaluate("video => video.play()")
    until(lambda: current_time(page) > 0.5)

    page.reload()
    expect(page.locator("#watch")).to_be_visible(timeout=PATIENCE_MS)

    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#recent li")).to_have_count(0)


def test_a_wrong_file_is_refused_with_its_reason(page):
    page.locator("#file").set_input_files({"name": "letter.txt", "mimeType": "text/plain", "buffer": b"hello"})
    expect(page.locator("#message")).to_contain_text("OriginalFileName")


def test_a_broken_file_shows_why_it_failed(page):
    file = {"name": "<b>broken</b>.mp4", "mimeType": "video/mp4", "buffer": b"no video" * 100}
    page.locator("#file").set_input_files(file)
    expect(page.locator("#message")).to_contain_text("not a video or audio file", timeout=PATIENCE_MS)
    assert page.locator("#recent b").count() == 0


def test_no_other_script_may_run(page):
    inserted = """() => {
        const script = document.createElement("script");
        script.textContent = "window.intruder = true";
        document.body.append(script);
        return window.intruder ?? false;
    }"""
    assert page.locator("body").evaluate(inserted) is False
