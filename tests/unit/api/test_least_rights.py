"""Whoever may only read gets no address that writes, whatever they ask for."""

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from azure.storage.blob import BlobServiceClient

from connector.api.app import App
from connector.api.http import Request, Response
from connector.api.resource import PUBLIC, READ
from connector.api.routes import ROUTES, respond
from connector.domain.video import Video
from connector.errors import MediaError
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.fail import fail
from connector.storage.sas import Signer
from tests.fakes.blobs import MemoryBlobs
from tests.fakes.storage import MemoryStorage
from tests.support.apps import KEYS, quick_app
from tests.support.authority import AUDIENCE, ISSUER, authority, token
from tests.support.world import drive, encoding, uploaded

ROUTE = {route.name: route for route in ROUTES}
QUERIES: dict[str, list[dict[str, str]]] = {
    "PlaybackEndpoint": [
        {"endpointtype": kind, "early": "true"} for kind in ("HLS", "DASH", "Streaming", "Progressive")
    ],
    "ThumbnailAt": [{"time": "0"}, {"time": "0", "redirect": "false"}],
    "Thumbnail": [{}, {"redirect": "false"}],
    "Source": [{}, {"redirect": "false"}],
}
PARTS = {"index": ("1", "poster", "storyboard"), "name": ("master.m3u8", "manifest.mpd", "index.html")}


class _Signed(MemoryBlobs):
    """Blobs in memory whose addresses are really signed."""

    def __init__(self) -> None:
        super().__init__()
        self._signer = Signer(BlobServiceClient("https://account.blob.core.windows.net", credential="a2V5"))

    def upload_uri(self, name, lifetime):
        return self._signer.signed("uploads", name, lifetime, write=True)

    def read_uri(self, container, name, lifetime, **more):
        return self._signer.signed(container, name, lifetime, read=True, **more)

    def container_query(self, container, lifetime):
        return self._signer.container_query(container, lifetime)


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    storage = MemoryStorage()
    storage.blobs = _Signed()
    with authority() as published:
        entra = {"entra_issuer": ISSUER, "entra_audience": AUDIENCE, "entra_jwks": published.url}
        yield quick_app(storage, auth_mode="entra", **entra, **KEYS)


@pytest.fixture(scope="module")
def videos(app) -> list[Video]:
    """One in each state, and a protected one."""
    waiting, failed, protected, ready = (uploaded(app, protected=n == 2) for n in range(4))
    fail(app, failed.id, MediaError("Code", "Reason."))
    for video in (protected, ready):
        drive(app, complete_upload(app, video.id))
    return [create(app, "a.mp4").video, waiting, failed, encoding(app)[0], protected, ready]


def ask(app: App, name: str, caller: str, path: dict[str, str], query: dict[str, str], **headers: str) -> Response:
    sent = {"authorization": f"Bearer {token(scp=caller)}", **headers}
    url = f"https://host/api/{ROUTE[name].template}"
    return respond(lambda: app, ROUTE[name], Request("GET", url, sent, query, path, b"", "the-id"))


def rights(answer: Response) -> set[str]:
    """The permissions (`sp`) of every signature in an answer, in its body or its headers."""
    body = answer.body.decode(errors="replace") if isinstance(answer.body, bytes) else json.dumps(answer.body)
    said = unquote(f"{body} {json.dumps(dict(answer.headers))}")
    return {letter for found in re.findall(r"[?&;]sp=(\w*)", said) for letter in found}


def readable() -> list[str]:
    return [r.name for r in ROUTES if "GET" in r.operations and r.operations["GET"].permission in {READ, PUBLIC}]


def everything(app: App, videos: list[Video], name: str, caller: str) -> set[str]:
    variable = next((part for part in PARTS if f"{{{part}}}" in ROUTE[name].template.replace("*", "")), None)
    found = set()
    for video in videos:
        for value in PARTS[variable] if variable else ("",):
            for query in QUERIES.get(name, [{}]):
                path = {"id": str(video.id)} | ({variable: value} if variable else {})
                answer = ask(app, name, caller, path, query)
                assert answer.status < 500, (name, path, query, answer.body)
                found |= rights(answer)
    return found


@pytest.mark.parametrize("name", readable())
def test_a_reader_gets_signatures_that_read_at_most(app, videos, name):
    assert everything(app, videos, name, "Videos.Read") <= {"r"}


def test_the_walk_finds_what_a_writer_gets(app, videos):
    found = {name: everything(app, videos, name, "Videos.Write") for name in readable()}
    assert found["Videos"] == found["Video"] == {"c", "w"}
    assert found["Source"] == found["Thumbnails"] == found["ThumbnailAt"] == {"r"}


def test_a_reader_and_a_writer_get_representations_of_their_own(app, videos):
    path = {"id": str(videos[0].id)}
    reader, writer = (ask(app, "Video", f"Videos.{right}", path, {}) for right in ("Read", "Write"))
    assert (reader.body["UploadUri"], reader.headers["Vary"], writer.headers["Vary"]) == (None, *["Authorization"] * 2)
    assert {**reader.body, "UploadUri": 0} == {**writer.body, "UploadUri": 0}
    known = {"if-none-match": reader.headers["ETag"]}
    again, other = (ask(app, "Video", f"Videos.{right}", path, {}, **known) for right in ("Read", "Write"))
    assert (again.status, again.headers["Vary"], other.status) == (304, "Authorization", 200)


def test_where_no_upload_is_expected_both_get_the_same(app, videos):
    path = {"id": str(videos[-1].id)}
    reader, writer = (ask(app, "Video", f"Videos.{right}", path, {}) for right in ("Read", "Write"))
    assert (reader.body, reader.headers["ETag"]) == (writer.body, writer.headers["ETag"])
