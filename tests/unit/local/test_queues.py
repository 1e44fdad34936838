"""How often a listener looks into a queue that stays empty, and what it tells a function of a message."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from azure.core.exceptions import AzureError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.config import QueueOptions
from local.queues import QueueListener, decode, metadata, poison_name


class EmptyQueue:
    queue_name = "empty"

    def __init__(self) -> None:
        self.looks = 0

    async def receive_messages(self, **_: object) -> AsyncIterator[Any]:
        self.looks += 1
        for never in ():
            yield never


async def _nothing(_: QueueMessage, __: str) -> None:
    raise AzureError("there is no message to handle")


def test_an_empty_queue_is_looked_into_more_and_more_seldom_and_at_once_when_told() -> None:
    async def looks() -> list[int]:
        queue = EmptyQueue()
        options = QueueOptions(max_polling_interval=60)
        listener = QueueListener(cast("QueueClient", queue), None, _nothing, options, 60)
        running = asyncio.create_task(listener.run())
        seen = []
        for pause in (3.5, 0.1):
            await asyncio.sleep(pause)
            seen.append(queue.looks)
            listener.poll_now()
        await asyncio.sleep(0.1)
        seen.append(queue.looks)
        listener.stop()
        await asyncio.wait_for(running, 5)
        return seen

    idle, *told = asyncio.run(looks())
    assert 3 <= idle <= 7
    assert told == [idle + 1, idle + 2]


@pytest.mark.parametrize(
    ("content", "body"), [("YWJj", b"abc"), ("YWJ\nj ", b"abc"), ("", b""), ("abc", None), ("{}", None), ("ä", None)]
)
def test_messages_are_base64(content: str, body: bytes | None) -> None:
    assert decode(content) == body


def test_poison_queues_have_none_of_their_own() -> None:
    assert poison_name("work") == "work-poison"
    assert poison_name("work-poison") is None
    assert poison_name("x" * 57) is None


def told(message: QueueMessage | None, text: str) -> dict[str, Any]:
    """What a function's worker gets, by name: the type and the value."""
    return {name: next(iter(vars(data).items()), None) for name, data in metadata(message, text).items()}


def test_what_is_told_of_a_message_is_typed_as_the_host_types_it() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    message = QueueMessage(content="")
    message.id, message.pop_receipt, message.dequeue_count = "id", "receipt", 1
    message.inserted_on = message.expires_on = message.next_visible_on = moment
    assert told(message, "text") == {
        "QueueTrigger": ("string", "text"),
        "DequeueCount": ("json", "1"),
        "ExpirationTime": ("json", '"2026-01-02T03:04:05+00:00"'),
        "Id": ("string", "id"),
        "InsertionTime": ("json", '"2026-01-02T03:04:05+00:00"'),
        "NextVisibleTime": ("json", '"2026-01-02T03:04:05+00:00"'),
        "PopReceipt": ("string", "receipt"),
    }


def test_a_call_by_the_admin_address_has_no_message() -> None:
    by_hand = told(None, "[1]")
    assert (by_hand["Id"], by_hand["PopReceipt"], by_hand["DequeueCount"]) == (None, None, ("json", "0"))
    assert by_hand["NextVisibleTime"] == ("json", '"9999-12-31T23:59:59.9999999+00:00"')


def test_properties_of_a_json_object_come_on_top_whatever_their_type_and_case() -> None:
    document = {"id": "mine", "DEQUEUECOUNT": "many", "PopReceipt": None, "step": "probe", "n": [1]}
    given = told(None, json.dumps(document))
    assert given["Id"] == ("string", "mine")
    assert given["DequeueCount"] == ("string", "many")
    assert given["PopReceipt"] is None
    assert given["step"] == ("string", "probe")
    assert given["n"] == ("json", "[1]")
