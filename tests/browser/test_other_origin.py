"""A page of another origin uses the whole API: with Functions keys, with Entra, and not at all unless it was let in.

The Functions host answers the browser's questions (preflights), as on Flex Consumption; storage answers for its own.
"""

import base64
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from local.stack import Stack
from tests.browser.pages import NODE_MODULES, serve
from tests.browser.player import TIMEOUT_MS, Player
from tests.conftest import PROJECT
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import PAL, Video, numbered
from tests.support.authority import AUDIENCE, ISSUER, authority, token

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rerun_because(
        "Media plays in real time; on busy cores the software decoder falls behind and players stall."
    ),
]

SOURCE = Video(fps=PAL, frames=100, size=(320, 180), gop=25)
KEYS = {"FUNCTIONS_KEY": "the function's key", "FUNCTIONS_MASTER_KEY": "the master key"}

PUBLISH = """
async ([api, headers, file]) => {
  const call = async (method, path, body) => {
    const answer = await fetch(`${api}/${path}`, {
      method,
      headers: { ...headers, ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const json = async (...asked) => (await call(...asked)).json();
  const created = await call("POST", "Videos", { OriginalFileName: "a.mp4", ContentProtectionMode: "AES128" });
  const video = await created.json();
  const bytes = Uint8Array.from(atob(file), (c) => c.charCodeAt(0));
  const upload = await fetch(video.UploadUri, {
    method: "PUT", headers: { "x-ms-blob-type": "BlockBlob" }, body: bytes,
  });
  if (!upload.ok) throw new Error(`upload: ${upload.status}`);
  await call("POST", `Videos/${video.Id}/MarkComplete`);
  let status;
  do {
    await new Promise((wake) => setTimeout(wake, 200));
    status = await json("GET", `Videos/${video.Id}/Status`);
  } while (status.StatusCode === 1);
  const thumbnails = await json("GET", `Videos/${video.Id}/Thumbnails`);
  const poster = await fetch(thumbnails[0].Url);
  const { Token } = await json("GET", `Videos/${video.Id}/AuthorizationToken`);
  const urls = {};
  for (const kind of ["HLS", "DASH", "Streaming"]) {
    urls[kind] = (await json("GET", `Videos/${video.Id}/PlaybackEndpoint?endpointType=${kind}`)).PlaybackUrl;
  }
  return {
    location: created.headers.get("Location"), id: video.Id, status: status.Status, token: Token, urls,
    poster: [poster.status, poster.headers.get("Content-Type")],
  };
}
"""


@dataclass(frozen=True)
class Elsewhere:
    """The service, and an origin that is not its own."""

    api: str
    origin: str
    headers: dict[str, str]


@contextmanager
def elsewhere(
    folder: Path, env: dict[str, str], headers: dict[str, str], *, allowed: bool = True
) -> Iterator[Elsewhere]:
    with ExitStack() as running:
        origin = running.enter_context(serve())
        env = {**env, "CORS_ORIGINS": origin if allowed else "", "ENCODER_PRESET": "ultrafast"}
        stack = running.enter_context(Stack(PROJECT, folder, encoders=1, env=env, arguments=["--auth"]))
        yield Elsewhere(stack.api, origin, headers)


@pytest.fixture(scope="module", params=["keys", "entra"])
def service(request, tmp_path_factory) -> Iterator[Elsewhere]:
    if not NODE_MODULES.is_dir():
        pytest.skip("the players are not installed: run npm ci")
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "keys":
        with elsewhere(folder, KEYS, {"x-functions-key": KEYS["FUNCTIONS_KEY"]}) as found:
            yield found
        return
    with authority() as published:
        env = {
            "AUTH_MODE": "entra",
            "ENTRA_ISSUER": ISSUER,
            "ENTRA_AUDIENCE": AUDIENCE,
            "ENTRA_JWKS": published.url,
        }
        with elsewhere(folder, env, {"Authorization": f"Bearer {token(scp='Videos.Write')}"}) as found:
            yield found


def _page(browser: Browser, origin: str) -> Page:
    page = browser.new_context().new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"{origin}/player.html")
    return page


def test_a_page_that_was_let_in_creates_uploads_completes_and_plays_protected_content(browser, service):
    source = cached("elsewhere.mp4", partial(numbered, video=SOURCE, audio=Audio()), SOURCE)
    page = _page(browser, service.origin)
    given = base64.b64encode(source.read_bytes()).decode()
    video = page.evaluate(PUBLISH, [service.api, service.headers, given])
    assert video["status"] == "Completed"
    assert video["location"] == f"{service.api}/Videos/{video['id']}"  # exposed to the page
    assert video["poster"] == [200, "image/jpeg"]
    page.context.close()
    for name, kind in (("hls.js", "HLS"), ("shaka", "DASH"), ("dash.js", "Streaming")):
        with browser.new_context() as context:
            player = Player(context.new_page(), service.origin, SOURCE.fps, service.api)
            player.load(name, video["urls"][kind], video["token"])
            player.watch()
            player.play_until(1)
            player.expect_seen_in_order()
            assert player.errors == [], name


@pytest.fixture(scope="module")
def closed(tmp_path_factory) -> Iterator[Elsewhere]:
    """The service with no origin in its setting."""
    headers = {"x-functions-key": KEYS["FUNCTIONS_KEY"]}
    with elsewhere(tmp_path_factory.mktemp("closed"), KEYS, headers, allowed=False) as found:
        yield found


def test_a_page_that_was_not_let_in_is_refused_by_the_browser(browser, closed):
    page = _page(browser, closed.origin)
    said = []
    page.on("console", lambda message: said.append(message.text))
    with pytest.raises(Exception, match="Failed to fetch"):
        page.evaluate(PUBLISH, [closed.api, closed.headers, ""])
    assert any("has been blocked by CORS policy" in text for text in said)
    # Neither may it read what anybody may read without a key.
    with pytest.raises(Exception, match="Failed to fetch"):
        page.evaluate("api => fetch(`${api}/openapi.json`)", closed.api)
    # What tells this from a wrong key: the README names the setting beside the browser's words.
    before, _, behind = (PROJECT / "README.md").read_text("utf-8").partition("blocked by CORS policy")
    assert "CORS_ORIGINS" in before[-500:] + behind[:500]
    page.context.close()


def test_the_portal_needs_no_setting(browser, closed):
    """It comes from the app's own address, which storage always lets in."""
    source = cached("elsewhere.mp4", partial(numbered, video=SOURCE, audio=Audio()), SOURCE)
    page = browser.new_context().new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"{closed.api}/portal")
    given = base64.b64encode(source.read_bytes()).decode()
    video = page.evaluate(PUBLISH, [closed.api, closed.headers, given])
    assert (video["status"], video["poster"]) == ("Completed", [200, "image/jpeg"])
    page.context.close()
