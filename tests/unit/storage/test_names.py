"""Whatever a container or blob is called, no request leaves the container that was meant.

The requests are those of the real SDK with a token, as an identity has one: nothing signs their address. They end in
front of the network, as the HTTP library would write them.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient
from hypothesis import example, given
from hypothesis import strategies as st
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from urllib3.util import parse_url

from connector.domain.ports import Blobs
from connector.errors import InvalidName, StorageError
from connector.storage.blobs import AzureBlobs
from connector.storage.names import checked, checked_container, checked_prefix
from connector.storage.transport import Transport

ROOTS = ("", "/account")
"""Paths of an account: Azure has it in the host's name, Azurite in the path."""


class Wire(BaseAdapter):
    """Takes requests in place of the network. Its answer is that nothing is there."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    def send(self, request: PreparedRequest, **_: Any) -> Response:  # type: ignore[override]
        assert request.url
        assert request.headers["Authorization"] == "Bearer token"
        self.paths.append(parse_url(request.url).request_uri)
        response = Response()
        response.status_code, response.request, response.url = 404, request, request.url
        response.headers["x-ms-error-code"] = "BlobNotFound"
        response.raw = BytesIO()
        return response

    def close(self) -> None:
        """Does nothing, because nothing is open."""


class Token:
    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("token", 1 << 40)


@pytest.fixture(scope="module", params=ROOTS, ids=["azure", "azurite"])
def account(request: pytest.FixtureRequest) -> Iterator[tuple[Wire, AzureBlobs, str]]:
    wire, transport = Wire(), Transport()
    transport.session.mount("https://", wire)
    with BlobServiceClient(
        f"https://host.example{request.param}", credential=Token(), transport=transport, retry_total=0
    ) as service:
        yield wire, AzureBlobs(service), request.param


VALUES: dict[str, Any] = {
    "data": b"x",
    "version": None,
    "block": "0001",
    "blocks": ["0001"],
    "public": False,
    "lifetime": timedelta(hours=1),
    "video_id": uuid4(),
}
CALLS = [name for name, method in vars(Blobs).items() if inspect.isfunction(method) and not name.startswith("_")]


def _arguments(call: str, container: str, name: str) -> dict[str, Any]:
    values = VALUES | {"container": container, "name": name, "prefix": container}
    values |= {"version": 1} if call == "put_early" else {}
    return {name: values[name] for name in inspect.signature(getattr(Blobs, call)).parameters if name in values}


def _made(call: Callable[[], Any]) -> Any:
    made = call()
    return next(made, None) if inspect.isgenerator(made) else made


DOTTED = [
    ".",
    "..",
    "",
    "a",
    "../uploads/b",
    "..\\b",
    "%2e%2e",
    "%2E%2E/",
    "/",
    "//host",
    "\x00",
    "\n",
    "?",
    "#",
    "\ud800",
]
names = st.lists(st.sampled_from(DOTTED) | st.text(max_size=5), min_size=1, max_size=6).map("/".join) | st.text()


@pytest.mark.parametrize("call", CALLS)
@given(container=st.sampled_from(["video-1", "uploads"]) | names, name=names)
@example(container="video-1", name="../video-2/master.m3u8")
@example(container="work-1", name="../uploads/a/a.mp4")
@example(container="video-1", name="video/1/../../../video-2/x.html")
@example(container="video-1/..", name="uploads/a")
@example(container="..", name="uploads/a")
@example(container="video-1", name="video/1/0.m4s")
def test_no_request_leaves_its_container(account, call, container, name):
    wire, blobs, root = account
    wire.paths.clear()
    with suppress(StorageError):
        _made(lambda: getattr(blobs, call)(**_arguments(call, container, name)))
    asked = "uploads" if "container" not in inspect.signature(getattr(Blobs, call)).parameters else container
    for path in wire.paths:
        if call == "container_names":
            assert path.startswith((f"{root}/?", f"{root}?"))
        elif "restype=userdelegationkey" in urlsplit(path).query or "comp=userdelegationkey" in path:
            continue
        else:
            blob = f"/{quote(name, safe='~/')}" if "name" in inspect.signature(getattr(Blobs, call)).parameters else ""
            assert urlsplit(path).path == f"{root}/{asked}{blob}"


@pytest.mark.parametrize("call", [c for c in CALLS if not c.endswith(("_uri", "_query"))])
def test_each_call_for_good_names_asks_storage(account, call):
    wire, blobs, _ = account
    wire.paths.clear()
    with suppress(StorageError):
        _made(lambda: getattr(blobs, call)(**_arguments(call, "video-1", "video/1/0.m4s")))
    assert wire.paths


@pytest.mark.parametrize("call", [c for c in CALLS if "name" in inspect.signature(getattr(Blobs, c)).parameters])
@pytest.mark.parametrize("name", ["../uploads/a", "a/../../b", ".", "", "/a", "a/", "a//b", "a\\b", "a\nb", "\ud800"])
def test_a_name_that_leads_elsewhere_is_refused_before_storage_is_asked(account, call, name):
    wire, blobs, _ = account
    wire.paths.clear()
    with pytest.raises(InvalidName):
        _made(lambda: getattr(blobs, call)(**_arguments(call, "video-1", name)))
    assert wire.paths == []


@pytest.mark.parametrize("call", [c for c in CALLS if "container" in inspect.signature(getattr(Blobs, c)).parameters])
@pytest.mark.parametrize("container", ["..", "", "video-1/..", "video-1/a", "Video", "a" * 64, "$root", "a?b"])
def test_a_container_that_is_none_is_refused_before_storage_is_asked(account, call, container):
    wire, blobs, _ = account
    wire.paths.clear()
    with pytest.raises(InvalidName):
        _made(lambda: getattr(blobs, call)(**_arguments(call, container, "a")))
    assert wire.paths == []


@pytest.mark.parametrize("name", ["a", "video/1250000/0.m4s", "a.b/..c/d..", "Größe 50 % #1? 海 🎬+~.mp4", "%2e%2e/a"])
def test_other_names_pass(name):
    assert checked(name) == name
    assert checked_prefix(f"{name}/") == f"{name}/"


@pytest.mark.parametrize("prefix", ["", "/", "../", "a//", "..", "a/../"])
def test_a_prefix_that_leads_elsewhere_is_refused(prefix):
    with pytest.raises(InvalidName):
        checked_prefix(prefix)


@pytest.mark.parametrize("name", ["uploads", "video-0190b6a0-0000-7000-8000-000000000000", "work-"])
def test_containers_and_their_prefixes_pass(name):
    assert checked_container(name) == name
