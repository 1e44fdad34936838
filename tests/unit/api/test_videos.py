"""Listing videos, saying things about them, and conditional requests."""

import json
from datetime import timedelta

import pytest

from connector.api.http import Request
from connector.api.routes import ROUTES, respond
from connector.api.views import rfc3339
from connector.domain.layout import UPLOADS
from connector.domain.video import About, State
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from tests.support.apps import FakeClock, memory_app

ROUTE = {route.name: route for route in ROUTES}
ABOUT = {"Title": "<b>Titel</b>", "Description": "a\nb", "Tags": ["x", "海", "x"], "Metadata": {"k": "v", "ключ": ""}}


@pytest.fixture
def app():
    return memory_app()


def ask(app, method, video="", body=None, query=None, **headers):
    request = Request(
        method,
        f"https://host/api/Videos/{video}",
        {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}},
        query or {},
        {"id": str(video)} if video else {},
        json.dumps(body).encode() if body is not None else b"",
        "the-id",
    )
    return respond(lambda: app, ROUTE["Video" if video else "Videos"], request)


def get(app, video, **headers):
    return ask(app, "GET", video.id, **headers)


def test_what_is_said_about_a_video_is_shown(app):
    made = ask(app, "POST", body={"OriginalFileName": "a.mp4", **ABOUT}).body

    shown = ask(app, "GET", made["Id"]).body

    assert {name: shown[name] for name in ABOUT} == {**ABOUT, "Tags": ["x", "海"]}
    assert {**made, "UploadUri": ""} == {**shown, "UploadUri": ""}


def test_put_replaces_all_that_is_said_and_nothing_else(app):
    video = create(app, "a.mp4", about=About("old", "old", ("old",), {"old": "old"})).video

    answer = ask(app, "PUT", video.id, {"Title": "new", "Tags": None, "FileName": "b.mp4", "Status": "Completed"})

    body = get(app, video).body
    assert (answer.status, answer.body) == (204, None)
    assert (body["Title"], body["Description"], body["Tags"], body["Metadata"]) == ("new", "", [], {})
    assert (body["FileName"], body["Status"]) == ("a.mp4", "AwaitingUpload")
    assert answer.headers["ETag"] == get(app, video).headers["ETag"]


def test_a_whole_video_that_was_read_can_be_put_back(app):
    video = create(app, "a.mp4", about=About("title", tags=("t",))).video

    assert ask(app, "PUT", video.id, get(app, video).body).status == 204

    assert app.storage.videos.get(video.id).about == About("title", tags=("t",))


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("Title", "x" * 257, "Title"),
        ("Title", 5, "Title"),
        ("Title", "\ud800", "Title"),
        ("Description", "x" * 4097, "Description"),
        ("Tags", "x", "Tags"),
        ("Tags", ["x"] * 33, "Tags"),
        ("Tags", ["x", ""], "Tags.1"),
        ("Tags", ["x" * 65], "Tags.0"),
        ("Metadata", ["x"], "Metadata"),
        ("Metadata", {"k": 1}, "Metadata.k"),
        ("Metadata", {"k": "x" * 257}, "Metadata.k"),
        ("Metadata", {str(i): "" for i in range(33)}, "Metadata"),
    ],
    ids=lambda value: str(value)[:20].encode("ascii", "replace").decode(),
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_what_cannot_be_kept_is_400_and_named(app, method, field, value, named):
    video = create(app, "a.mp4").video.id if method == "PUT" else ""

    answer = ask(app, method, video, {"OriginalFileName": "a.mp4", field: value})

    assert answer.status == 400
    assert [e["field"] for e in answer.body["errors"]] == [named]


def test_the_most_that_may_be_said_fits_into_a_row(app):
    most = {
        "Title": "\U0001f3ac" * 256,
        "Description": "\U0001f3ac" * 4096,
        "Tags": [f"{i:02}" + "\U0001f3ac" * 62 for i in range(32)],
        "Metadata": {f"{i:02}" + "\U0001f3ac" * 62: "\U0001f3ac" * 256 for i in range(32)},
    }
    assert ask(app, "POST", body={"OriginalFileName": "a.mp4", **most}).status == 201


def test_a_declared_size_over_the_limit_is_413_before_anything_is_sent():
    app = memory_app(max_upload_gb=1)
    allowed, refused = (
        ask(app, "POST", body={"OriginalFileName": "a.mp4", "Size": size}) for size in (10**9, 10**9 + 1)
    )
    assert allowed.status == 201
    assert (refused.status, refused.body["code"]) == (413, "PayloadTooLarge")
    assert "1 GB" in refused.body["message"]


