"""Every row of the contract's error table, by a real request to the running service."""

import gzip
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from connector.api.http import MAX_BODY, MAX_URL
from local.stack import Stack
from tests.conftest import PROJECT
from tests.support.publishing import publish_numbered

pytestmark = pytest.mark.azurite

UNKNOWN = "01a20000-0000-7000-8000-000000000000"
NEW = {"OriginalFileName": "a.mp4"}


@pytest.fixture
def video(stack) -> str:
    return httpx.post(f"{stack.api}/Videos", json=NEW).json()["Id"]


@pytest.fixture(scope="module")
def ready(client) -> str:
    return publish_numbered(client).id


def failed(answer: httpx.Response, status: int, code: str) -> dict:
    """The one error shape, and what every error answer has."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert list(body)[:5] == ["status", "source", "message", "code", "requestId"]
    assert set(body) <= {"status", "source", "message", "code", "requestId", "errors"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["source"] == str(answer.request.url).partition("?")[0]
    assert answer.headers["x-ms-request-id"] == body["requestId"]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert body["message"]
    assert not re.search(r"Traceback|sig=|AccountKey|devstoreaccount|eyJ", answer.text)
    return body


def ask(stack: Stack, method: str, path: str, **more) -> httpx.Response:
    return httpx.request(method, f"{stack.api}/{path}", timeout=60, **more)


def test_200(stack, video):
    answer = ask(stack, "GET", f"Videos/{video}")
    assert answer.status_code == 200
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert UUID(answer.headers["x-ms-request-id"])


def test_201(stack):
    answer = ask(stack, "POST", "Videos", json=NEW)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{stack.api}/Videos/{answer.json()['Id']}"
    assert httpx.get(answer.headers["Location"]).headers["ETag"] == answer.headers["ETag"]


def test_202(stack, ready):
    answer = ask(stack, "POST", f"Videos/{ready}/MarkComplete")
    assert (answer.status_code, answer.content) == (202, b"")


def test_204(stack, video):
    for method, more in (("PUT", {"json": {"Title": "x"}}), ("DELETE", {})):
        answer = ask(stack, method, f"Videos/{video}", **more)
        assert (answer.status_code, answer.content) == (204, b"")


def test_304(stack, video):
    etag = ask(stack, "GET", f"Videos/{video}").headers["ETag"]
    answer = ask(stack, "GET", f"Videos/{video}", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    "path", ["Source", "Thumbnails/poster", "Thumbnails/1", "Thumbnails/at?time=5&height=120&format=webp"]
)
def test_307(stack, ready, path):
    answer = ask(stack, "GET", f"Videos/{ready}/{path}")
    assert (answer.status_code, answer.content) == (307, b"")
    assert httpx.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize(
    ("call", "content", "fields"),
    [
        ("POST Videos", b"{", []),
        ("POST Videos", b'{"OriginalFileName": "a.exe"}', ["OriginalFileName"]),
        ("GET Videos?top=0", b"", ["top"]),
        ("GET Videos/{id}/PlaybackEndpoint", b"", ["endpointType"]),
        ("PUT Videos/{id}", b'{"Tags": 5}', ["Tags"]),
    ],
    ids=["malformed", "field", "query", "missing-query", "put"],
)
def test_400(stack, video, call, content, fields):
    method, path = call.replace("{id}", video).split()
    headers = {"Content-Type": "application/json"} if content else {}
    body = failed(ask(stack, method, path, content=content, headers=headers), 400, "InvalidRequest")
    assert [e["field"] for e in body["errors"]] == fields


def chunked() -> Iterator[bytes]:
    yield json.dumps(NEW).encode()


@pytest.mark.parametrize("content", [b"", chunked], ids=["empty", "chunked"])
@pytest.mark.parametrize("kind", [{"Content-Type": "application/json"}, {}], ids=["json", "undeclared"])
@pytest.mark.parametrize("call", ["POST Videos", "PUT Videos/{id}"])
def test_400_for_a_body_that_does_not_arrive(stack, video, call, content, kind):
    method, path = call.replace("{id}", video).split()
    sent = content() if callable(content) else content
    body = failed(ask(stack, method, path, content=sent, headers=kind), 400, "BodyMissing")
    assert "Content-Length" in body["message"]


def test_401(stack):
    answer = ask(stack, "GET", f"Keys/{UNKNOWN}", headers={"Authorization": "Bearer nonsense"})
    failed(answer, 401, "Unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_403(stack, video):
    failed(ask(stack, "GET", f"Videos/{video}/PlaybackEndpoint?endpointType=HLS"), 403, "NotPlayable")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"Videos/{UNKNOWN}", "VideoNotFound"),
        ("Videos/not-an-id", "VideoNotFound"),
        ("Nothing", "ResourceNotFound"),
        ("Videos/x/y/z", "ResourceNotFound"),
    ],
)
def test_404(stack, path, code):
    failed(ask(stack, "GET", path), 404, code)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "Videos", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("POST", f"Videos/{UNKNOWN}", {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}),
        ("GET", f"Videos/{UNKNOWN}/MarkComplete", {"POST", "OPTIONS"}),
        ("TRACE", "Formats", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_405(stack, method, path, allowed):
    answer = ask(stack, method, path)
    failed(answer, 405, "MethodNotAllowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_options(stack):
    answer = ask(stack, "OPTIONS", f"Videos/{UNKNOWN}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}


def test_406(stack):
    failed(ask(stack, "GET", "Formats", headers={"Accept": "application/xml"}), 406, "NotAcceptable")


def test_409(stack, video):
    failed(ask(stack, "POST", f"Videos/{video}/MarkComplete"), 409, "NotUploaded")


def test_412(stack, video):
    answer = ask(stack, "PUT", f"Videos/{video}", json={}, headers={"If-Match": '"other"'})
    failed(answer, 412, "PreconditionFailed")


@pytest.mark.parametrize(
    "body", [b'"' + b"x" * MAX_BODY + b'"', json.dumps({**NEW, "Size": 10**15}).encode()], ids=["body", "upload"]
)
def test_413(stack, body):
    answer = ask(stack, "POST", "Videos", content=body, headers={"Content-Type": "application/json"})
    failed(answer, 413, "PayloadTooLarge")


def test_414(stack):
    failed(ask(stack, "GET", "Formats?x=" + "a" * MAX_URL), 414, "UriTooLong")


def test_415(stack):
    answer = ask(stack, "POST", "Videos", content=b"{}", headers={"Content-Type": "text/plain"})
    failed(answer, 415, "UnsupportedMediaType")
    assert "Accept-Encoding" not in answer.headers


def test_415_for_a_content_encoding(stack):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = ask(stack, "POST", "Videos", content=gzip.compress(json.dumps(NEW).encode()), headers=headers)
    failed(answer, 415, "UnsupportedMediaType")
    assert answer.headers["Accept-Encoding"] == "identity"


def test_501(stack):
    failed(ask(stack, "PROPFIND", "Videos"), 501, "UnknownMethod")


@pytest.fixture(scope="module")
def fault(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fault") / "fault"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory, fault) -> Iterator[Stack]:
    """The same service on a storage that fails when the file `fault` says so; without master keys."""
    app = PROJECT / "tests" / "integration" / "faulty_app"
    env = {"FAULT": str(fault), "MASTER_KEYS": ""}
    with Stack(app, tmp_path_factory.mktemp("faulty"), encoders=0, env=env) as running:
        yield running


FAULTS = {
    "StorageTimeout": (408, "StorageTimeout"),
    "StorageError": (500, "InternalError"),
    "StorageUnavailable": (503, "StorageUnavailable"),
}


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize(
    "call",
    [
        "GET Videos",
        "POST Videos",
        f"GET Videos/{UNKNOWN}",
        f"PUT Videos/{UNKNOWN}",
        f"DELETE Videos/{UNKNOWN}",
        f"POST Videos/{UNKNOWN}/MarkComplete",
        f"GET Videos/{UNKNOWN}/Status",
        "GET health",
    ],
)
def test_408_500_503(faulty, fault, error, call):
    status, code = FAULTS[error]
    fault.write_text(error)
    try:
        answer = ask(faulty, *call.split(), json=NEW)
    finally:
        fault.unlink()
    failed(answer, status, code)
    assert ("Retry-After" in answer.headers) == (status != 500)
    assert ask(faulty, "GET", "health").status_code == 200


def test_501_for_a_feature_that_is_switched_off(faulty):
    failed(ask(faulty, "POST", "Videos", json={**NEW, "ContentProtectionMode": "AES128"}), 501, "FeatureDisabled")


def test_of_two_writers_of_the_same_version_one_wins(stack, video):
    for _ in range(10):
        etag = ask(stack, "GET", f"Videos/{video}").headers["ETag"]

        def write(title: str, etag: str = etag) -> int:
            return ask(stack, "PUT", f"Videos/{video}", json={"Title": title}, headers={"If-Match": etag}).status_code

        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(write, "ab")) == [204, 412]


def test_preflight_and_cors(stack):
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    answer = ask(stack, "OPTIONS", f"Videos/{UNKNOWN}", headers=headers)
    assert answer.status_code == 204
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_without_a_setting_only_the_pages_of_the_app_itself_may_use_the_api_and_storage(faulty):
    page = "https://page.example"
    answer = ask(faulty, "POST", "Videos", json=NEW, headers={"Origin": page})
    assert answer.status_code == 201
    assert "Access-Control-Allow-Origin" not in answer.headers
    asked = {"Access-Control-Request-Method": "PUT"}
    refusal = ask(faulty, "OPTIONS", "Videos", headers={"Origin": page, **asked})
    assert (refusal.status_code, refusal.headers.get("Access-Control-Allow-Origin")) == (204, None)
    own = faulty.api.removesuffix("/api")
    for origin, allowed in ((own, True), (own.replace("127.0.0.1", "localhost"), True), (page, False)):
        storage = httpx.options(answer.json()["UploadUri"], headers={"Origin": origin, **asked})
        assert storage.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
