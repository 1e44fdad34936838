"""Thumbnails by redirect: which image, which address, and who gets which answer instead."""

import pytest

from connector.api.http import Request
from connector.api.routes import ROUTES, respond
from connector.domain import layout
from connector.domain.video import State
from connector.errors import Busy, MediaError, TaskLost
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.delete import delete
from connector.pipeline.fail import fail
from tests.fakes.media import INFO, FakeMediaRunner
from tests.support.apps import KEYS, quick_app
from tests.support.world import drive, encoding, uploaded

UNKNOWN = "01a20000-0000-7000-8000-000000000000"
ROUTE = {route.name: route for route in ROUTES}
AT = {"at": "Thumbnail", "AT": "ThumbnailAt"}
"""Hosts that look by name find the one route for the other."""


@pytest.fixture
def media() -> FakeMediaRunner:
    return FakeMediaRunner()


@pytest.fixture
def app(media):
    return quick_app(media=media, **KEYS)


def published(app, *, protected=False):
    video = create(app, "a.mp4", protected=protected).video
    app.storage.blobs.put(layout.UPLOADS, video.blob_name, b"x")
    drive(app, complete_upload(app, video.id))
    video = app.storage.videos.get(video.id)
    assert video.state is State.READY, video.failure
    return video


def ask(app, video_id, index="", method="GET", **query):
    url = f"https://host/api/Videos/{video_id}/Thumbnails/{index}?token=secret"
    path = {"id": str(video_id), "index": index}
    query = {name: str(value) for name, value in query.items()}
    route = ROUTE[AT.get(index, "Thumbnail") if index else "Thumbnails"]
    return respond(lambda: app, route, Request(method, url, {}, query, path, b"", "the-id"))


def assert_refused(answer, status, code, *fields):
    assert (answer.status, answer.body["code"]) == (status, code)
    assert [e["field"] for e in answer.body.get("errors", [])] == list(fields)
    for field in fields:
        assert field in answer.body["message"]


@pytest.mark.parametrize(
    ("index", "name"),
    [
        ("1", "thumbnails/0001.jpg"),
        ("10", "thumbnails/0010.jpg"),
        ("poster", "thumbnails/poster.jpg"),
        ("Poster", "thumbnails/poster.jpg"),
    ],
)
def test_those_that_every_video_has(app, media, index, name):
    video = published(app)
    answer = ask(app, video.id, index)
    assert (answer.status, answer.body) == (307, None)
    assert answer.headers["Location"] == f"memory://account/video-{video.id}/{name}"
    assert app.storage.blobs.exists(layout.output_container(video.id), name)
    assert media.counts["still"] == 0


@pytest.mark.parametrize("index", ["0", "11", "-1", "+1", "01", "1.0", " 1", "x", "storyboards", "²", "9" * 5000])
def test_one_that_it_has_not_is_404(app, index):
    assert_refused(ask(app, published(app).id, index), 404, "VideoNotFound")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"time": "2"}, "50-360.jpg"),
        ({"time": 2.099, "height": 181}, "50-360.jpg"),
        ({"time": "2.1", "format": "webp"}, "52-360.webp"),
        ({"time": "0", "height": 16, "format": "png", "code": "x"}, "0-90.png"),
        ({"time": "3.999999", "height": 361}, "97-450.jpg"),
    ],
)
@pytest.mark.parametrize("word", AT)
def test_one_of_any_moment_is_made_once_and_found(app, media, query, name, word):
    video = published(app)
    for _ in range(2):
        answer = ask(app, video.id, word, **query)
        assert (answer.status, answer.body) == (307, None)
        assert answer.headers["Location"] == f"memory://account/video-{video.id}/thumbnails/frames/{name}"
    assert app.storage.blobs.exists(layout.output_container(video.id), f"thumbnails/frames/{name}")
    assert media.counts["still"] == 1


@pytest.mark.parametrize("protected", [False, True], ids=["clear", "protected"])
@pytest.mark.parametrize("access", ["public", "signed"])
@pytest.mark.parametrize("index", ["1", "poster", "at"])
def test_what_is_not_public_is_found_by_a_signed_address_only(access, protected, index):
    app = quick_app(**KEYS, playback_access=access)
    video = published(app, protected=protected)
    url = ask(app, video.id, index, time=1).headers["Location"]
    kind = "stills" if protected else "video"
    assert url.startswith(f"memory://account/{kind}-{video.id}/thumbnails/")
    assert ("?allows=r&seconds=43200" in url) == (access == "signed" or protected)
    public = app.storage.blobs.containers[f"{kind}-{video.id}"].public
    assert public == ("?" not in url)


