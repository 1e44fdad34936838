"""Queue triggers hold the rules that were measured on the real host: leases, counts, pauses, poison, outputs."""

import asyncio
import base64
import itertools
import json
import os
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.storage.queue import QueueServiceClient
from azure.storage.queue.aio import QueueServiceClient as AsyncQueueServiceClient

from local.app import load
from local.azurite import Azurite
from local.config import HostOptions, QueueOptions
from local.instance import Instance
from local.queues import QueueListener
from tests.support.toy import Toy, until

pytestmark = pytest.mark.azurite

APP = Path(__file__).parent / "trigger_app"
PAUSE = 1.0
QUEUES = {
    "batchSize": 1,
    "newBatchThreshold": 0,
    "maxDequeueCount": 5,
    "visibilityTimeout": "00:00:01",
    "maxPollingInterval": "00:00:00.2",
}
"""As in the project's host.json, but for the pause between two attempts, which is 5 s there."""


def host(folder, queues=QUEUES, lease="600", **options):
    return Toy(folder, source=APP, queues=queues, env={"QUEUE_LEASE_SECONDS": lease}, encoders=0, **options)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """One host for most tests; its leases take ten minutes, as in Azure, so that none ends meanwhile."""
    with host(tmp_path_factory.mktemp("queues")) as toy:
        yield toy


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def buried_with(toy, text):
    """The runs of the poison queue's function with messages that hold this text."""
    return [record for record in toy.records_of("buried") if text in record["body"]]


def has(toy, name):
    return any(queue.name == name for queue in toy.queues.list_queues())


def emptied(toy, name):
    """A queue that is there, with no messages in it."""
    if has(toy, name):
        toy.queues.get_queue_client(name).clear_messages()
    else:
        toy.queues.create_queue(name)


def test_a_message_is_hidden_for_ten_minutes_while_it_runs(toy):
    toy.send("work", {"do": "ok", "name": "lease"})
    (start,) = toy.recorded("work-start", name="lease")
    hidden = datetime.fromisoformat(start["visible"]) - datetime.fromtimestamp(start["at"]).astimezone()
    assert timedelta(seconds=590) < hidden <= timedelta(seconds=601)
    assert start["count"] == 1
    assert start["id"]
    assert start["receipt"]


def test_a_lease_is_asked_for_whole_and_renewed_at_half():
    seen = []

    def requested(request):
        query = parse_qs(urlsplit(request.http_request.url).query)
        seen.append((time.monotonic(), request.http_request.method, query.get("visibilitytimeout", [""])[0]))

    async def listen(connection):
        ended = asyncio.get_running_loop().create_future()

        async def handle(message, text):
            await asyncio.sleep(4.6)
            ended.set_result((message.dequeue_count, text))

        async with AsyncQueueServiceClient.from_connection_string(connection, raw_request_hook=requested) as service:
            queue = service.get_queue_client("leased")
            await queue.create_queue()
            await queue.send_message(in_base64(b"long"))
            options = QueueOptions(batch_size=1, new_batch_threshold=0, max_polling_interval=0.2)
            listener = QueueListener(queue, lambda _: queue, handle, options, 4)
            running = asyncio.create_task(listener.run())
            await ended
            listener.stop()
            await running
            return await ended

    with Azurite() as azurite:
        assert asyncio.run(listen(azurite.connection_string)) == (1, "long")
    took = [(at, timeout) for at, method, timeout in seen if method == "GET"]
    renewed = [(at, timeout) for at, method, timeout in seen if method == "PUT" and timeout]
    assert {timeout for _, timeout in took + renewed} == {"4"}
    assert [round(at - took[0][0]) for at, _ in renewed] == [2, 4]
    assert [method for _, method, _ in seen].count("DELETE") == 1


def test_each_queue_runs_one_at_a_time_in_order_and_beside_the_others(toy):
    toy.send("work", *({"do": "sleep", "seconds": 0.5, "name": "order", "n": n} for n in range(3)))
    toy.send("side", {"do": "sleep", "seconds": 1.2, "name": "order"})
    ends = toy.recorded("work-end", 3, name="order")
    starts = toy.recorded("work-start", 3, name="order")
    assert [record["task"]["n"] for record in starts] == [0, 1, 2]
    assert all(end["at"] <= start["at"] for end, start in zip(ends, starts[1:], strict=False))
    (begin,), (end,) = toy.recorded("side-start", name="order"), toy.recorded("side-end", name="order")
    assert begin["at"] < ends[1]["at"]
    assert end["at"] > starts[1]["at"]


