"""Which pages may call the API, and with what."""

import pytest

from connector.api.http import Request
from connector.api.routes import ROUTES, respond
from tests.integration.pipeline import memory_app

ROUTE = {route.name: route for route in ROUTES}
PAGE = "https://page.example"


def ask(name, method, origins="*", **headers):
    app = memory_app(cors_origins=origins)
    request = Request(method, "https://host/api/x", headers, {}, {"id": "x", "name": "x"}, b"", "the-id")
    return respond(lambda: app, ROUTE[name], request)


def preflight(name, method="GET", origins="*", origin=PAGE):
    return ask(name, "OPTIONS", origins, origin=origin, **{"access-control-request-method": method})


@pytest.mark.parametrize("name", [route.name for route in ROUTES if route.operations])
def test_a_preflight_tells_methods_and_headers(name):
    answer = preflight(name)
    assert (answer.status, answer.body) == (204, None)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    allowed = set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    assert allowed == set(ROUTE[name].allowed)
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("name", ["Key", "Playback", "AuthorizationToken", "PlaybackEndpoint"])
def test_every_answer_can_be_read_by_the_page_errors_too(name):
    answer = ask(name, "GET", origin=PAGE)
    assert answer.status >= 400
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"x-ms-request-id", "WWW-Authenticate", "Location", "ETag"} <= set(exposed)


def test_only_configured_origins_are_let_in():
    origins = (PAGE, "https://other.example")
    for answer in (preflight("Key", origins=origins), ask("Key", "GET", origins, origin=PAGE)):
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert answer.headers["Vary"] == "Origin"
    for origin in ("https://third.example", f"{PAGE}.evil.example", "null", PAGE.upper()):
        for answer in (preflight("Key", origins=origins, origin=origin), ask("Key", "GET", origins, origin=origin)):
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert answer.headers["Vary"] == "Origin"


def test_credentials_are_never_allowed():
    for answer in (preflight("Key"), ask("Key", "GET", origin=PAGE), preflight("Key", origins=(PAGE,))):
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_without_an_origin_nothing_is_said():
    assert "Access-Control-Allow-Origin" not in ask("Formats", "GET").headers


def test_options_without_a_preflight_is_no_method():
    assert ask("Key", "OPTIONS", origin=PAGE).status == 405
