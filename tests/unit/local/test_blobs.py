"""Which blob an event is about, and which parts of its path have names."""

import json
from typing import Any

import pytest
from azure.storage.queue import QueueMessage

from local.app import Function
from local.blobs import BlobDispatcher, BlobTrigger, PathPattern, event_message, parse_blob_url
from local.storage import Queues, encode


@pytest.mark.parametrize(
    ("path", "blob", "parameters"),
    [
        ("uploads/{name}", "uploads/a/b.mp4", {"name": "a/b.mp4"}),
        ("uploads/{id}/{file}", "uploads/1/b.mp4", {"id": "1", "file": "b.mp4"}),
        ("uploads/{id}/{file}", "uploads/1/2/b.mp4", {"id": "1/2", "file": "b.mp4"}),
        ("uploads/{id}/{file}", "uploads//", {"id": "", "file": ""}),
        ("uploads/{id}/{file}", "uploads/b.mp4", {}),
        ("uploads/{id}/{file}", "other/1/b.mp4", {}),
        ("uploads/in/{name}.mp4", "uploads/in/b.mp4", {"name": "b"}),
        ("uploads/in/{name}.mp4", "uploads/in/bmp4", {}),
        ("uploads", "uploads/b.mp4", {}),
    ],
)
def test_parts_of_a_path_have_names_where_it_fits(path, blob, parameters):
    pattern = PathPattern(path)
    assert pattern.container == "uploads"
    assert pattern.parameters(*blob.split("/", 1)) == parameters


@pytest.mark.parametrize(
    ("url", "blob"),
    [
        ("https://media.blob.core.windows.net/uploads/1/a.mp4", ("uploads", "1/a.mp4")),
        ("https://media.blob.core.windows.net/uploads/1/%C3%A4%20b%2520%23%3f.mp4", ("uploads", "1/ä b%20#?.mp4")),
        ("http://127.0.0.1:10000/devstoreaccount1/uploads/1/a.mp4", ("uploads", "1/a.mp4")),
        ("http://[::1]:10000/devstoreaccount1/uploads/1/a.mp4", ("uploads", "1/a.mp4")),
        ("https://media.blob.core.windows.net/uploads/1/a.mp4?snapshot=1", ("uploads", "1/a.mp4")),
    ],
)
def test_an_address_names_container_and_blob(url, blob):
    assert parse_blob_url(url) == blob


DATA = {"url": "https://m.blob.core.windows.net/c/n", "blobType": "BlockBlob"}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"data": None},
        {"data": {}},
        {"data": {**DATA, "blobType": "?"}},
        {"data": {**DATA, "url": 5}},
        [],
        "x",
        None,
    ],
)
def test_an_event_that_names_no_blob_is_refused(event: Any):
    with pytest.raises(ValueError, match=r"The event does not say|no blobs of type"):
        event_message(event, "Host.Functions.f")


def test_a_failed_event_becomes_a_poison_message_in_the_account_of_its_blob(monkeypatch):
    account = "DefaultEndpointsProtocol=https;AccountName={0};AccountKey=YQ==;EndpointSuffix=core.windows.net"
    monkeypatch.setenv("AzureWebJobsStorage", account.format("host"))
    monkeypatch.setenv("MEDIA", account.format("media"))
    function = Function("f", "id", {"type": "blobTrigger", "path": "c/{n}", "connection": "MEDIA"})
    dispatcher = BlobDispatcher([BlobTrigger(function, runner=None)], Queues())  # type: ignore[arg-type]
    assert dispatcher.queue.url.startswith("https://host.queue.core.windows.net/azure-webjobs-blobtrigger-")

    def poison(text: str) -> str:
        return dispatcher.poison(QueueMessage(content=encode(text.encode()))).url

    name = "queue.core.windows.net/webjobs-blobtrigger-poison"
    assert poison(event_message({"data": DATA}, "Host.Functions.f")) == f"https://media.{name}"
    for unknown in (event_message({"data": DATA}, "Host.Functions.none"), json.dumps([]), "no json"):
        assert poison(unknown) == f"https://host.{name}"
