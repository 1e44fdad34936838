"""The bindings, as the Functions host reads them, and the edge's own few lines."""

import json
import typing
from datetime import timedelta
from pathlib import Path

import azure.functions as func
import pytest

import function_app
from connector.api.routes import ROUTES
from connector.blob_trigger import BlobName
from connector.domain.layout import ADVANCE_QUEUE, ENCODE_QUEUE, UPLOADS
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.video import State
from connector.pipeline.attempts import record_failure
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from tests.support.apps import FakeClock, memory_app, quick_app
from tests.support.functions import FUNCTIONS, Out, call_function, context
from tests.support.world import uploaded

STORAGE = "MEDIA_STORAGE"


def _bindings(name):
    return {b["name"]: b for b in json.loads(FUNCTIONS[name].get_function_json())["bindings"]}


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def app(monkeypatch, clock):
    app = quick_app(clock=clock)
    monkeypatch.setattr(function_app, "shared_app", lambda: app)
    return app


def test_every_function_is_known():
    background = {"UploadCompleted", "Advance", "Encode", "AdvancePoison", "EncodePoison", "Sweep"}
    assert set(FUNCTIONS) == {route.name for route in ROUTES} | background


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_takes_every_method_so_that_it_can_answer_405(route):
    bindings = _bindings(route.name)
    trigger = bindings["req"]
    assert (trigger["type"], trigger["route"]) == ("httpTrigger", route.template)
    public = {"Key", "Playback", "Portal", "Docs", "OpenApi", "ZNoSuchResource"}
    assert trigger["authLevel"] == ("ANONYMOUS" if route.name in public else "FUNCTION")
    assert "methods" not in trigger  # the host takes that for all
    assert bindings["$return"]["type"] == "http"


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if not n.endswith("Poison")])
def test_whatever_starts_work_can_send_to_both_queues(name):
    bindings = _bindings(name)
    for queue in (ADVANCE_QUEUE, ENCODE_QUEUE):
        out = {"direction": "OUT", "type": "queue", "name": queue, "queueName": queue, "connection": STORAGE}
        assert bindings[queue] == out


@pytest.mark.parametrize(
    ("name", "queue"),
    [
        ("Advance", "advance"),
        ("Encode", "encode"),
        ("AdvancePoison", "advance-poison"),
        ("EncodePoison", "encode-poison"),
    ],
)
def test_queues_and_their_poison_queues_are_read(name, queue):
    trigger = _bindings(name)["message"]
    assert (trigger["type"], trigger["queueName"], trigger["connection"]) == ("queueTrigger", queue, STORAGE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_given_its_context_in_which_the_host_tells_its_own_span(name):
    function = FUNCTIONS[name].get_user_function()
    assert typing.get_type_hints(function)["context"] is func.Context
    assert "context" not in _bindings(name)


def test_uploads_are_noticed_by_event_and_never_loaded():
    trigger = _bindings("UploadCompleted")["blob"]
    assert (trigger["type"], trigger["path"]) == ("blobTrigger", "uploads/{id}/{file}")
    assert (trigger["source"], trigger["connection"]) == ("EventGrid", STORAGE)
    assert trigger.get("dataType", "UNDEFINED") == "UNDEFINED"


def test_the_timer_runs_every_five_minutes():
    trigger = _bindings("Sweep")["timer"]
    assert (trigger["type"], trigger["schedule"], trigger["runOnStartup"]) == ("timerTrigger", "0 */5 * * * *", False)


def test_the_host_gives_each_task_a_processor_and_five_attempts():
    host = json.loads((Path(function_app.__file__).parent / "host.json").read_text("utf-8"))
    queues = host["extensions"]["queues"]
    assert (queues["batchSize"], queues["newBatchThreshold"]) == (1, 0)
    assert queues["maxDequeueCount"] == 5
    assert queues["messageEncoding"] == "none"  # what is no base64 would never reach the function that handles poison
    assert host["extensions"]["http"]["routePrefix"] == "api"
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))
    # A task must end by itself before the host ends the worker with all it does.
    jobs = memory_app().options.jobs
    longest = max(limits.seconds for limits in (jobs.probe, jobs.task, jobs.stream, jobs.still))
    assert longest < hours * 3600 + minutes * 60 + seconds


