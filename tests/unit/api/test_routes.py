"""Every route with every method, every error in its one shape."""

import json
import re

import pytest

from connector import errors
from connector.api.errors import STATUS
from connector.api.http import MAX_BODY, MAX_URL, Request
from connector.api.routes import METHODS, ROUTES, respond
from connector.domain.formats import FORMATS
from connector.domain.layout import UPLOADS
from connector.domain.media_info import Access, AudioStream, MediaInfo, VideoStream
from connector.domain.messages import Message
from connector.domain.planner import Limits, make_plan
from connector.domain.ports import Confinement
from connector.domain.step import Step
from connector.domain.video import Failure, State
from connector.errors import TaskLost
from connector.pipeline.attempts import fail_or_wait
from connector.pipeline.create import create
from connector.security.master import KeyRing, fingerprint
from tests.fakes.media import FakeMediaRunner
from tests.support.apps import KEYS, memory_app

ROUTE = {route.name: route for route in ROUTES}
JSON = {"content-type": "application/json"}

UNKNOWN = "01a20000-0000-7000-8000-000000000000"


@pytest.fixture
def app():
    return memory_app()


def ask(app, name, method="GET", *, video="x", body=b"", headers=None, query=None):
    url = f"https://host/api/{ROUTE[name].template.replace('{id}', str(video))}?code=secret&sig=secret#x"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(method, url, headers or JSON, query or {}, {"id": str(video)}, data, "the-id")
    return respond(lambda: app, ROUTE[name], request)


def moved(app, video, *states, **changes):
    for state in states:
        video = app.storage.videos.save(video.to(state, video.modified, **changes))
    return video


def ready(app, video):
    info = MediaInfo(
        container="mov",
        access=Access.SEEK,
        video=VideoStream(
            index=0, codec="h264", width=1280, height=720, display_width=1280, display_height=720,
            frame_rate="30000/1001", constant=True, start=0, end=10, tolerance="1/60", rotation=0,
            interlaced=False, hdr=False,
        ),
        audio=(
            AudioStream(
                index=1, codec="aac", channels=2, sampling_rate=48_000, start=0, end=10, language="en", title="",
            ),
        ),
    )  # fmt: skip
    plan = make_plan(info, Limits(4, 30, 2160))
    path = (State.QUEUED, State.ENCODING, State.PACKAGING, State.READY)
    return moved(app, video, *path, info=info, plan=plan)


def shape(response, status, code):
    body = response.body
    assert list(body)[:5] == ["status", "source", "message", "code", "requestId"]
    assert set(body) <= {"status", "source", "message", "code", "requestId", "errors"}
    assert (response.status, body["status"], body["code"], body["requestId"]) == (status, status, code, "the-id")
    assert body["message"]
    assert "secret" not in json.dumps(body)
    assert body["source"].startswith("https://host/api/")
    assert response.headers["x-ms-request-id"] == "the-id"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.messages == ()
    return body


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [r.name for r in ROUTES if r.operations])
def test_a_method_that_a_resource_does_not_define_is_405(app, name, method):
    response = ask(app, name, method)
    defined = {*ROUTE[name].operations, "OPTIONS", *({"HEAD"} if "GET" in ROUTE[name].operations else set())}
    if method in defined:
        assert response.status != 405
    else:
        if method != "HEAD":
            shape(response, 405, "MethodNotAllowed")
        assert response.status == 405
        assert set(response.headers["Allow"].split(", ")) == defined


@pytest.mark.parametrize("name", [r.name for r in ROUTES if r.operations])
def test_options_is_answered_with_the_methods_of_the_resource(app, name):
    response = ask(app, name, "OPTIONS", headers={"x": "y"})
    assert (response.status, response.body) == (204, None)
    allowed = response.headers["Allow"].split(", ")
    assert set(allowed) == {*ROUTE[name].operations, "OPTIONS", *({"HEAD"} if "GET" in allowed else set())}


@pytest.mark.parametrize("name", ROUTE)
def test_a_method_that_nothing_defines_is_501(app, name):
    shape(ask(app, name, "BREW"), 501, "UnknownMethod")