@pytest.mark.parametrize(("hours", "seconds"), [(12, 3600), (1, 1800), (0.001, 1)])
def test_the_way_is_remembered_for_less_time_than_the_address_is_valid(hours, seconds):
    app = quick_app(**KEYS, url_hours=hours)
    answer = ask(app, published(app).id, "poster")
    assert answer.headers["Cache-Control"] == f"private, max-age={seconds}"


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({}, ["time"]),
        ({"time": ""}, ["time"]),
        ({"time": "x"}, ["time"]),
        ({"time": "-0.001"}, ["time"]),
        ({"time": "nan"}, ["time"]),
        ({"time": "inf"}, ["time"]),
        ({"time": "1e999"}, ["time"]),
        ({"time": 4}, ["time"]),
        ({"time": "1e300"}, ["time"]),
        ({"time": 1, "height": 15}, ["height"]),
        ({"time": 1, "height": 0}, ["height"]),
        ({"time": 1, "height": -360}, ["height"]),
        ({"time": 1, "height": 451}, ["height"]),
        ({"time": 1, "height": 3841}, ["height"]),
        ({"time": 1, "height": "9" * 5000}, ["height"]),
        ({"time": 1, "height": 360.5}, ["height"]),
        ({"time": 1, "height": "x"}, ["height"]),
        ({"time": 1, "format": "gif"}, ["format"]),
        ({"time": 1, "format": "../x"}, ["format"]),
        ({"time": "x", "height": 1, "format": "gif"}, ["time", "height", "format"]),
    ],
)
def test_what_is_wrong_is_400_and_named_and_nothing_is_made(app, media, query, fields):
    assert_refused(ask(app, published(app).id, "at", **query), 400, "InvalidRequest", *fields)
    assert media.counts["still"] == 0


@pytest.mark.parametrize("index", ["1", "poster", "at"])
def test_an_unknown_video_is_404(app, index):
    for ident in (UNKNOWN, "x"):
        assert_refused(ask(app, ident, index, time=1), 404, "VideoNotFound")


@pytest.mark.parametrize("index", ["1", "99", "poster", "at"])
def test_before_it_is_ready_and_after_a_failure_it_is_403(app, index):
    failed = uploaded(app)
    fail(app, failed.id, MediaError("NoMedia", "Nothing in it."))
    for video in (uploaded(app), encoding(app)[0], failed):
        assert_refused(ask(app, video.id, index, time=1), 403, "NotPlayable")


@pytest.mark.parametrize("index", ["1", "poster", "at"])
def test_sound_has_no_pictures(app, media, index):
    media.info = INFO.model_copy(update={"video": None})
    video = published(app)
    assert_refused(ask(app, video.id, index, time=1), 404, "VideoNotFound")
    assert ask(app, video.id).body == []


def test_too_many_at_once_is_503_and_says_when_to_come_back(app, media):
    video = published(app)

    def busy(job):
        raise Busy("Too many pictures are being made at the moment.")

    media.before = busy
    answer = ask(app, video.id, "at", time=1)
    assert_refused(answer, 503, "Busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.body["message"] == "Too many pictures are being made at the moment."


def test_a_media_process_that_somebody_ended_is_503_and_says_when_to_come_back(app, media):
    def kill(job):
        raise TaskLost("the media process ended with signal SIGKILL")

    video = published(app)
    media.before = kill
    answer = ask(app, video.id, "at", time=1.5, height=90)
    assert_refused(answer, 503, "TaskLost")
    assert answer.body["message"].startswith("The picture could not be made")
    assert answer.headers["Retry-After"]


def test_a_video_that_is_deleted_meanwhile_is_404(app, media):
    video = published(app)
    media.before = lambda job: delete(app, video.id)
    assert_refused(ask(app, video.id, "at", time=1), 404, "VideoNotFound")


def test_output_that_is_missing_is_an_error_of_ours(app):
    video = published(app)
    for name in [n for n in app.storage.blobs.containers[f"video-{video.id}"].blobs if n.endswith(".m4s")]:
        del app.storage.blobs.containers[f"video-{video.id}"].blobs[name]
    assert_refused(ask(app, video.id, "at", time=1), 500, "InternalError")


def test_times_need_not_be_short(app):
    answer = ask(app, published(app).id, "at", time=4 / 3)
    assert answer.headers["Location"].endswith("/32-360.jpg")


@pytest.mark.parametrize("word", AT)
def test_head_answers_like_get_and_makes_no_picture(app, media, word):
    video = published(app)
    told = ask(app, video.id, word, "HEAD", time=1)
    assert media.counts["still"] == 0
    made = ask(app, video.id, word, time=1)
    assert (told.status, told.headers) == (made.status, made.headers)


def test_the_most_of_a_video_is_403_and_what_they_cost_is_in_its_status(media):
    app = quick_app(media=media, max_pictures=1, **KEYS)
    video = published(app)

    def status():
        request = Request("GET", f"https://host/api/Videos/{video.id}/Status", {}, {}, {"id": str(video.id)}, b"", "i")
        return respond(lambda: app, ROUTE["Status"], request).body

    before = status()
    assert before["OnDemand"] is None
    assert ask(app, video.id, "at", time=1).status == 307
    assert_refused(ask(app, video.id, "at", time=2), 403, "TooManyPictures")
    after = status()
    used = after.pop("OnDemand")
    assert after == {name: value for name, value in before.items() if name != "OnDemand"}, "Actual is final"
    assert used["StorageBytes"] > 0
    assert used["Cost"] > 0
    assert used["Seconds"] >= 1
