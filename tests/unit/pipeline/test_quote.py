"""What a video will take and took, over the wire: as soon as there is a plan, and when it is ready."""

from dataclasses import replace

import pytest

from connector.api.http import Request
from connector.api.routes import ROUTES, respond
from connector.domain.estimate import writes
from connector.domain.layout import UPLOADS
from connector.domain.media_info import Access
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.video import State
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.steps import run_step
from tests.fakes.media import INFO
from tests.support.apps import KEYS, quick_app
from tests.support.world import all_encoded, drive, encoding, uploaded

ROUTE = {route.name: route for route in ROUTES}
FIELDS = ["Seconds", "OutputMinutes", "StorageBytes", "Cost", "MonthlyCost", "Currency"]


def _ask(app, name, video, **headers):
    path = {"id": str(video.id)} if video else {}
    return respond(lambda: app, ROUTE[name], Request("GET", "https://host/api", headers, {}, path, b"", "the-id"))


def _said(app, video):
    """(Estimate, Actual): the same wherever they are."""
    bodies = [_ask(app, name, video).body for name in ("Video", "Status")]
    bodies.append(_ask(app, "Videos", None).body["Items"][0])
    found = [(body["Estimate"], body["Actual"]) for body in bodies]
    assert found[0] == found[1] == found[2]
    return found[0]


def test_nothing_is_said_before_the_source_was_examined(app):
    assert _said(app, uploaded(app)) == (None, None)


def test_an_estimate_is_there_with_the_plan_and_does_not_move_while_it_is_carried_out(app):
    video, messages = encoding(app)
    estimate, actual = _said(app, video)
    assert list(estimate) == FIELDS
    assert actual is None
    assert estimate["OutputMinutes"] == pytest.approx(4 / 60 * (len(video.plan.renditions) + 1), abs=0.001)
    assert estimate["StorageBytes"] > video.size
    assert estimate["Cost"] > 0
    assert estimate["Currency"] == "USD"
    run_step(app, messages[0])
    assert _said(app, video) == (estimate, None)


def test_a_ready_video_says_what_it_took(app):
    video, message = all_encoded(app)
    run_step(app, message)
    estimate, actual = _said(app, video)
    assert list(actual) == FIELDS
    # The fake runner's tasks take no time, so each is billed for the least: four chunks, the sound, probe and package.
    executions = len(app.storage.tasks.of(video.id)) + 2
    assert actual["Seconds"] == executions
    assert actual["OutputMinutes"] == estimate["OutputMinutes"]
    assert actual["StorageBytes"] > video.size
    prices = app.estimate_parameters.prices
    paid = executions * 2 * prices.gb_second + executions * prices.million_executions / 1e6
    paid += writes(video.plan, protected=False) * prices.ten_thousand_writes / 1e4
    assert actual["Cost"] == pytest.approx(paid, abs=1e-6)


def test_a_source_that_is_split_pays_for_two_probes_and_the_split(app, media):
    media.info = INFO.model_copy(update={"access": Access.PIECES})
    video, message = all_encoded(app)
    run_step(app, message)
    assert app.storage.videos.get(video.id).used.executions == len(app.storage.tasks.of(video.id)) + 3


def test_packaging_that_was_repeated_is_counted_once(app):
    video, message = all_encoded(app)
    run_step(app, message)
    used = app.storage.videos.get(video.id).used
    drive(app, [message, Message(step=Step.PROBE, video_id=video.id)])
    assert app.storage.videos.get(video.id).used == used


def test_a_failed_video_has_no_actuals(app):
    video, _ = encoding(app)
    found = app.storage.videos.get(video.id)
    app.storage.videos.save(found.to(State.FAILED, found.modified))
    assert _said(app, video)[1] is None


def test_a_video_that_was_ready_before_anything_was_counted_has_no_actuals(app):
    video, message = all_encoded(app)
    run_step(app, message)
    found = app.storage.videos.get(video.id)
    app.storage.videos.save(replace(found, used=type(found.used)()))
    assert _said(app, video)[1] is None


def test_other_prices_are_another_version_of_the_video(app):
    video, _ = encoding(app)
    dear = quick_app(app.storage, price_gb_second=1.0, currency="EUR")
    one, other = (_ask(a, "Video", video) for a in (app, dear))
    assert one.headers["ETag"] != other.headers["ETag"]
    assert other.body["Estimate"]["Cost"] > one.body["Estimate"]["Cost"]
    assert other.body["Estimate"]["Currency"] == "EUR"


@pytest.mark.parametrize("protected", [False, True])
def test_writes_are_counted_as_they_are_made(protected, monkeypatch):
    app = quick_app(**KEYS)
    video = create(app, "a.mp4", protected=protected).video
    app.storage.blobs.put(UPLOADS, video.blob_name, b"the upload")
    made = []
    blobs = app.storage.blobs
    for name in ("put", "stage", "commit", "put_early"):
        call = getattr(blobs, name)
        monkeypatch.setattr(blobs, name, lambda *a, call=call: (made.append(a), call(*a))[1])
    drive(app, complete_upload(app, video.id))
    found = app.storage.videos.get(video.id)
    assert found.state is State.READY
    assert found.used.writes == pytest.approx(len(made), rel=0.2)