@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_resource_is_404_in_the_one_shape(app, method):
    response = ask(app, "ZNoSuchResource", method)
    if method != "HEAD":
        shape(response, 404, "ResourceNotFound")
    assert response.status == 404


def test_an_address_that_is_too_long_is_414(app):
    request = Request("GET", "https://host/api/Formats?x=" + "a" * MAX_URL, {}, {}, {}, b"", "the-id")
    shape(respond(lambda: app, ROUTE["Formats"], request), 414, "UriTooLong")


@pytest.mark.parametrize("name", [r.name for r in ROUTES if "GET" in r.operations])
def test_head_is_get_without_a_body(app, name):
    video = create(app, "a.mp4").video
    get, head = (ask(app, name, m, video=video.id) for m in ("GET", "HEAD"))
    assert get.body is not None
    assert (head.status, head.headers, head.body) == (get.status, get.headers, None)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "application/json",
        "APPLICATION/JSON; charset=utf-8",
        "text/html, application/*;q=0.1",
        "*/*",
        "*/*;q=0, application/json",
    ],
)
def test_what_accept_leaves_room_for_json(app, accept):
    assert ask(app, "Formats", headers={"accept": accept}).status == 200


@pytest.mark.parametrize(
    "accept",
    ["text/html", "application/xml, image/*", "application/json;q=0", "*/*; q = 0.000", "application/json;q=0, */*"],
)
def test_what_accept_excludes_json(app, accept):
    shape(ask(app, "Formats", headers={"accept": accept}), 406, "NotAcceptable")


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/jsonx", "multipart/form-data; application/json"])
def test_a_body_that_is_not_declared_as_json_is_415(app, kind):
    headers = {"content-type": kind} if kind is not None else {"x": "y"}
    shape(ask(app, "Videos", "POST", headers=headers, body=b"{}"), 415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    "headers",
    [JSON, {"x": "y"}, {"content-type": "text/plain"}, {**JSON, "content-encoding": "gzip"}],
    ids=["json", "undeclared", "text", "gzip"],
)
@pytest.mark.parametrize(("name", "method"), [("Videos", "POST"), ("Video", "PUT")])
def test_a_body_that_is_missing_is_400_whatever_is_said_about_it(app, name, method, headers):
    body = shape(ask(app, name, method, headers=headers), 400, "BodyMissing")
    assert "no body" in body["message"]
    assert "Content-Length" in body["message"]
    assert "chunked" in body["message"]


@pytest.mark.parametrize("coding", ["gzip", "BR", "deflate, gzip", "identity, gzip", "aws-chunked"])
def test_a_body_with_a_content_coding_is_415_and_says_that_none_is_taken(app, coding):
    response = ask(app, "Videos", "POST", headers={**JSON, "content-encoding": coding}, body=b"\x1f\x8b")
    shape(response, 415, "UnsupportedMediaType")
    assert response.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("coding", ["", "identity", " Identity "])
def test_a_body_that_says_it_has_no_content_coding_is_taken(app, coding):
    headers = {**JSON, "content-encoding": coding}
    assert ask(app, "Videos", "POST", headers=headers, body={"OriginalFileName": "a.mp4"}).status == 201


def test_codings_are_named_only_where_one_is_the_reason(app):
    answer = ask(app, "Videos", "POST", headers={"content-type": "text/plain"}, body=b"{}")
    assert "Accept-Encoding" not in answer.headers


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b'{"a":' * 20_000, "{}".encode("utf-16")[:3]])
def test_a_body_that_is_not_json_is_400(app, body):
    assert shape(ask(app, "Videos", "POST", body=body), 400, "InvalidRequest")["errors"] == []


def test_a_body_over_the_limit_is_413(app):
    shape(ask(app, "Videos", "POST", body=b" " * (MAX_BODY + 1)), 413, "PayloadTooLarge")


