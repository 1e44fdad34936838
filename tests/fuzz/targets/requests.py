"""Requests to the API, written as in HTTP/1.1: `POST Videos?top=1`, headers, an empty line, the body."""

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

from connector.api.http import Request
from connector.api.resource import Route
from connector.api.routes import ROUTES, respond
from tests.fuzz.target import Target
from tests.fuzz.world import world


def _pattern(route: Route) -> re.Pattern[str]:
    template = re.sub(r"\{\*(\w+)\}", r"(?P<\1>.*)", route.template)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), re.IGNORECASE | re.DOTALL)


_ROUTES = sorted(((_pattern(route), route) for route in ROUTES), key=lambda found: found[1].name)
"""Hosts match functions in the order of their names."""


def _request(data: bytes) -> tuple[Route, Request]:
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    method, _, address = first.partition(" ")
    path, _, query = address.partition("?")
    route, found = next((route, match) for pattern, route in _ROUTES if (match := pattern.fullmatch(path)))
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return route, Request(
        method=method.upper(),
        url=f"https://host/api/{address}",
        headers=headers,
        query={name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True)},
        path={name: unquote(value) for name, value in found.groupdict().items() if value},
        body=body,
        id="the-id",
    )


def _run(data: bytes) -> None:
    here = world()
    route, request = _request(here.filled(data))
    try:
        response = respond(lambda: here.app, route, request)
    finally:
        if request.method not in {"GET", "HEAD"}:
            here.restore()
    assert response.status != 500, response.body
    assert all(value.isascii() and value.isprintable() for value in response.headers.values())
    if response.content and response.headers["Content-Type"].startswith("application/json"):
        json.loads(response.content, parse_constant=_no_json)


def _no_json(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


_BODY = (
    b'{"OriginalFileName":"a.mp4","ContentProtectionMode":"AES128","InputStorageEncryptionMode":"AES256","Size":1,'
    b'"Title":"t","Description":"d","Tags":["a"],"Metadata":{"b":"c"}}'
)
_JSON = b"Content-Type: application/json\n\n"


def _seeds() -> Iterator[bytes]:
    yield b"POST Videos\nAccept: text/html, application/*;q=0.5\n" + _JSON + _BODY
    yield b'PUT Videos/{ready}\nIf-Match: W/"a", "b"\n' + _JSON + b'{"Title":"t","Tags":["a","b"],"Metadata":null}'
    yield b"GET Videos?top=2&status=Completed&tag=a&namePrefix=h&continuationToken=" + b"0" * 32
    yield b'GET Videos/{ready}\nIf-None-Match: "a", W/"b"\nAccept: */*'
    yield b"DELETE Videos/{ready}\nIf-Match: *\nOrigin: https://page.example"
    yield b"POST Videos/{waiting}/MarkComplete"
    yield b"GET Videos/{encoding}/Status"
    yield b"GET Videos/{encoding}/PlaybackEndpoint?endpointType=DASH&early=true"
    yield b"GET Videos/{protected}/PlaybackEndpoint?endpointType=HLS&token={token}"
    yield b"GET Videos/{protected}/AuthorizationToken?keyId={key}&notBefore=1900000000"
    yield b"GET Videos/{ready}/Source?redirect=false"
    yield b"GET Videos/{ready}/Thumbnails"
    yield b"GET Videos/{ready}/Thumbnails/at?time=1.25&height=360&format=webp"
    yield b"GET Videos/{ready}/Thumbnails/storyboard.vtt?redirect=false"
    yield b"GET Formats\nAccept: application/json"
    yield b"GET Keys/{key}\nAuthorization: Bearer={token}"
    yield b"GET Keys/{key}?token={token}"
    yield b"GET Playback/{protected}/master.m3u8?token={token}"
    yield b"GET Playback/{protected}/video/400000/media.m3u8?token={token}"
    yield b"GET Playback/{protected}/smooth.ism/Manifest?token={token}"
    yield b"GET portal/embed/{ready}"
    yield b"GET docs"
    yield b"HEAD openapi.json"
    yield b"GET health"
    yield b"OPTIONS Videos\nAccess-Control-Request-Method: PUT"
    yield b"BREW nothing/here"


TARGET = Target(
    _run,
    _seeds,
    (),
    (
        *(b"{waiting}", b"{ready}", b"{protected}", b"{encoding}", b"{key}", b"{token}", b"If-Match: ", b"\\ud800"),
        *(b"If-None-Match: ", b"Content-Type: application/json", b"Content-Encoding: ", b"Accept: ", b"Origin: "),
        *(b"Authorization: Bearer ", b"token=", b"GET ", b"PUT ", b"POST ", b"DELETE ", b"HEAD ", b"Playback/"),
    ),
    json=True,
)
