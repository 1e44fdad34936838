"""Chromium, the test page, and a published numbered video to play."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from client import Client
from tests.browser.pages import NODE_MODULES, serve
from tests.browser.player import Player
from tests.support.chromium import ARGUMENTS, NAMES, chromium
from tests.support.publishing import Published, publish_numbered


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs a failed test again, twice at most, where a marker beside it gives the reason. pytest lists these reruns."""
    for item in items:
        marker = item.get_closest_marker("rerun_because")
        if marker is not None:
            (reason,) = marker.args
            assert reason.endswith(".")
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(scope="session")
def published(client: Client) -> Published:
    return publish_numbered(client)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # not for the session: a running Playwright keeps an event loop that other tests' asyncio.run would trip over
    path = chromium()
    if path is None:
        pytest.skip(f"no Chromium on the PATH (looked for {', '.join(NAMES)})")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """Origin of the test page."""
    if not NODE_MODULES.is_dir():
        pytest.skip("the players are not installed: run npm ci")
    with serve() as origin:
        yield origin


@pytest.fixture
def player(browser: Browser, pages: str, published: Published) -> Iterator[Player]:
    with browser.new_context() as context:
        yield Player(context.new_page(), pages, published.fps)