NAMES = [
    None,
    5,
    "",
    "a",
    "mp4",
    "a.",
    "a.exe",
    "a.m3u8",
    "a.mp4 ",
    ["a.mp4"],
    "x" * 1100 + ".mp4",
    "a.mp4/",
    "\ud800.mp4",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_name_that_cannot_be_used_is_400_and_named(app, name):
    body = shape(ask(app, "Videos", "POST", body={"OriginalFileName": name}), 400, "InvalidRequest")
    assert [e["field"] for e in body["errors"]] == ["OriginalFileName"]
    assert "OriginalFileName" in body["message"]
    json.dumps(body, ensure_ascii=False).encode()


@pytest.mark.parametrize("data", [{}, {"originalfilename": "a.mp4"}])
def test_a_missing_file_name_says_that_its_extension_must_be_supported(app, data):
    body = shape(ask(app, "Videos", "POST", body=data), 400, "InvalidRequest")
    assert body["errors"][0]["field"] == "OriginalFileName"
    assert "extension must be supported" in body["errors"][0]["message"]


@pytest.mark.parametrize("data", [[], "a.mp4", None, 5])
def test_a_body_that_is_no_object_is_400(app, data):
    body = shape(ask(app, "Videos", "POST", body=data), 400, "InvalidRequest")
    assert [e["field"] for e in body["errors"]] == ["body"]


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("ContentProtectionMode", "", 201),
        ("ContentProtectionMode", None, 201),
        ("ContentProtectionMode", "None", 201),
        ("ContentProtectionMode", "none", 400),
        ("ContentProtectionMode", "DRM", 400),
        ("ContentProtectionMode", 0, 400),
        ("ContentProtectionMode", False, 400),
        ("ContentProtectionMode", [], 400),
        ("InputStorageEncryptionMode", "", 201),
        ("InputStorageEncryptionMode", None, 201),
        ("InputStorageEncryptionMode", "AES512", 400),
        ("InputStorageEncryptionMode", 0, 400),
        ("InputStorageEncryptionMode", {}, 400),
        ("Unknown", "x", 201),
    ],
)
def test_modes(app, field, value, status):
    response = ask(app, "Videos", "POST", body={"OriginalFileName": "a.mp4", field: value})
    assert response.status == status
    if status == 400:
        assert [e["field"] for e in response.body["errors"]] == [field]
    else:
        assert response.body["ContentProtectionMode"] == "None"
        assert response.body["InputStorageEncryptionMode"] is None


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.mp4", "C:\\x\\y.MOV", "日本語 🎬.mkv", "a.tar.webm", ".mp4", "x" * 1020 + ".mp4"]
)
def test_a_strange_name_is_kept_and_never_becomes_a_path(app, name):
    body = ask(app, "Videos", "POST", body={"OriginalFileName": name}).body
    assert body["FileName"] == name
    assert re.fullmatch(rf"{body['Id']}\.[a-z0-9]+", body["OriginalFileName"])
    assert f"/{UPLOADS}/{body['Id']}/{body['OriginalFileName']}?" in body["UploadUri"]


def test_a_new_video_answers_as_the_contract_says(app):
    response = ask(app, "Videos", "POST", body={"OriginalFileName": "a.MP4"})
    body = response.body
    assert list(body)[:9] == [
        "Id", "UploadUri", "ContentProtectionMode", "ContentProtectionKeyId", "Duration", "OriginalFileName",
        "InputStorageEncryptionMode", "InputStorageEncryptionSymmetricKey", "InputStorageEncryptionIv",
    ]  # fmt: skip
    assert (response.status, body["Duration"], body["Status"]) == (201, 0, "AwaitingUpload")
    assert response.headers["Location"] == f"https://host/api/Videos/{body['Id']}"
    shown = ask(app, "Video", video=body["Id"])
    assert response.headers["ETag"] == shown.headers["ETag"]
    assert {**shown.body, "UploadUri": 0} == {**body, "UploadUri": 0}


