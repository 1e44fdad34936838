"""Blob events hold the rules that were measured on the real host: what is checked of them, attempts, poison."""

import json
import os
from pathlib import Path

import pytest

from tests.support.toy import Toy, until

pytestmark = pytest.mark.azurite

APP = Path(__file__).parent / "trigger_app"
HOOK = "/runtime/webhooks/blobs?functionName=Host.Functions."
NOTIFICATION = {"aeg-event-type": "Notification", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Its host.json allows queues one message at a time, a pause of ten seconds and two attempts: no rule for blobs."""
    queues = {"batchSize": 1, "newBatchThreshold": 0, "maxDequeueCount": 2, "visibilityTimeout": "00:00:10"}
    with Toy(tmp_path_factory.mktemp("blobs"), source=APP, queues=queues, encoders=0) as toy:
        toy.blobs.create_container("uploads")
        toy.blobs.create_container("other")
        yield toy


def tell(toy, url, *, function="uploaded", kind="Microsoft.Storage.BlobCreated", **event):
    """Post an event as Event Grid does; the status of the answer."""
    event = {"eventType": kind, "data": {"url": url, "blobType": "BlockBlob", "eTag": "0x1"}, **event}
    return toy.request("POST", HOOK + function, json.dumps([event]), NOTIFICATION)[0]


def runs(toy, name, what="blob"):
    return [record for record in toy.records_of(what) if record["name"] == name]


def test_the_watcher_tells_of_each_blob_of_the_container_and_of_no_other(toy):
    uploads, other = toy.blobs.get_container_client("uploads"), toy.blobs.get_container_client("other")
    other.upload_blob("1/silent.mp4", b"")
    for name in ("flat.mp4", "1/ä b%20#?.mp4"):
        uploads.upload_blob(name, b"told")
        (run,) = until(lambda name=name: runs(toy, f"uploads/{name}"), "the run")
        assert (run["content"], run["length"]) == ("told", 4)
        assert run["uri"] == uploads.get_blob_client(name).url
    assert not runs(toy, "other/1/silent.mp4")


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("1/deleted.mp4", {"kind": "Microsoft.Storage.BlobDeleted"}),
        ("1/anything.mp4", {"kind": "Anything"}),
        ("flat.mp4", {}),
        ("1/with a subject.mp4", {"subject": "/blobServices/default/containers/uploads/blobs/1/another.mp4"}),
        ("1/percent%41.mp4", {}),
    ],
)
def test_neither_type_nor_path_nor_subject_of_an_event_is_checked_only_its_url(toy, name, event):
    blob = toy.blobs.get_blob_client("other", name)
    blob.upload_blob(b"here")
    assert tell(toy, blob.url, **event) == 202
    (run,) = until(lambda: runs(toy, f"other/{name}"), "the run")
    assert run["content"] == "here"


def test_a_cloud_event_is_read_alike(toy):
    blob = toy.blobs.get_blob_client("other", "1/cloud.mp4")
    blob.upload_blob(b"here")
    event = {"type": "Microsoft.Storage.BlobCreated", "data": {"url": blob.url, "blobType": "BlockBlob"}}
    assert toy.request("POST", HOOK + "uploaded", json.dumps(event), NOTIFICATION)[0] == 202
    until(lambda: runs(toy, "other/1/cloud.mp4"), "the run")


def test_a_blob_or_a_function_that_is_gone_runs_nothing_and_is_no_failure(toy):
    gone = toy.blobs.get_blob_client("other", "1/gone.mp4")
    assert tell(toy, gone.url) == 202
    assert tell(toy, gone.url, function="NoSuchFunction") == 202
    until(lambda: "Blob other/1/gone.mp4 is gone" in toy.log(), "the look for the blob")
    until(lambda: "no function Host.Functions.NoSuchFunction" in toy.log(), "the look for the function")
    assert not runs(toy, "other/1/gone.mp4")
    assert not any("gone.mp4" in message for message in buried(toy))


def test_an_event_that_does_not_say_which_blob_is_refused(toy):
    for data in ({}, {"url": "http://127.0.0.1/a/b/c"}, {"url": "http://127.0.0.1/a/b/c", "blobType": "Odd"}):
        assert tell(toy, "", data=data) == 500


def buried(toy):
    """Texts of the messages in the poison queue of blob events."""
    name = "webjobs-blobtrigger-poison"
    return toy.messages(name) if any(queue.name == name for queue in toy.queues.list_queues()) else []


def test_a_failing_blob_is_tried_five_times_within_a_second_and_then_buried(toy):
    """A busy machine may take longer: the quickest of three counts."""
    took = []
    for name in ("1/bad.mp4", "2/bad.mp4", "3/bad.mp4"):
        blob = toy.blobs.get_blob_client("other", name)
        blob.upload_blob(b"")
        assert tell(toy, blob.url) == 202
        (message,) = until(lambda name=name: [text for text in buried(toy) if name in text], "the poison message")
        attempts = runs(toy, f"other/{name}")
        assert len(attempts) == 5
        took.append(attempts[-1]["at"] - attempts[0]["at"])
        assert json.loads(message) == {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.uploaded",
            "BlobType": "BlockBlob",
            "ContainerName": "other",
            "BlobName": name,
            "ETag": '"0x1"',
        }
    assert min(took) < 1


def test_events_run_side_by_side_as_many_as_the_processors_allow(toy):
    blob = toy.blobs.get_blob_client("other", "1/slow.mp4")
    blob.upload_blob(b"")
    told = 20
    for _ in range(told):
        assert tell(toy, blob.url) == 202
    until(lambda: len(runs(toy, "other/1/slow.mp4", "blob-end")) == told, "all runs")
    edges = [(record["at"], 1) for record in runs(toy, "other/1/slow.mp4")]
    edges += [(record["at"], -1) for record in runs(toy, "other/1/slow.mp4", "blob-end")]
    at_once, most = 0, 0
    for _, step in sorted(edges):
        at_once += step
        most = max(most, at_once)
    assert 2 <= most <= 8 * (os.cpu_count() or 1)