def test_a_video_is_made_and_shown(app):
    answer, *sent = call_function("Videos", "POST", "Videos?code=secret", b'{"OriginalFileName": "H\xc3\xa4user.mp4"}')
    assert (answer.status_code, sent) == (201, [None, None])
    video = json.loads(answer.get_body())
    assert "Häuser.mp4" in answer.get_body().decode()
    assert answer.headers["Location"] == f"https://host/api/Videos/{video['Id']}"
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    again, *_ = call_function("Video", "GET", f"Videos/{video['Id']}", id=video["Id"])
    assert json.loads(again.get_body())["FileName"] == "Häuser.mp4"


def test_an_answer_tells_its_length_so_that_the_host_does_not_send_it_in_chunks(app):
    made, *_ = call_function("Videos", "POST", "Videos", '{"OriginalFileName": "Häuser.mp4"}'.encode())
    page, *_ = call_function("Portal", "GET", "portal")
    for answer in (made, page):
        assert answer.get_body()
        assert answer.headers["Content-Length"] == str(len(answer.get_body()))
    options, *_ = call_function("Videos", "OPTIONS", "Videos")
    assert (options.get_body(), "Content-Length" in options.headers) == (b"", False)


def test_head_is_get_without_a_body(app):
    get, *_ = call_function("Formats", "GET", "Formats")
    head, *_ = call_function("Formats", "HEAD", "Formats")
    assert (head.status_code, head.get_body()) == (200, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


def test_completing_sends_the_one_message_that_is_due(app):
    video = create(app, "a.mp4").video
    app.storage.blobs.put(UPLOADS, video.blob_name, b"x")
    answer, advance, encode = call_function("MarkComplete", "POST", f"Videos/{video.id}/MarkComplete", id=str(video.id))
    assert (answer.status_code, answer.get_body(), encode) == (202, b"", None)
    assert [Message.model_validate_json(text) for text in advance] == [Message(step=Step.PROBE, video_id=video.id)]


def test_an_error_sends_nothing(app):
    answer, *sent = call_function("MarkComplete", "POST", "Videos/x/MarkComplete", id="x")
    assert (answer.status_code, sent) == (404, [None, None])


def test_a_new_blob_does_the_same(app):
    video = create(app, "a.mp4").video
    app.storage.blobs.put(UPLOADS, video.blob_name, b"x")
    advance, encode = Out(), Out()
    blob = BlobName(UPLOADS, video.blob_name)
    FUNCTIONS["UploadCompleted"].get_user_function()(blob, advance, encode, context())
    assert (len(advance.value), encode.value) == (1, None)


def _deliver(name, text):
    """The messages that the function sends to the two queues for this one."""
    advance, encode = Out(), Out()
    FUNCTIONS[name].get_user_function()(func.QueueMessage(body=text), advance, encode, context())
    return advance.value or [], encode.value or []


@pytest.mark.parametrize("name", ["Advance", "Encode"])
def test_a_queue_message_becomes_a_step_and_its_messages_go_to_their_queues(app, name):
    (probe,) = complete_upload(app, uploaded(app).id)
    advance, encode = _deliver(name, probe.model_dump_json())
    assert advance == []
    assert {Message.model_validate_json(text).step for text in encode} == {Step.CHUNK, Step.AUDIO}
    sent = [_deliver(name, text) for text in encode]
    assert sent[:-1] == [([], [])] * (len(encode) - 1)
    package = Message(step=Step.PACKAGE, video_id=probe.video_id).model_dump_json()
    assert sent[-1] == ([package], [])
    assert _deliver(name, package) == ([], [])
    assert app.storage.videos.get(probe.video_id).state is State.READY


@pytest.mark.parametrize("name", ["AdvancePoison", "EncodePoison"])
def test_a_poison_message_fails_its_video_if_its_attempts_have_failed(app, name):
    lost, failed = create(app, "a.mp4").video, create(app, "a.mp4").video
    for video, errors in ((lost, 0), (failed, 5)):
        message = Message(step=Step.CHUNK, video_id=video.id)
        for _ in range(errors):
            record_failure(app, message, OSError())
        FUNCTIONS[name].get_user_function()(func.QueueMessage(body=message.model_dump_json()), context())
    assert app.storage.videos.get(lost.id).state is State.AWAITING_UPLOAD
    assert app.storage.videos.get(failed.id).state is State.FAILED


def test_the_timer_sends_what_stalled(app, clock):
    messages = complete_upload(app, uploaded(app).id)
    clock.ahead = app.options.stall + timedelta(minutes=1)
    advance, encode = Out(), Out()
    FUNCTIONS["Sweep"].get_user_function()(None, advance, encode, context())
    assert (advance.value, encode.value) == ([message.model_dump_json() for message in messages], None)