@pytest.mark.parametrize("malformed", ["x", "", "1", UNKNOWN, "../Formats", f"{UNKNOWN}0"])
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("Video", "GET"),
        ("Video", "DELETE"),
        ("MarkComplete", "POST"),
        ("Status", "GET"),
        ("PlaybackEndpoint", "GET"),
        ("Thumbnails", "GET"),
    ],
)
def test_an_unknown_or_malformed_id_is_404(app, name, method, malformed):
    shape(ask(app, name, method, video=malformed, query={"endpointtype": "HLS"}), 404, "VideoNotFound")


def test_completing_without_a_blob_is_409(app):
    video = create(app, "a.mp4").video
    shape(ask(app, "MarkComplete", "POST", video=video.id), 409, "NotUploaded")


def test_completing_is_202_however_often(app):
    video = create(app, "a.mp4").video
    app.storage.blobs.put(UPLOADS, video.blob_name, b"x")
    for messages in (1, 0):
        response = ask(app, "MarkComplete", "POST", video=video.id)
        assert (response.status, response.body, len(response.messages)) == (202, None, messages)
        assert "Content-Type" not in response.headers
    assert ask(app, "Video", video=video.id).body["UploadUri"] is None


def test_deleting_is_204_once(app):
    video = create(app, "a.mp4").video
    assert ask(app, "Video", "DELETE", video=video.id).status == 204
    assert ask(app, "Video", "DELETE", video=video.id).status == 404


@pytest.mark.parametrize("kind", [None, "", "hls2", "Smooth"])
def test_an_unknown_endpoint_type_is_400(app, kind):
    video = create(app, "a.mp4").video
    body = shape(
        ask(app, "PlaybackEndpoint", video=video.id, query={"endpointtype": kind} if kind else {}),
        400,
        "InvalidRequest",
    )
    assert [e["field"] for e in body["errors"]] == ["endpointType"]


PATHS = [
    (),
    (State.QUEUED,),
    (State.QUEUED, State.ENCODING),
    (State.QUEUED, State.ENCODING, State.PACKAGING),
    (State.FAILED,),
]


@pytest.mark.parametrize(
    ("name", "query", "missing"),
    [
        ("PlaybackEndpoint", {}, "endpointType"),
        ("PlaybackEndpoint", {"endpointtype": ""}, "endpointType"),
        ("ThumbnailAt", {"height": "90"}, "time"),
        ("ThumbnailAt", {"time": "", "height": ""}, "time"),
    ],
)
def test_a_parameter_that_is_missing_or_empty_is_named_as_required(app, name, query, missing):
    """The host drops parameters with an empty value: under any other host they mean the same."""
    body = shape(ask(app, name, video=create(app, "a.mp4").video.id, query=query), 400, "InvalidRequest")
    assert body["errors"] == [{"field": missing, "message": "is required"}]
    assert body["message"] == f"The request's query is not valid: {missing} is required."


def test_a_parameter_that_is_empty_counts_as_left_out(app):
    empty = dict.fromkeys(("top", "status", "tag", "nameprefix", "continuationtoken"), "")
    assert ask(app, "Videos", query=empty).body == ask(app, "Videos").body


@pytest.mark.parametrize("path", PATHS)
def test_what_is_not_ready_cannot_be_played_and_has_no_thumbnails(app, path):
    video = moved(app, create(app, "a.mp4").video, *path)
    shape(ask(app, "PlaybackEndpoint", video=video.id, query={"endpointtype": "HLS"}), 403, "NotPlayable")
    assert ask(app, "Thumbnails", video=video.id).body == []


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("Streaming", "smooth.ism/Manifest"),
        ("HLS", "master.m3u8"),
        ("dash", "manifest.mpd"),
        ("PROGRESSIVE", "download.mp4"),
    ],
)
def test_a_ready_video_can_be_played(app, kind, end):
    video = ready(app, create(app, "a.mp4").video)
    body = ask(app, "PlaybackEndpoint", video=video.id, query={"endpointtype": kind}).body
    assert body["Type"].lower() == kind.lower()
    assert body["PlaybackUrl"].endswith(f"video-{video.id}/{end}")


