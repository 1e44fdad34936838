"""A player in a browser page, and what is asked of it."""

from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, Request, Response

PAIRS = [
    ("hls.js", "HLS"),
    ("shaka", "HLS"),
    ("shaka", "DASH"),
    ("video.js", "HLS"),
    ("dash.js", "DASH"),
    ("dash.js", "Streaming"),
]
"""Players and the endpoint types they play of protected videos: everything but the one file."""
TIMEOUT_MS = 30_000
SILENCE_MS = 8_000
"""After which a player that says nothing is taken for one that waits for ever."""
DASH_JS_END_TIMER = 0.6  # seconds
"""For anything that is waited for; generous, since only a failing test ever takes it."""


class Player:
    """`load` first; times are seconds of the media."""

    def __init__(self, page: Page, origin: str, fps: Fraction, api: str = "") -> None:
        """`api` is where keys come from, if that is another host than that of the manifests."""
        self.page = page
        self.fps = fps
        self._address = f"{origin}/player.html?{urlencode({'api': api} if api else {})}"
        self._failures: list[str] = []
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: self._failures.append(f"page: {error}"))
        page.on("response", self._on_response)
        page.on("requestfailed", self._on_failed_request)

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._failures.append(f"{response.status} {response.url}")

    def _on_failed_request(self, request: Request) -> None:
        # players abort what they no longer need when seeking or switching
        if request.failure != "net::ERR_ABORTED":
            self._failures.append(f"{request.failure} {request.url}")

    def load(self, player: str, url: str, token: str | None = None, *, playing: bool = False) -> None:
        """Open `url` in hls.js, shaka, dash.js, video.js or native; returns when size and duration are known.

        `token` is for protected media, which only a player with our helper can play. `playing`: it is told to play
        before anything is loaded, as by a viewer who does not wait.
        """
        self.page.goto(self._address)
        try:
            self.page.evaluate(
                "([player, url, token, playing, limit]) => within(limit, harness.load(player, url, token, playing))",
                [player, url, token, playing, TIMEOUT_MS],
            )
        except Exception as error:
            error.add_note(f"errors: {self.errors}")
            raise

    def try_to_play(self, player: str, url: str, token: str | None = None) -> None:
        """Like `load` and `play`, but what is waited for is that something goes wrong. Raises AssertionError if not.

        Without a token nothing needs to go wrong: to dash.js, a segment that is not decrypted can look like the
        beginning of a large box, for the rest of which it waits.
        """
        self.page.goto(self._address)
        self.page.evaluate(
            "([player, url, token]) => { harness.load(player, url, token).catch(() => {}); harness.play(); }",
            [player, url, token],
        )
        for _ in range((TIMEOUT_MS if token else SILENCE_MS) // 20):
            if self.errors:
                return
            self.page.wait_for_timeout(20)
        assert token is None, f"nothing went wrong: {self.state}"

    @property
    def state(self) -> dict[str, Any]:
        """currentTime, duration, ended, paused, seeking, videoWidth, videoHeight, number (on the picture)."""
        return self.page.evaluate("harness.state()")

    @property
    def played(self) -> list[tuple[float, float]]:
        """(begin, end) of each part that was played without a break."""
        return [(begin, end) for begin, end in self.page.evaluate("harness.played()")]

    @property
    def renditions(self) -> list[dict[str, int]]:
        """width, height, bandwidth of each, lowest bandwidth first."""
        return self.page.evaluate("harness.player.renditions()")

    @property
    def errors(self) -> list[str]:
        """Everything that went wrong so far, fatal or not, in the player, the page or the network."""
        told = self.page.evaluate("harness.errors.map(({text, fatal}) => (fatal ? 'fatal ' : '') + text)")
        return [*told, *self._failures]

    def wait_for(self, condition: str, argument: object = None) -> None:
        """Until a JavaScript function body answers true. Raises TimeoutError, which names what went wrong before."""
        try:
            self.page.wait_for_function(condition, arg=argument, polling=20)
        except Exception as error:
            error.add_note(f"state: {self.state}, errors: {self.errors}")
            raise

    def play(self, *, rate: float = 1) -> None:
        self.page.evaluate("rate => { harness.video.playbackRate = rate; harness.play(); }", rate)

    def pause(self) -> None:
        self.page.evaluate("harness.video.pause()")

    def watch(self) -> None:
        """Note every picture that is presented from now on."""
        self.page.evaluate("harness.watch()")

    @property
    def seen(self) -> list[tuple[float, int | None]]:
        """(its time, number) of each picture presented since `watch`."""
        return [(f["time"], f["number"]) for f in self.page.evaluate("harness.frames")]

    def play_until(self, time: float, *, rate: float = 1) -> None:
        """Play, and pause when `time` is reached."""
        self.play(rate=rate)
        self.wait_for("time => harness.video.currentTime >= time", time)
        self.pause()

    def play_to_end(self, *, rate: float = 1) -> None:
        self.play(rate=rate)
        self.wait_for_end(rate=rate)

    def wait_for_end(self, *, rate: float = 1) -> None:
        """Of what plays, or has ended already."""
        self.wait_for(
            "early => { const { ended, paused, duration, currentTime } = harness.video;"
            " return ended || (paused && duration - currentTime < early); }",
            DASH_JS_END_TIMER,
        )
        # dash.js ends a period by a timer of its own; on a slow machine it fires, and pauses, before the media ends.
        if not self.state["ended"]:
            self.play(rate=rate)
        self.wait_for("() => harness.video.ended")

    def seek(self, time: float) -> None:
        """Returns when the picture at `time` is shown."""
        self.page.evaluate("time => { harness.video.currentTime = time; }", time)
        self.wait_for("() => !harness.video.seeking && harness.video.readyState >= 2")

    def switch(self, index: int) -> None:
        """Force rendition `index` of `renditions`; returns when its picture is shown."""
        wanted = self.renditions[index]
        self.page.evaluate("index => harness.player.switchTo(index)", index)
        self.wait_for(
            "({width, height}) => harness.video.videoWidth === width && harness.video.videoHeight === height", wanted
        )

    def expect_frame_at(self, time: float, *, within: int = 1) -> None:
        """Seek to `time`; the number on the picture must be that of the frame there, give or take `within`."""
        self.seek(time)
        wanted = floor(time * self.fps)
        self.wait_for(
            "([wanted, within]) => { const n = harness.frameNumber();"
            " return n !== null && Math.abs(n - wanted) <= within; }",
            [wanted, within],
        )

    def expect_seen_in_order(self, *, within: int = 1) -> None:
        """Each picture seen since `watch` carried the number that belongs to its own time, and the numbers rose."""
        seen = self.seen
        wrong = [(t, n) for t, n in seen if n is None or abs(n - round(t * self.fps)) > within]
        assert not wrong, f"{len(wrong)} of {len(seen)} pictures are not those of their time: {wrong[:5]}"
        numbers = [n for _, n in seen if n is not None]
        back = [(a, b) for a, b in pairwise(seen) if b[1] < a[1]]
        assert not back, f"pictures came again: {back[:5]}"
        assert len(set(numbers)) > 1, f"the picture stood still: {seen}"

    def assert_no_errors(self) -> None:
        assert self.errors == []