def test_a_version_that_is_known_is_304(app):
    video = create(app, "a.mp4").video
    etag = get(app, video).headers["ETag"]

    for known in (etag, f"W/{etag}", "*", f'"other", {etag}'):
        answer = get(app, video, if_none_match=known)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, None, etag)
    assert get(app, video, if_none_match='"other"').status == 200


def test_every_change_that_shows_changes_the_etag(app):
    video = create(app, "a.mp4").video
    etags = [get(app, video).headers["ETag"]]
    ask(app, "PUT", video.id, {"Title": "x"})
    etags.append(get(app, video).headers["ETag"])
    app.storage.blobs.put(UPLOADS, video.blob_name, b"x")
    complete_upload(app, video.id)
    etags.append(get(app, video).headers["ETag"])

    assert len(set(etags)) == 3
    assert not any(etag.startswith("W/") for etag in etags)


def test_an_upload_url_that_expired_changes_the_etag():
    clock = FakeClock()
    app = memory_app(clock=clock)
    video = create(app, "a.mp4").video
    before = get(app, video)
    clock.moment = video.created + app.options.upload_lifetime + timedelta(seconds=1)

    after = get(app, video, if_none_match=before.headers["ETag"])

    assert before.body["UploadUri"]
    assert (after.status, after.body["UploadUri"]) == (200, None)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_only_the_version_that_is_meant_is_changed(app, method):
    video = create(app, "a.mp4").video
    etag = get(app, video).headers["ETag"]

    for other in ('"other"', f"W/{etag}", "nonsense"):
        answer = ask(app, method, video.id, {}, if_match=other)
        assert (answer.status, answer.body["code"]) == (412, "PreconditionFailed")
    assert ask(app, method, video.id, {}, if_match=f'"other", {etag}').status == 204
    assert ask(app, method, video.id, {}, if_match=etag).status == (412 if method == "PUT" else 404)


def test_any_version_that_exists_may_be_meant(app):
    video = create(app, "a.mp4").video
    assert ask(app, "PUT", video.id, {}, if_match="*").status == 204


def test_saying_something_does_not_count_as_movement_of_the_processing(app):
    video = create(app, "a.mp4").video
    ask(app, "PUT", video.id, {"Title": "x"})
    after = app.storage.videos.get(video.id)
    assert after.modified == video.modified
    assert get(app, video).body["Modified"] == rfc3339(after.edited)


def test_put_on_an_unknown_video_is_404(app):
    assert ask(app, "PUT", "01a20000-0000-7000-8000-000000000000", {}).status == 404


def listed(app, **query):
    answer = ask(app, "GET", query={name.lower(): str(value) for name, value in query.items()})
    assert answer.status == 200
    return [item["FileName"] for item in answer.body["Items"]], answer.body["ContinuationToken"]


def test_videos_are_listed_newest_first_page_by_page(app):
    for i in range(5):
        create(app, f"{i}.mp4")

    first, token = listed(app, top=3)
    second, end = listed(app, top=3, continuationToken=token)

    assert (first, second, end) == (["4.mp4", "3.mp4", "2.mp4"], ["1.mp4", "0.mp4"], None)


def test_conditions_combine(app):
    wanted = create(app, "Holiday.mp4", about=About(tags=("a", "b"))).video
    create(app, "holiday.mp4", about=About(tags=("b",)))
    create(app, "other.mp4", about=About(tags=("a",)))
    app.storage.videos.save(wanted.to(State.QUEUED, wanted.modified))

    assert listed(app, tag="a", namePrefix="HOLI")[0] == ["Holiday.mp4"]
    assert listed(app, tag="a", status="Processing")[0] == ["Holiday.mp4"]
    assert listed(app, status="Completed") == ([], None)
    assert listed(app, status="AwaitingUpload")[0] == ["other.mp4", "holiday.mp4"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top", "0"),
        ("top", "201"),
        ("top", "x"),
        ("status", "Ready"),
        ("continuationToken", "x"),
        ("tag", "x" * 65),
    ],
)
def test_a_wrong_parameter_is_400_and_named(app, name, value):
    answer = ask(app, "GET", query={name.lower(): value})
    assert answer.status == 400
    assert [e["field"] for e in answer.body["errors"]] == [name]