def test_a_ready_video_tells_what_it_is(app):
    body = ask(app, "Video", video=ready(app, create(app, "a.mp4").video).id).body
    told = {key: body[key] for key in ("Duration", "Width", "Height", "FrameRate", "HasAudio", "Status")}
    assert told == {
        "Duration": 10,
        "Width": 1280,
        "Height": 720,
        "FrameRate": 29.97,
        "HasAudio": True,
        "Status": "Completed",
    }


def test_thumbnails_answer_as_the_contract_says(app):
    poster, *indexed = ask(app, "Thumbnails", video=ready(app, create(app, "a.mp4").video).id).body
    assert list(poster) == ["Kind", "ID", "VideoId", "Height", "Width", "Index", "Time", "Url"]
    assert (poster["Kind"], poster["Index"], poster["Height"]) == ("Poster", 0, 720)
    assert [t["Index"] for t in indexed] == list(range(1, 11))
    assert {t["Kind"] for t in indexed} == {"Indexed"}
    assert {t["Time"] for t in [poster, *indexed]} == {0}
    assert len({t["ID"] for t in [poster, *indexed]}) == 11
    assert "?allows=r&" in poster["Url"]


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ((), 0, "AwaitingUpload"),
        (PATHS[1], 1, "Processing"),
        (PATHS[2], 1, "Processing"),
        (PATHS[3], 1, "Processing"),
        (PATHS[4], 3, "Failed"),
    ],
)
def test_status(app, path, code, status):
    video = moved(
        app, create(app, "a.mp4").video, *path, failure=Failure("NoMedia", "Nothing in it.") if code == 3 else None
    )
    body = ask(app, "Status", video=video.id).body
    assert (body["StatusCode"], body["Status"]) == (code, status)
    assert body["Error"] == ({"Code": "NoMedia", "Message": "Nothing in it."} if code == 3 else None)
    assert body["Progress"] == 0


def test_the_status_of_a_ready_video(app):
    body = ask(app, "Status", video=ready(app, create(app, "a.mp4").video).id).body
    assert (body["StatusCode"], body["Status"], body["Progress"]) == (2, "Completed", 100)
    assert [s["Name"] for s in body["Steps"]] == ["Upload", "Probe", "Encode", "Package"]


def test_the_status_of_a_video_that_waits_after_a_loss_is_processing(app):
    video = moved(app, create(app, "a.mp4").video, *PATHS[1])
    message = Message(step=Step.PROBE, video_id=video.id)
    fail_or_wait(app, message)
    assert app.storage.tasks.get(video.id, message.task).due is not None
    body = ask(app, "Status", video=video.id).body
    assert (body["Status"], body["Error"], body["Progress"]) == ("Processing", None, 0)
    assert [s["Name"] for s in body["Steps"]] == ["Upload", "Probe"]


@pytest.mark.parametrize("name", ["Video", "Docs", "OpenApi", "Portal"])
def test_a_304_has_the_content_type_of_the_200(app, name):
    video = create(app, "a.mp4").video
    full = ask(app, name, video=video.id)
    for method in ("GET", "HEAD"):
        answer = ask(app, name, method, video=video.id, headers={"if-none-match": full.headers["ETag"]})
        assert (answer.status, answer.body) == (304, None)
        kept = ("Content-Type", "ETag", "Cache-Control")
        assert {n: answer.headers[n] for n in kept} == {n: full.headers[n] for n in kept}


def test_formats(app):
    assert ask(app, "Formats").body == [{"Extension": f.extension, "MimeType": f.mime_type} for f in FORMATS]


def _classes(cls):
    return [cls, *(c for sub in cls.__subclasses__() for c in _classes(sub))]


def test_every_leaf_of_the_error_tree_has_a_status():
    leaves = {c for c in _classes(errors.ConnectorError) if not c.__subclasses__()}
    assert leaves == set(STATUS)


def test_the_drawing_of_the_error_tree_is_true():
    drawn = re.findall(r"^[│├└─ ]*(\w+)(?: {2,}.*)?$", errors.__doc__.split("\n\n", 1)[1], re.MULTILINE)
    assert sorted(filter(None, drawn)) == sorted(c.__name__ for c in _classes(errors.ConnectorError))


