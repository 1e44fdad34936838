"""No header of an answer has a character that the Functions host refuses: it answers 500 then, without a body."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.api.http import Request, header_value
from connector.api.routes import ROUTES, respond
from connector.domain.layout import UPLOADS
from connector.pipeline.create import create
from tests.support.apps import memory_app

ROUTE = {route.name: route for route in ROUTES}
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
"""Any character: control characters and lone surrogates too."""


def assert_refused(response):
    """Names of the headers that the host would refuse."""
    return [name for name, text in response.headers.items() if not (text.isascii() and text.isprintable())]


def test_what_is_not_printable_ascii_is_percent_encoded_and_nothing_else():
    assert header_value("https://host/api/Häuser?a=%20b&c=d e#f") == "https://host/api/H%C3%A4user?a=%20b&c=d e#f"
    assert header_value("a\r\nSet-Cookie: b\x00\x7f") == "a%0D%0ASet-Cookie: b%00%7F"


@given(TEXT)
def test_any_text_becomes_a_value_that_the_host_takes(text):
    value = header_value(text)
    assert value.isascii()
    assert not value or value.isprintable()
    assert header_value(value) == value


@settings(max_examples=15, deadline=None)
@given(TEXT)
def test_whatever_a_caller_sends_no_header_of_the_answer_is_refused(text):
    app = memory_app(cors_origins="https://page.example,https://other.example")
    path = {"id": text, "index": text, "name": text, "path": text}
    headers = {"content-type": "application/json", "authorization": f"Bearer {text}", "origin": text, "if-match": text}
    for route in ROUTES:
        for method in ("GET", "POST", "OPTIONS", "BREW"):
            request = Request(method, f"https://host/api/{text}/", headers, {}, path, b"{}", "the-id")
            assert assert_refused(respond(lambda: app, route, request)) == []


@settings(max_examples=30, deadline=None)
@given(name=TEXT, host=TEXT)
def test_whatever_a_video_is_called_it_can_be_created_and_its_files_found(name, host):
    app = memory_app()
    body = json.dumps({"OriginalFileName": f"a{name}.mp4", "Title": name, "Tags": [name or "x"]}).encode()
    url = f"https://{host}/api/Videos"
    made = respond(
        lambda: app, ROUTE["Videos"], Request("POST", url, {"content-type": "application/json"}, {}, {}, body, "the-id")
    )
    assert assert_refused(made) == []
    video = create(app, f"a{name}.mp4").video
    app.storage.blobs.put(UPLOADS, video.blob_name, b"x")
    for route, method in (("MarkComplete", "POST"), ("Source", "GET"), ("Video", "GET")):
        request = Request(method, url, {}, {}, {"id": str(video.id)}, b"", "the-id")
        response = respond(lambda: app, ROUTE[route], request)
        assert response.status < 400
        assert assert_refused(response) == []


def test_a_redirect_below_a_strange_address_is_not_lost():
    request = Request("GET", "https://host/api/Häuser/docs/", {}, {}, {}, b"", "the-id")
    answer = respond(memory_app, ROUTE["Docs"], request)
    assert (answer.status, answer.headers["Location"]) == (307, "../docs")
    request = Request("GET", "https://host/api/dócs/", {}, {}, {}, b"", "the-id")
    assert respond(memory_app, ROUTE["Docs"], request).headers["Location"] == "../d%C3%B3cs"
