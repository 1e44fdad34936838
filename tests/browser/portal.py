"""The portal in a browser, as its tests see it."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import NODE_MODULES
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import PAL, Video, numbered

PATIENCE_MS = 90_000
"""For what the encoders do; only a failing test ever takes it."""
SOURCE = Video(fps=PAL, frames=150, size=(432, 432), gop=40)
"""Six seconds, two renditions, two segments."""
expect.set_options(timeout=30_000)
_AXE = NODE_MODULES / "axe-core" / "axe.min.js"
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
_NOTE_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});"""


def source() -> Path:
    return cached("protected-browser.mp4", partial(numbered, video=SOURCE, audio=Audio()), SOURCE)


def until(condition: Callable[[], object], what: str = "it", seconds: float = 30) -> None:
    """Polls from here: the page's Content-Security-Policy forbids what Playwright's own waiting does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in time"
        time.sleep(0.05)


class Portal:
    def __init__(self, page: Page, api: str) -> None:
        self.page = page
        self.address = f"{api}/portal"
        self.problems: list[str] = []
        """Errors of the page's scripts, and whatever its Content-Security-Policy had to stop."""
        page.add_init_script(_NOTE_VIOLATIONS)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda m: self.problems.append(m.text) if m.text.startswith("CSP ") else None)

    def open(self, video_id: str = "") -> None:
        self.page.goto(f"{self.address}#{video_id}" if video_id else self.address)
        if video_id:
            self.picture.wait_for()

    def choose(self, *files: Path | dict[str, Any]) -> None:
        self.page.locator("#files").set_input_files(list(files))

    def card(self, text: str) -> Locator:
        """In the library."""
        return self.page.locator(".card", has_text=text)

    def transfer(self, text: str) -> Locator:
        return self.page.locator(".transfer", has_text=text)

    # The player

    @property
    def picture(self) -> Locator:
        return self.page.locator(".stage video")

    def state(self) -> dict[str, Any]:
        return self.picture.evaluate(
            "({ currentTime, videoHeight, paused, readyState }) => ({ currentTime, videoHeight, paused, readyState })"
        )

    def pixels(self) -> list[int]:
        """Of the picture that is shown, 16 × 16; where the browser keeps them secret (another origin's, played by
        itself), how many pictures were shown.
        """
        return self.picture.evaluate(
            """video => {
              const context = new OffscreenCanvas(16, 16).getContext("2d");
              context.drawImage(video, 0, 0, 16, 16);
              try {
                return [...context.getImageData(0, 0, 16, 16).data];
              } catch {
                return [video.getVideoPlaybackQuality().totalVideoFrames];
              }
            }"""
        )

    def expect_moving(self) -> None:
        """Time passes and the picture changes."""
        begin = self.state()["currentTime"]
        until(lambda: self.state()["currentTime"] > begin + 0.2, f"playing ({self.error()})")
        before = self.pixels()
        until(lambda: self.pixels() != before, "another picture")

    def error(self) -> str:
        return self.page.locator(".stage-error").inner_text()

    # Accessibility

    def violations(self) -> list[str]:
        """What axe-core finds against WCAG 2.1 AA in the present state."""
        self.page.evaluate(_AXE.read_text("utf-8") + ";0")
        options = {"runOnly": {"type": "tag", "values": _WCAG}, "resultTypes": ["violations"]}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{rule['id']}: {node['html'][:120]} {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]