def test_a_failing_message_is_tried_five_times_with_pauses_and_then_buried_at_once(toy):
    task = {"do": "fail", "name": "always"}
    toy.send("work", task)
    toy.send("work", {"do": "ok", "name": "passes meanwhile"})
    starts = toy.recorded("work-start", 5, name="always")
    assert [record["count"] for record in starts] == [1, 2, 3, 4, 5]
    pauses = [later["at"] - earlier["at"] for earlier, later in itertools.pairwise(starts)]
    assert all(PAUSE <= pause < PAUSE + 1 for pause in pauses)
    (passed,) = toy.recorded("work-end", name="passes meanwhile")
    assert passed["at"] < starts[-1]["at"]
    (buried,) = until(lambda: buried_with(toy, json.dumps(task)), "the poison queue's function")
    assert buried["at"] < starts[-1]["at"] + 3  # without another pause
    assert buried["count"] == 1
    assert buried["id"] != starts[0]["id"]
    assert len(toy.records_of("work-start", name="always")) == 5


def test_what_is_not_base64_is_buried_at_the_first_look_and_never_runs(toy):
    sent = toy.queues.get_queue_client("work").send_message("no base64!")
    until(lambda: f"Message {sent.id} moves to work-poison" in toy.log(), "the poison queue")
    assert sent.id not in {record["id"] for record in toy.records_of("work-start")}
    assert not buried_with(toy, "no base64!")


def test_what_is_not_utf8_fails_five_times_before_the_function_and_is_buried(toy):
    content = in_base64(b"\xff\xfe{}")
    sent = toy.queues.get_queue_client("work").send_message(content)
    until(lambda: toy.log().count(f"Message {sent.id} moves to work-poison"), "the poison queue")
    assert toy.log().count(f"Message {sent.id} of work is not UTF-8") == 5
    # Neither does the poison queue's function get it.
    until(lambda: "of work-poison is not UTF-8" in toy.log(), "the look into the poison queue")
    assert all("\ufffd" not in record["body"] for record in toy.records_of("buried"))


def test_properties_of_a_json_message_override_what_is_told_of_it(toy):
    toy.send("work", {"do": "ok", "name": "override", "Id": "mine", "dequeuecount": 42})
    (start,) = toy.recorded("work-start", name="override")
    assert (start["id"], start["count"]) == ("mine", 42)


def test_an_override_of_the_wrong_type_fails_before_the_function(toy):
    task = {"do": "ok", "name": "wrong type", "DequeueCount": "many"}
    toy.send("work", task)
    until(lambda: "failed: " in toy.log() and "DequeueCount" in toy.log(), "the worker's error")
    assert not toy.records_of("work-start", name="wrong type")


def test_outputs_are_messages_in_order_and_the_empty_list_is_none(toy):
    emptied(toy, "next")
    toy.send(
        "work", {"do": "send", "more": [], "name": "none"}, {"do": "send", "more": ["a", "", "b"], "name": "three"}
    )
    toy.recorded("work-end", name="three")
    until(lambda: len(toy.messages("next")) >= 3, "the messages")
    assert toy.messages("next") == ["a", "", "b"]


def test_an_output_that_fails_half_way_is_sent_again_up_to_there_at_each_attempt(toy):
    emptied(toy, "next")
    toy.send("work", {"do": "send", "name": "too large"})
    until(lambda: buried_with(toy, "too large"), "the poison queue's function")
    assert len(toy.recorded("work-end", 5, name="too large")) == 5
    assert Counter(toy.messages("next")) == {"first": 5}
    assert "The outputs of function work could not be sent" in toy.log()


def test_a_request_whose_output_fails_half_way_is_answered_with_500(toy):
    emptied(toy, "next")
    status, _, body = toy.request("POST", "send", json.dumps(["one", "x" * 70_000, "three"]))
    assert (status, body) == (500, b"")
    assert toy.messages("next") == ["one"]


