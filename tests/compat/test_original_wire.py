"""The old service's reference, case by case: a client that was written against it works again."""

import base64
import re
import time
from uuid import UUID

import pytest

from tests.compat.old_client import ORIGINAL_FIELDS, OldClient
from tests.support.publishing import numbered_source

pytestmark = [pytest.mark.azurite, pytest.mark.media]

UNKNOWN = "8ccbd8b3-7a39-4b2b-a2b5-3f4e0b0c2e4d"


@pytest.fixture(scope="module")
def old(stack) -> OldClient:
    return OldClient(stack.api.removesuffix("/api"))


def publish(old: OldClient, **wanted: str) -> str:
    """Create, upload, complete, and ask for the status until it is 2, as the old samples did."""
    status, _, video = old.call("POST", "api/videos/", {"OriginalFileName": "Holiday.MP4", **wanted})
    assert status == 201
    old.upload(video["UploadUri"], numbered_source().read_bytes())
    status, _, body = old.call("POST", f"api/videos/{video['Id']}/markcomplete")
    assert (status, body) == (202, None)
    until = time.monotonic() + 120
    while time.monotonic() < until:
        _, _, state = old.call("GET", f"api/videos/{video['Id']}/status")
        assert set(state) >= {"StatusCode", "Status", "Message"}
        assert (state["StatusCode"], state["Status"]) in {(1, "Processing"), (2, "Completed")}
        if state["StatusCode"] == 2:
            return video["Id"]
        time.sleep(0.3)
    raise AssertionError("not completed in time")


@pytest.fixture(scope="module")
def clear(old) -> str:
    return publish(old)


@pytest.fixture(scope="module")
def protected(old) -> str:
    return publish(old, ContentProtectionMode="AES128")


@pytest.mark.parametrize(
    "path", ["api/Videos", "api/videos", "API/VIDEOS", "api/videos/", "Api/viDeos/"], ids=["a", "b", "c", "d", "e"]
)
def test_post_videos(old, path):
    status, headers, video = old.call("POST", path, {"OriginalFileName": "video1.mp4"})
    assert status == 201
    assert list(video)[:9] == ORIGINAL_FIELDS
    assert UUID(video["Id"])
    assert headers["Location"].lower().endswith(f"/api/videos/{video['Id']}")
    assert video["OriginalFileName"] == f"{video['Id']}.mp4"
    assert re.match(rf"http.+/{video['Id']}\.mp4\?.*sig=", video["UploadUri"])
    assert (video["ContentProtectionMode"], video["ContentProtectionKeyId"]) == ("None", None)
    assert video["Duration"] == 0
    assert [video[name] for name in ORIGINAL_FIELDS[6:]] == [None, None, None]


def test_post_videos_protected(old):
    status, _, video = old.call("POST", "api/Videos", {"OriginalFileName": "a.wmv", "ContentProtectionMode": "AES128"})
    assert (status, video["ContentProtectionMode"]) == (201, "AES128")
    assert UUID(video["ContentProtectionKeyId"])


def test_post_videos_with_storage_encryption(old):
    wanted = {"OriginalFileName": "a.avi", "InputStorageEncryptionMode": "AES256"}
    status, _, video = old.call("POST", "api/Videos", wanted)
    assert (status, video["InputStorageEncryptionMode"]) == (201, "AES256")
    assert len(base64.b64decode(video["InputStorageEncryptionSymmetricKey"])) == 32
    assert len(base64.b64decode(video["InputStorageEncryptionIv"])) == 16
    _, _, again = old.call("GET", f"api/Videos/{video['Id']}")
    assert again["InputStorageEncryptionSymmetricKey"] is None
    assert again["InputStorageEncryptionIv"] is None


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"OriginalFileName": ""},
        {"OriginalFileName": "noextension"},
        {"OriginalFileName": "a.exe"},
        {"OriginalFileName": "a.mp4", "ContentProtectionMode": "PlayReady"},
        {"OriginalFileName": "a.mp4", "InputStorageEncryptionMode": "AES128"},
    ],
    ids=["nothing", "empty", "no-extension", "unsupported", "other-protection", "other-encryption"],
)
def test_post_videos_400(old, wanted):
    status, _, error = old.call("POST", "api/Videos", wanted)
    assert status == 400
    assert list(error)[:3] == ["status", "source", "message"]
    assert (error["status"], error["source"].lower()[-10:]) == (400, "api/videos")
    wrong = next((name for name in wanted if name != "OriginalFileName"), "OriginalFileName")
    assert wrong in error["message"]


def test_a_missing_or_empty_mode_means_none(old):
    for mode in (None, "", "None"):
        body = {"OriginalFileName": "a.mp4", "ContentProtectionMode": mode, "InputStorageEncryptionMode": None}
        assert old.call("POST", "api/Videos", body)[2]["ContentProtectionMode"] == "None"


def test_get_video(old, clear):
    status, _, video = old.call("GET", f"api/Videos/{clear}")
    assert status == 200
    assert list(video)[:9] == ORIGINAL_FIELDS
    assert (video["UploadUri"], video["Duration"]) == (None, 12)
    assert old.call("GET", f"api/videos/{clear.upper()}/")[2] == video


