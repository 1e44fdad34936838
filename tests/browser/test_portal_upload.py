"""Uploads from the portal bear cut networks and reloads; how large files do, bench/uploads.py tells."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Response, expect

from tests.browser.portal import PATIENCE_MS, Portal, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rerun_because("Chromium beside another stack on two busy cores can miss a deadline of the test."),
]

BLOCK = 8 * 1024 * 1024
BLOCKS = 6


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
    """Counts the blocks that storage confirmed, and can be cut off."""

    def __init__(self, portal: Portal) -> None:
        self.confirmed: list[str] = []
        self._context = portal.page.context
        portal.page.on("response", self._on_response)

    def _on_response(self, response: Response) -> None:
        block = re.search("comp=block&blockid=([^&]+)", response.url)
        if block and response.request.method == "PUT" and response.status == 201:
            self.confirmed.append(block[1])

    def cut(self) -> None:
        self._context.set_offline(True)

    def restore(self) -> None:
        self._context.set_offline(False)


def cut_after_a_block(portal: Portal, file: Path) -> Network:
    """The upload is begun, and waits for the network when some of its blocks are confirmed."""
    network = Network(portal)
    portal.choose(file)
    transfer = portal.transfer(file.name)
    while not network.confirmed:
        portal.page.wait_for_timeout(5)
    network.cut()
    expect(transfer).to_contain_text("Waiting for the network")
    assert 0 < len(network.confirmed) < BLOCKS
    return network


def test_a_cut_network_is_waited_for(portal, file):
    network = cut_after_a_block(portal, file)
    network.restore()
    reason = portal.transfer(file.name).get_by_role("alert")
    expect(reason).to_contain_text("not a video or audio file", timeout=PATIENCE_MS)
    assert len(network.confirmed) == len(set(network.confirmed)) == BLOCKS, "each block once"
    assert portal.page.evaluate("localStorage.length") == 0


def test_a_reloaded_page_sends_the_missing_blocks_only(portal, client, file):
    network = cut_after_a_block(portal, file)
    network.restore()
    portal.page.reload()
    transfer = portal.transfer(file.name)
    expect(transfer).to_contain_text(re.compile(r"Interrupted at [1-9]\d %"))
    portal.choose(file)
    reason = transfer.get_by_role("alert")
    expect(reason).to_contain_text("not a video or audio file", timeout=PATIENCE_MS)
    assert len(network.confirmed) == len(set(network.confirmed)) == BLOCKS, "each block once, before or after"
    assert max(video.size for video in client.videos(name_prefix=file.name)) == file.stat().st_size


def test_an_upload_that_is_cancelled_is_deleted(portal, client, file):
    network = cut_after_a_block(portal, file)
    network.restore()
    transfer = portal.transfer(file.name)
    video = portal.page.evaluate("Object.values(localStorage).map((text) => JSON.parse(text).id)[0]")
    transfer.get_by_role("button", name="Cancel").click()
    portal.page.get_by_role("alertdialog").get_by_role("button", name="Cancel upload").click()
    expect(transfer).to_have_count(0)
    until(lambda: not [v for v in client.videos() if v.id == video], "the deletion")
    assert portal.page.evaluate("localStorage.length") == 0