def _sample(cls):
    arguments = {errors.MediaError: ("Code", "secret"), errors.MethodNotAllowed: (("GET",),)}
    return cls(*arguments.get(cls, ("secret",)))


@pytest.mark.parametrize(
    "error", [*(c for c in STATUS if not issubclass(c, errors.RequestError)), RuntimeError, KeyError]
)
def test_failures_that_were_not_made_for_callers_stay_unsaid(app, monkeypatch, error):
    def broken(*args):
        raise _sample(error)

    monkeypatch.setattr(app.storage.tasks, "get", broken)
    response = ask(app, "Health")
    status = STATUS.get(error, 500)
    shape(response, status, {500: "InternalError"}.get(status, error.__name__))
    assert ("Retry-After" in response.headers) == (status in {408, 503})


def test_an_app_that_cannot_be_built_is_500(app):
    def broken():
        raise ValueError("Wrong settings: secret")

    response = respond(broken, ROUTE["Formats"], Request("GET", "https://host/api/Formats", {}, {}, {}, b"", "the-id"))
    shape(response, 500, "InternalError")


def test_a_strange_host_header_does_not_stop_an_error(app):
    response = respond(
        lambda: app, ROUTE["Formats"], Request("PUT", "http://[x/api/Formats?a=secret", {}, {}, {}, b"", "i")
    )
    assert (response.status, response.body["source"]) == (405, "http://[x/api/Formats")


@pytest.fixture
def media():
    return FakeMediaRunner()


def test_health(media):
    body = ask(memory_app(media=media), "Health").body
    assert body == {"Status": "Healthy", "Confinement": "seccomp and Landlock", "MasterKey": None}


def test_health_says_why_media_processes_are_confined_no_better(media):
    media.found = Confinement("resource limits only", "this system has no seccomp")
    assert (
        ask(memory_app(media=media), "Health").body["Confinement"] == "resource limits only: this system has no seccomp"
    )


def test_without_the_confinement_that_must_be_the_service_is_not_healthy(media):
    media.found = TaskLost("Media processes cannot be confined: the reason.")
    response = ask(memory_app(media=media), "Health")
    shape(response, 503, "Unhealthy")
    assert response.body["message"] == "Media processes cannot be confined: the reason."


def test_health_says_which_master_key_the_instance_has(media):
    name, key = KeyRing.parse(KEYS["master_keys"]).current
    body = ask(memory_app(media=media, **KEYS), "Health").body
    assert body["MasterKey"] == {"Id": name, "Fingerprint": fingerprint(key)}


WRONG = {
    "many values": {"Metadata": {f"k{n:06}": n for n in range(15_000)}},
    "long names": {"Metadata": {str(n) * 200: n for n in range(32)}},
    "one very long name": {"Metadata": {"x" * 250_000: 1}},
    "many tags": {"Tags": [1] * 60_000},
    "everything": {"Metadata": {str(n): n for n in range(32)}, "Tags": [1] * 32, "Title": 1, "Description": [1]},
}


@pytest.mark.parametrize("about", WRONG.values(), ids=WRONG)
def test_the_answer_to_a_wrong_body_is_short_however_much_is_wrong(app, about):
    answer = ask(app, "Videos", "POST", body={"OriginalFileName": "a.mp4", **about})
    shape(answer, 400, "InvalidRequest")
    assert 1 <= len(answer.body["errors"]) <= 10
    assert len(answer.content) < 8192


def test_the_answer_to_a_url_that_is_too_long_is_short(app):
    request = Request("GET", f"https://host/api/{'x' * 10**6}", {}, {}, {"path": "x"}, b"", "i")
    answer = respond(lambda: app, ROUTE["ZNoSuchResource"], request)
    assert answer.status == 414
    assert len(answer.content) < MAX_URL + 1000


@pytest.mark.parametrize("name", sorted(ROUTE))
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PATCH"])
def test_no_answer_is_taken_for_another_type_than_it_says(app, name, method):
    assert ask(app, name, method).headers["X-Content-Type-Options"] == "nosniff"