@pytest.mark.parametrize("path", ["", "/Status", "/Thumbnails", "/PlaybackEndpoint?endpointType=HLS"])
@pytest.mark.parametrize("video", [UNKNOWN, "not-a-guid"])
def test_get_404(old, path, video):
    status, _, error = old.call("GET", f"api/Videos/{video}{path}")
    assert (status, error["status"]) == (404, 404)


def test_mark_complete_may_be_repeated(old, clear):
    assert old.call("POST", f"api/Videos/{clear}/MarkComplete")[0] == 202


def test_mark_complete_409_without_an_upload(old):
    video = old.call("POST", "api/Videos", {"OriginalFileName": "a.mp4"})[2]
    assert old.call("POST", f"api/Videos/{video['Id']}/MarkComplete")[0] == 409


@pytest.mark.parametrize("kind", ["Streaming", "HLS", "DASH", "Progressive"])
def test_playback_endpoint(old, clear, kind):
    status, _, found = old.call("GET", f"api/videos/{clear}/playbackendpoint?EndpointType={kind}")
    assert status == 200
    assert found["Type"] == kind
    assert found["PlaybackUrl"].startswith("http")


@pytest.mark.parametrize("query", ["", "?endpointType=", "?endpointType=Flash"])
def test_playback_endpoint_400(old, clear, query):
    assert old.call("GET", f"api/Videos/{clear}/PlaybackEndpoint{query}")[0] == 400


def test_playback_endpoint_403_while_processing(old):
    video = old.call("POST", "api/Videos", {"OriginalFileName": "a.mp4"})[2]
    assert old.call("GET", f"api/Videos/{video['Id']}/PlaybackEndpoint?endpointType=HLS")[0] == 403


def test_playback_endpoint_403_for_the_one_file_of_a_protected_video(old, protected):
    assert old.call("GET", f"api/Videos/{protected}/PlaybackEndpoint?endpointType=Progressive")[0] == 403
    assert old.call("GET", f"api/Videos/{protected}/PlaybackEndpoint?endpointType=HLS")[0] == 200


@pytest.mark.parametrize("named", [True, False], ids=["with-its-key", "without"])
def test_authorization_token_opens_the_key_in_the_old_form(old, protected, named):
    key = old.call("GET", f"api/Videos/{protected}")[2]["ContentProtectionKeyId"]
    query = f"?KeyId={key}" if named else ""
    status, _, token = old.call("GET", f"api/Videos/{protected}/AuthorizationToken{query}")
    assert status == 200
    assert token["value"].startswith("Bearer=")
    # The old players sent the value as it was.
    assert _key(old, key, token["value"]) == 16


def _key(old: OldClient, key: str, authorization: str) -> int:
    from urllib.request import Request, urlopen

    request = Request(f"{old._base}/api/Keys/{key}", headers={"Authorization": authorization})
    with urlopen(request, timeout=30) as answer:
        return len(answer.read())


def test_authorization_token_404(old, clear, protected):
    for video, query in ((clear, ""), (protected, f"?KeyId={UNKNOWN}"), (UNKNOWN, "")):
        assert old.call("GET", f"api/Videos/{video}/AuthorizationToken{query}")[0] == 404


def test_thumbnails(old, clear):
    status, _, found = old.call("GET", f"api/Videos/{clear}/Thumbnails")
    assert status == 200
    assert {"Kind", "ID", "VideoId", "Height", "Index", "Time", "Url"} <= set(found[0])
    assert {t["Kind"] for t in found} <= {"Poster", "Indexed", "Timed"}
    assert {t["VideoId"] for t in found} == {clear}


def test_thumbnails_of_a_new_video_are_an_empty_list(old):
    video = old.call("POST", "api/Videos", {"OriginalFileName": "a.mp4"})[2]
    status, _, found = old.call("GET", f"api/Videos/{video['Id']}/Thumbnails")
    assert (status, found) == (200, [])


def test_formats(old):
    status, _, found = old.call("GET", "api/formats/")
    assert status == 200
    assert all(set(entry) == {"Extension", "MimeType"} for entry in found)
    assert {"mp4", "mov", "wmv", "avi", "mp3"} <= {entry["Extension"] for entry in found}


def test_delete(old):
    video = old.call("POST", "api/Videos", {"OriginalFileName": "a.mp4"})[2]
    assert old.call("DELETE", f"api/videos/{video['Id']}")[0] == 204
    assert old.call("DELETE", f"api/videos/{video['Id']}")[0] == 404


def test_405_tells_what_is_allowed(old):
    status, headers, error = old.call("PATCH", "api/videos")
    assert (status, error["status"]) == (405, 405)
    assert "POST" in headers["Allow"]


def test_406_and_415(old):
    assert old.call("GET", "api/formats", Accept="text/xml")[0] == 406
    for accept in ("application/*", "*/*"):
        assert old.call("GET", "api/formats", Accept=accept)[0] == 200


def test_unknown_fields_are_ignored(old):
    assert old.call("POST", "api/Videos", {"OriginalFileName": "a.mp4", "Whatever": {"x": 1}})[0] == 201