def test_a_queue_that_was_deleted_is_not_created_again_and_the_log_says_so_once(toy):
    toy.queues.delete_queue("side")
    said = "Queue side does not exist"
    until(lambda: said in toy.log(), "the warning")
    time.sleep(1.5)  # several looks
    assert toy.log().count(said) == 1
    assert not has(toy, "side")
    toy.queues.create_queue("side")
    toy.send("side", {"do": "ok", "name": "again"})
    toy.recorded("side-end", name="again")


def test_the_stack_creates_the_queues_of_the_triggers_and_no_others(tmp_path):
    with host(tmp_path) as toy:
        names = {queue.name for queue in toy.queues.list_queues()}
    assert names == {"work", "work-poison", "side", "azure-webjobs-blobtrigger-local"}


def test_a_timeout_is_a_failed_attempt(tmp_path):
    """Two attempts here, and five in the project: each costs a process, and the supervisor's pause grows."""
    queues = {**QUEUES, "maxDequeueCount": 2}
    with host(tmp_path, queues, function_timeout="00:00:01") as toy:
        task = {"do": "hang", "name": "hangs"}
        toy.send("work", task)
        until(lambda: buried_with(toy, json.dumps(task)), "the poison queue's function")
        starts = toy.recorded("work-start", 2, name="hangs")
        assert [record["count"] for record in starts] == [1, 2]
        assert starts[0]["pid"] != starts[1]["pid"]
        assert starts[1]["at"] - starts[0]["at"] >= 1 + PAUSE


def test_with_short_leases_what_fails_in_a_poison_queue_comes_back_and_a_sixth_look_buries(tmp_path):
    storage = tmp_path / "data" / "azurite"
    storage.mkdir(parents=True)
    with Azurite(storage) as azurite, QueueServiceClient.from_connection_string(azurite.connection_string) as queues:
        work = queues.create_queue("work")
        spent = in_base64(json.dumps({"do": "ok", "name": "spent"}).encode())
        work.send_message(spent)
        for _ in range(5):
            (message,) = work.receive_messages(visibility_timeout=60)
            work.update_message(message, visibility_timeout=0)
        assert message.dequeue_count == 5
    with host(tmp_path, lease="2", in_memory=False) as toy:
        (buried,) = until(lambda: buried_with(toy, "spent"), "the poison queue's function")
        assert buried["count"] == 1
        assert not toy.records_of("work-start", name="spent")
        poison = toy.queues.get_queue_client("work-poison")
        poison.send_message(in_base64(b'{"do": "fail again"}'))
        poison.send_message("no base64!")
        looks = until(lambda: buried_with(toy, "fail again")[1:], "a second look")
        assert looks[0]["count"] == 2

        def looked_at():
            found = [m for m in poison.peek_messages(32) if m.content == "no base64!"]
            return found and found[0].dequeue_count > 1

        until(looked_at, "a second look at what cannot be decoded")


def test_a_drain_takes_nothing_new_lets_what_runs_end_and_says_when_that_is(tmp_path, monkeypatch):
    """Inside one process, as the admin address asks for it."""
    monkeypatch.setenv("RECORDS", str(tmp_path))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "function_app", raising=False)

    async def drain(service):
        worker = Instance(load(APP, os.environ), HostOptions(queues=QueueOptions.read(QUEUES)))
        await worker.create_queues()
        await worker.start_queues()
        states = [worker.drain_state]
        work = service.get_queue_client("work")
        work.send_message(in_base64(b'{"do": "sleep", "seconds": 1}'))
        await asyncio.to_thread(until, lambda: any(tmp_path.glob("work-start-*.json")), "the run")
        worker.drain()
        states.append(worker.drain_state)
        work.send_message(in_base64(b'{"do": "ok"}'))
        await asyncio.to_thread(until, lambda: worker.drain_state != "InProgress", "the drain")
        states.append(worker.drain_state)
        ended = len(list(tmp_path.glob("work-end-*.json")))
        await asyncio.sleep(0.7)  # more than the longest pause between two looks
        await worker.queues.close()
        return states, ended, [message.content for message in work.peek_messages(32)]

    with Azurite() as azurite:
        monkeypatch.setenv("AzureWebJobsStorage", azurite.connection_string)
        with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
            states, ended, left = asyncio.run(drain(service))
    assert states == ["Disabled", "InProgress", "Completed"]
    assert ended == 1
    assert left == [in_base64(b'{"do": "ok"}')]
