"""Uploads from the portal bear cut networks, reloads and large files."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.portal import PATIENCE_MS, Portal, until

pytestmark = pytest.mark.browser

BLOCK = 8 * 1024 * 1024
BLOCKS = 6
LARGE = 2 * 1024**3
MOST_HEAP = 200 * 1024**2


@pytest.fixture
def portal(browser, stack):
    with browser.new_context() as context:
        portal = Portal(context.new_page(), stack.api)
        portal.open()
        yield portal
        assert portal.problems == []


@pytest.fixture
def file(tmp_path):
    """No video, but of several blocks."""
    path = tmp_path / "several-blocks.mp4"
    with path.open("wb") as sparse:
        sparse.truncate(BLOCKS * BLOCK - 1000)
    return path


class Network:
    """Lets so many blocks through to storage, and cuts off what comes after."""

    def __init__(self, portal: Portal, passing: int) -> None:
        self.passing = passing
        self.passed: list[str] = []
        portal.page.route(re.compile(r"comp=block&"), self._on_block)

    def _on_block(self, route: Route) -> None:
        if self.passing <= 0:
            route.abort("internetdisconnected")
            return
        self.passing -= 1
        self.passed.append(re.search("blockid=([^&]+)", route.request.url)[1])
        route.continue_()


def test_a_cut_network_is_waited_for(portal, file):
    network = Network(portal, passing=2)
    portal.choose(file)
    transfer = portal.transfer(file.name)
    expect(transfer).to_contain_text("Waiting for the network")
    network.passing = BLOCKS
    portal.page.evaluate("dispatchEvent(new Event('online'))")
    expect(transfer.get_by_role("alert")).to_contain_text("not a video or audio file", timeout=PATIENCE_MS)
    assert len(network.passed) == len(set(network.passed)) == BLOCKS, "each block once"
    assert portal.page.evaluate("localStorage.length") == 0


def test_a_reloaded_page_sends_the_missing_blocks_only(portal, client, file):
    network = Network(portal, passing=3)
    portal.choose(file)
    confirmed = "Object.values(localStorage).map((text) => JSON.parse(text).blocks.split('1').length - 1)[0]"
    until(lambda: portal.page.evaluate(confirmed) == 3, "three blocks")
    first = list(network.passed)

    portal.page.reload()
    transfer = portal.transfer(file.name)
    expect(transfer).to_contain_text("Broken off at 50 %")
    network.passing = BLOCKS
    portal.choose(file)
    expect(transfer.get_by_role("alert")).to_contain_text("not a video or audio file", timeout=PATIENCE_MS)
    assert len(network.passed) == len(set(network.passed)) == BLOCKS, "each block once, before or after"
    assert network.passed[:3] == first
    assert max(video.size for video in client.videos(name_prefix=file.name)) == file.stat().st_size


def test_an_upload_that_is_cancelled_is_deleted(portal, client, file):
    Network(portal, passing=1)
    portal.choose(file)
    transfer = portal.transfer(file.name)
    expect(transfer).to_contain_text("Waiting for the network")
    video = portal.page.evaluate("Object.values(localStorage).map((text) => JSON.parse(text).id)[0]")
    transfer.get_by_role("button", name="Cancel").click()
    portal.page.get_by_role("alertdialog").get_by_role("button", name="Cancel upload").click()
    expect(transfer).to_have_count(0)
    until(lambda: not [v for v in client.videos() if v.id == video], "the deletion")
    assert portal.page.evaluate("localStorage.length") == 0


def test_two_gibibytes_fit_into_little_memory(portal, tmp_path):
    """A sparse file; storage is played by the test, which answers at once and reads nothing."""
    path = tmp_path / "large.mp4"
    with path.open("wb") as sparse:
        sparse.truncate(LARGE)
    sent = set()

    def answer(route: Route) -> None:
        sent.add(re.search("comp=(.*)", route.request.url)[1])
        route.fulfill(status=201, headers={"Access-Control-Allow-Origin": "*"})

    portal.page.route(re.compile(r"/uploads/.*comp="), answer)
    session = portal.page.context.new_cdp_session(portal.page)
    portal.choose(path)
    heap = []
    while not portal.transfer("large.mp4").get_by_role("alert").count():  # nothing was uploaded in truth
        heap.append(session.send("Runtime.getHeapUsage")["usedSize"])
        portal.page.wait_for_timeout(100)
    assert len(sent) == LARGE // BLOCK + 1, "all blocks and their list"
    assert max(heap) < MOST_HEAP
