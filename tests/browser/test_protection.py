"""Protected media play where the key is handed out, in every player, and nowhere else."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.player import PAIRS, Player
from tests.browser.protected import FPS, FRAMES, Site, serve

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rerun_because(
        "Media plays in real time; on busy cores the software decoder falls behind and players stall."
    ),
]

KEY = "Keys/0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


@pytest.fixture
def player(browser: Browser, pages: str) -> Iterator[Player]:
    with browser.new_context() as context:
        yield Player(context.new_page(), pages, FPS)


@pytest.mark.parametrize(
    ("name", "endpoint", "signed"),
    [*((*e, False) for e in PAIRS), *((*e, True) for e in PAIRS if e[0] != "video.js")],
)
def test_plays_seeks_and_ends_with_a_token(player, site, name, endpoint, signed):
    player.load(name, site.url(endpoint, signed=signed), site.token)
    player.watch()
    player.play_until(0.3)
    player.expect_seen_in_order()
    if name != "video.js":  # which does not promise the exact frame
        player.expect_frame_at(1.5)
    player.seek(float(FRAMES / FPS) - 0.6)
    player.watch()
    player.play_to_end()
    player.expect_seen_in_order()
    assert player.state["currentTime"] == pytest.approx(float(FRAMES / FPS), abs=0.1)
    assert player.state["number"] >= FRAMES - 2
    player.assert_no_errors()
    assert site.keys_handed_out >= 1
    assert site.keys_refused == 0
    assert site.strays == []


@pytest.mark.parametrize("token", [None, "another"])
@pytest.mark.parametrize(("name", "endpoint"), PAIRS)
def test_nothing_plays_without_the_right_token(player, site, name, endpoint, token):
    player.try_to_play(name, site.url(endpoint), token)
    assert player.state["currentTime"] == 0
    assert player.state["number"] is None
    assert site.keys_handed_out == 0
    assert site.keys_refused >= 1 or (name, token) == ("dash.js", None), "only dash.js never asks by itself"
    assert site.strays == []


def test_a_token_goes_to_key_addresses_only(player, pages):
    api = "https://api.example/api"
    cases = [
        (f"{pages}/{KEY}", None, True),
        (f"{api}/{KEY}", None, False),
        (f"https://evil.example/api/{KEY}", None, False),
        (f"{api}/{KEY}", [pages, api], True),
        (f"https://evil.example/api/{KEY}", [pages, api], False),
        (f"{api}/{KEY}?a=b", api, True),
        (f"https://api.example/API/{KEY.lower()}", api, True),
        (f"https://other.example/api/{KEY}", api, False),
        (f"https://api.example.org/api/{KEY}", api, False),
        (f"http://api.example/api/{KEY}", api, False),
        (f"{pages}/{KEY}/more", None, False),
        (f"{pages}/video/0.m4s?{KEY}", None, False),
    ]
    player.page.goto(f"{pages}/player.html")
    headers = player.page.evaluate(
        """async (cases) => {
          const { shakaFilter, videoJsHook, hlsJsSetup } = await import("/portal/protection.js");
          return cases.map(([address, api]) => {
            const options = api ? { api } : {};
            const request = { uris: [address], headers: {} };
            shakaFilter("secret", options)(2, request);
            const hooked = videoJsHook(() => "secret", options)({ uri: address, headers: {} });
            const headers = {};
            const xhr = { readyState: 1, setRequestHeader: (name, value) => { headers[name] = value; } };
            hlsJsSetup("secret", options)(xhr, address);
            return [request.headers, hooked.headers, headers];
          });
        }""",
        cases,
    )
    for (address, _, sent), got in zip(cases, headers, strict=True):
        assert got == [{"Authorization": "Bearer secret"} if sent else {}] * 3, address
