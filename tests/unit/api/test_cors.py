"""Which pages may call the API, and with what."""

import pytest

from connector.api.http import Request
from connector.api.routes import ROUTES, respond
from tests.support.apps import memory_app

ROUTE = {route.name: route for route in ROUTES}
PAGE, OTHER = "https://page.example", "https://other.example"
STRANGERS = ("https://third.example", f"{PAGE}.evil.example", "null", PAGE.upper())


def ask(name, method, origins, **headers):
    app = memory_app(cors_origins=origins)
    request = Request(method, "https://host/api/x", headers, {}, {"id": "x", "name": "x"}, b"", "the-id")
    return respond(lambda: app, ROUTE[name], request)


def preflight(name, origins, origin=PAGE):
    return ask(name, "OPTIONS", origins, origin=origin, **{"access-control-request-method": "GET"})


@pytest.mark.parametrize("name", [route.name for route in ROUTES if route.operations])
@pytest.mark.parametrize("origins", ["*", PAGE, f"{OTHER},{PAGE}"])
def test_a_preflight_tells_methods_and_headers(name, origins):
    answer = preflight(name, origins)
    assert (answer.status, answer.body) == (204, None)
    assert answer.headers["Access-Control-Allow-Origin"] == ("*" if origins == "*" else PAGE)
    allowed = set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    assert allowed == set(ROUTE[name].allowed)
    # The wildcard does not stand for Authorization (Fetch Standard, "CORS-preflight fetch").
    assert answer.headers["Access-Control-Allow-Headers"].split(", ") == ["*", "Authorization"]
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("origins", ["*", PAGE, f"{OTHER},{PAGE}"])
@pytest.mark.parametrize("name", ["Key", "Playback", "AuthorizationToken", "PlaybackEndpoint", "ZNoSuchResource"])
def test_every_answer_can_be_read_by_the_page_errors_too(name, origins):
    answer = ask(name, "GET", origins, origin=PAGE)
    assert answer.status >= 400
    assert answer.headers["Access-Control-Allow-Origin"] == ("*" if origins == "*" else PAGE)
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"x-ms-request-id", "WWW-Authenticate", "Location", "ETag"} <= set(exposed)


@pytest.mark.parametrize("origin", [PAGE, "null", "https://host"])
def test_without_a_configured_origin_no_page_is_let_in(origin):
    for answer in (preflight("Key", "", origin), ask("Key", "GET", "", origin=origin)):
        said = {name for name in answer.headers if name.startswith("Access-Control-")}
        # The host may let the app's own address in, and keeps this header then.
        assert said == {"Access-Control-Expose-Headers"}
        assert "Vary" not in answer.headers
    assert preflight("Key", "", origin).status == 204


@pytest.mark.parametrize("origin", STRANGERS)
@pytest.mark.parametrize("origins", [PAGE, f"{OTHER},{PAGE}"])
def test_no_other_origin_is_named(origin, origins):
    for answer in (preflight("Key", origins, origin), ask("Key", "GET", origins, origin=origin)):
        assert answer.headers.get("Access-Control-Allow-Origin") in {None, PAGE}
        assert answer.headers.get("Access-Control-Allow-Origin") != origin


def test_an_origin_that_does_not_depend_on_the_request_is_in_every_answer_so_that_caches_may_keep_it():
    for origins, told in (("*", "*"), (PAGE, PAGE)):
        answer = ask("Formats", "GET", origins)
        assert answer.headers["Access-Control-Allow-Origin"] == told
        assert "Vary" not in answer.headers


def test_of_several_origins_vary_is_said_once_by_the_app_or_by_the_host():
    """The host adds the header to each answer in which it names an origin."""
    origins = f"{OTHER},{PAGE}"
    plain = ask("Formats", "GET", origins)
    assert "Access-Control-Allow-Origin" not in plain.headers
    assert plain.headers["Vary"] == "Origin"
    for origin in (PAGE, OTHER):
        named = ask("Formats", "GET", origins, origin=origin)
        assert named.headers["Access-Control-Allow-Origin"] == origin
        assert "Vary" not in named.headers


def test_credentials_are_never_allowed():
    for answer in (preflight("Key", "*"), ask("Key", "GET", "*", origin=PAGE), preflight("Key", PAGE)):
        assert "Access-Control-Allow-Credentials" not in answer.headers
