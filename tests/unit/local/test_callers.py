"""Who may call a stack that requires no keys."""

import pytest

from local.callers import is_loopback, refuse_host, refuse_page
from local.http_message import Request


class NoBody:
    def addresses(self):
        return "127.0.0.1", "127.0.0.1"

    async def body(self):
        return b""


def request(method="GET", **headers):
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method, "/", "1.1", named, NoBody())


def status(refusal):
    return refusal and refusal.status


@pytest.mark.parametrize("name", ["localhost", "LocalHost", "127.0.0.1", "127.255.0.3", "::1"])
def test_names_of_this_machine(name):
    assert is_loopback(name)


@pytest.mark.parametrize("name", ["", "0.0.0.0", "::", "192.0.2.1", "localhost.", "a.localhost", "::1.x"])  # noqa: S104 - compared, not bound
def test_names_of_others(name):
    assert not is_loopback(name)


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("localhost:7071", None),
        ("127.0.0.1:7071", None),
        ("[::1]:7071", None),
        ("tunnel.example", None),
        ("TUNNEL.example:443", None),
        ("evil.example", 421),
        ("evil.example:7071", 421),
        ("127.0.0.1@evil.example", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_machine_and_of_the_public_url_are_answered(host, refused):
    assert status(refuse_host(request(host=host), "https://tunnel.example/api")) == refused


def test_a_client_without_a_host_header_is_no_browser():
    assert refuse_host(request(), "") is None


def test_a_public_url_that_is_not_set_allows_no_empty_name():
    assert status(refuse_host(request(host=""), "")) == 421


@pytest.mark.parametrize(
    ("method", "headers", "refused"),
    [
        ("GET", {}, None),
        ("POST", {}, None),
        ("POST", {"content_length": "2", "content_type": "Application/JSON; charset=utf-8"}, None),
        ("POST", {"content_length": "2", "content_type": "text/plain"}, 415),
        ("POST", {"content_length": "2"}, 415),
        ("POST", {"content_length": "2", "content_type": "application/json", "origin": "http://localhost:7071"}, 403),
        ("POST", {"transfer_encoding": "chunked", "content_type": "text/plain"}, 415),
        ("GET", {"origin": "null"}, 403),
    ],
)
def test_pages_may_not_use_the_hosts_own_addresses(method, headers, refused):
    assert status(refuse_page(request(method, **headers))) == refused
