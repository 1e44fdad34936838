"""`python -m scripts.screenshots`: pictures of the portal, of every state, wide and narrow, dark and light.

They go to `.data/screenshots`, to be looked at; one of them becomes `docs/portal.png`, which the README shows. Needs
what the browser tests need.
"""

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import imageio_ffmpeg
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from client import Client
from local.stack import Stack
from tests.support.chromium import ARGUMENTS, chromium

PROJECT = Path(__file__).parent.parent
FOLDER = PROJECT / ".data" / "screenshots"
CHOSEN = PROJECT / "docs" / "portal.png"
WIDTHS = {"desktop": 1280, "phone": 360}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SAMPLES = {
    "harbour.mp4": ("gradients=s=1280x720:r=25:d=12:speed=0.02:n=5:seed=7:type=spiral", "Harbour at dusk", ("travel",)),
    "coastline.mov": ("mandelbrot=s=640x360:r=25:start_scale=0.9:end_scale=0.02:end_pts=125,trim=duration=5",
                      "The longest coastline", ("maths", "travel")),
    "signals.mkv": ("testsrc2=s=640x360:r=25:d=4", "Signals", ("lab",)),
    "dunes.mp4": ("gradients=s=640x360:r=25:d=4:c0=0xe9b872:c1=0x90323d:c2=0x5e3023:speed=0.03:seed=3", "Dunes", ()),
    "interview-cut-3.mp4": ("smptehdbars=s=640x360:r=25:d=5", "", ()),
}  # fmt: skip
PROTECTED = "dunes.mp4"
BROKEN = "holiday <1>.avi"


def sample(folder: Path, name: str) -> Path:
    """The file of that name, made from FFmpeg's own generators."""
    path = folder / name
    if not path.is_file():
        picture, _, _ = SAMPLES[name]
        sound = "anoisesrc=d=5:a=0.05:c=brown"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi"]
        command += ["-i", sound, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
        subprocess.run([*command, str(path)], check=True)
    return path


def publish(client: Client, folder: Path) -> dict[str, str]:
    """Ids by name, of a broken file and all samples, published and described."""
    ids = {}
    broken = folder / BROKEN
    broken.write_bytes(b"this is no video " * 4096)
    for path in (broken, *(sample(folder, name) for name in reversed(SAMPLES))):
        _, title, tags = SAMPLES.get(path.name, ("", "", ()))
        about = {"title": title, "tags": tags, "description": "Made for a picture." if title else ""}
        video = client.create(path.name, protect=path.name == PROTECTED, **about)  # type: ignore[arg-type] # a dict of both
        client.upload(video, path)
        client.mark_complete(video.id)
        list(client.watch(video.id, every=0.3))
        ids[path.name] = video.id
    return ids


class Camera:
    """Takes every state in every look. Names tell state, width and scheme."""

    def __init__(self, browser: Browser, api: str, ids: dict[str, str]) -> None:
        self._browser, self._address, self._ids = browser, f"{api}/portal", ids

    def take_all(self) -> None:
        looks = list(itertools.product(WIDTHS.items(), SCHEMES))
        # Look by look inside: the last state publishes more.
        for (state, show), ((width, pixels), scheme) in itertools.product(self._states().items(), looks):
            size: ViewportSize = {"width": pixels, "height": 800}
            context = self._browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
            page = context.new_page()
            show(page)
            whole = state not in {"delete", "sign-in"}
            page.screenshot(path=FOLDER / f"{state}-{width}-{scheme}.png", full_page=whole)
            context.close()

    def take_chosen(self) -> None:
        """The library beside the player would be too much for one picture: the player it is."""
        context = self._browser.new_context(viewport={"width": 1080, "height": 900}, color_scheme="light")
        page = context.new_page()
        self._player(page)
        CHOSEN.parent.mkdir(exist_ok=True)
        page.screenshot(path=CHOSEN)
        context.close()

    def _states(self) -> dict[str, Callable[[Page], None]]:
        return {
            "library": self._library,
            "player": self._player,
            "protected": lambda page: self._video(page, PROTECTED),
            "failed": self._failed,
            "delete": self._delete,
            "sign-in": self._sign_in,
            "upload": self._upload,
        }

    def _library(self, page: Page) -> None:
        page.goto(self._address)
        page.locator(".card").nth(len(SAMPLES)).wait_for()
        for card in page.locator(".card").all():
            card.scroll_into_view_if_needed()
        expect(page.locator(".card img").nth(len(SAMPLES) - 1)).to_be_attached()
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(500)

    def _video(self, page: Page, name: str) -> None:
        page.goto(f"{self._address}#{self._ids[name]}")
        picture = page.locator(".stage video")
        picture.wait_for()
        while picture.evaluate("video => video.readyState") < 2:
            page.wait_for_timeout(50)
        for still in page.locator(".stills img").all():
            still.scroll_into_view_if_needed()
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(1000)

    def _player(self, page: Page) -> None:
        self._video(page, next(iter(SAMPLES)))
        seek = page.locator(".seek")
        width = (seek.bounding_box() or {"width": 0})["width"]
        seek.click(position={"x": 0.4 * width, "y": 8})
        page.wait_for_timeout(500)
        seek.hover(position={"x": 0.7 * width, "y": 8})
        page.wait_for_timeout(500)

    def _failed(self, page: Page) -> None:
        page.goto(f"{self._address}#{self._ids[BROKEN]}")
        page.locator("#video .reason").wait_for()

    def _upload(self, page: Page) -> None:
        """One that is being encoded, one that was refused."""
        self._library(page)
        page.locator("#files").set_input_files({"name": "letter.txt", "mimeType": "text/plain", "buffer": b"x"})
        page.locator("#files").set_input_files(FOLDER / "signals.mkv")
        page.locator(".cells li").first.wait_for(timeout=60_000)

    def _delete(self, page: Page) -> None:
        self._video(page, next(iter(SAMPLES)))
        page.locator(".danger").first.click()

    def _sign_in(self, page: Page) -> None:
        page.route("**/api/Videos?*", lambda route: route.fulfill(status=401))
        page.goto(self._address)
        page.locator("#sign-in[open]").wait_for()


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as data, Stack(PROJECT, Path(data), env={"ENCODER_PRESET": "ultrafast"}) as stack:
        with Client(stack.api) as client:
            ids = publish(client, FOLDER)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            camera = Camera(browser, stack.api, ids)
            camera.take_chosen()
            camera.take_all()
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
