"""The local host keeps the real host's semantics. Every test runs real processes and a real Azurite."""

import json
import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from azure.storage.queue import QueueServiceClient

from local.azurite import Azurite
from local.stack import StackError
from tests.support.toy import Toy, alive, until

pytestmark = pytest.mark.azurite

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    with Toy(tmp_path_factory.mktemp("toy")) as toy:
        yield toy


# HTTP


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_function_without_methods_takes_all_of_them(toy, method):
    assert toy.json(method, "echo/5")["method"] == method


def test_head_reaches_the_function_and_has_no_body(toy):
    status, headers, body = toy.request("HEAD", "things/1")
    assert (status, body) == (404, b"")  # things takes GET only
    status, headers, body = toy.request("HEAD", "echo/5")
    assert (status, body) == (200, b"")
    assert headers["Content-Type"] == "application/json"


def test_a_request_arrives_whole(toy):
    echo = toy.json("POST", "ECHO/5/a%20b/?q=1&q=2&x=%26", b"body", {"x-thing": "thing"})
    assert echo["route"] == {"number": "5", "rest": "a b"}
    assert echo["query"] == {"q": "1,2", "x": "&"}
    assert echo["header"] == "thing"
    assert echo["body"] == "body"
    assert echo["url"] == f"{toy.stack.api}/ECHO/5/a%20b/?q=1&q=2&x=%26"
    assert echo["function"] == "echo"
    assert echo["invocation"]


@pytest.mark.parametrize("path", ["echo/five", "echo", "echo/5/a/b", "nothing", "/other/echo/5", "/echo/5"])
def test_an_address_without_a_route_is_an_empty_404(toy, path):
    status, _, body = toy.request("GET", path)
    assert (status, body) == (404, b"")


def test_a_wrong_method_is_an_empty_404(toy):
    status, _, body = toy.request("DELETE", "things/1")
    assert (status, body) == (404, b"")


def test_the_root_has_no_page(toy):
    assert toy.request("GET", "/")[::2] == (204, b"")  # infra/ switches the host's own page off


def test_the_first_function_by_name_is_called_whatever_its_template(toy):
    assert toy.json("GET", "things/Special") == {"id": "Special"}


def test_an_exception_is_an_empty_500_and_its_trace_is_in_the_log(toy):
    status, _, body = toy.request("GET", "boom")
    assert (status, body) == (500, b"")
    assert 'raise RuntimeError("a secret of the app")' in toy.log()


def test_headers_and_cookies_of_an_answer_are_kept(toy):
    status, headers, _ = toy.request("GET", "cookies")
    assert status == 201
    assert headers["X-Answer"] == "yes"
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers.get_all("Set-Cookie") == ["a=1; domain=; path=/", "b=2; domain=; path="]


def test_a_body_without_content_length_does_not_reach_the_function(toy):
    assert toy.json("POST", "size", b"x" * 2_000_000) == {"size": 2_000_000}
    chunks = iter([b"some", b"chunks"])
    assert toy.json("POST", "size", chunks) == {"size": 0}


def test_a_body_over_100_mb_is_a_500_before_it_is_sent(toy):
    parts = urlsplit(toy.stack.api)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        length = 100 * 1024 * 1024 + 1
        connection.sendall(f"POST /api/size HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 500 ")


def test_keys_are_not_asked_for_by_default(toy):
    assert toy.request("GET", "keyed")[0] == 200
    assert toy.request("GET", "mastered")[0] == 200


# Queues


def test_an_output_of_one_message_and_what_it_triggers(toy):
    task = {"do": "ok", "name": "single", "more": ["one", "two"]}
    assert toy.request("POST", "send/work", json.dumps(task))[0] == 202
    (start,) = toy.recorded("work-start", name="single")
    assert start["count"] == 1
    assert start["id"]
    assert start["inserted"].endswith("+00:00")
    assert start["pid"] == toy.stack.pids["queues"]
    assert sorted(record["body"] for record in toy.recorded("next", 2)) == ["one", "two"]


def test_an_output_of_a_list_is_one_message_each_and_encoders_take_them_one_at_a_time(toy):
    tasks = [{"do": "sleep", "seconds": 0.2, "name": "list", "n": n} for n in range(5)]
    assert toy.request("POST", "send/encode", json.dumps([json.dumps(task) for task in tasks]))[0] == 202
    ends = toy.recorded("encode-end", 5, name="list")
    starts = toy.recorded("encode-start", 5, name="list")
    assert sorted(record["task"]["n"] for record in ends) == [0, 1, 2, 3, 4]
    pids = toy.stack.pids
    assert {record["pid"] for record in starts} == {pids["encoder-1"], pids["encoder-2"]}
    for pid in {record["pid"] for record in starts}:
        edges = sorted(
            [(record["at"], 1) for record in starts if record["pid"] == pid]
            + [(record["at"], -1) for record in ends if record["pid"] == pid]
        )
        assert [step for _, step in edges] == [1, -1] * (len(edges) // 2)


def test_outputs_of_a_function_that_failed_are_not_sent(toy):
    lost = {"do": "ok", "name": "lost"}
    assert toy.request("POST", "send/work?fail=1", json.dumps(lost))[0] == 500
    toy.send("work", {"do": "ok", "name": "afterwards"})
    toy.recorded("work-end", name="afterwards")
    assert not list(toy.records.glob("*lost*"))
    assert toy.messages("work") == []


def test_a_message_that_always_fails_is_tried_up_to_the_limit_and_then_moves_to_the_poison_queue(toy):
    task = {"do": "fail", "name": "always"}
    toy.send("work", task)
    until(lambda: json.dumps(task) in [r["body"] for r in toy.recorded("work-poison")], "the poison message")
    assert [record["count"] for record in toy.recorded("work-start", 2, name="always")] == [1, 2]


def test_a_message_that_is_not_base64_moves_to_the_poison_queue_without_running(toy):
    toy.queues.get_queue_client("next").send_message("no base64!")
    poison = toy.queues.get_queue_client("next-poison")
    until(lambda: any(q.name == "next-poison" for q in toy.queues.list_queues()), "next-poison")
    (message,) = until(lambda: list(poison.peek_messages()), "the message")
    assert message.content == "no base64!"


def test_a_lease_is_renewed_while_the_function_runs(toy):
    toy.send("encode", {"do": "sleep", "seconds": 3, "name": "longer than its lease"})
    toy.recorded("encode-end", name="longer than its lease")
    assert len(toy.recorded("encode-start", name="longer than its lease")) == 1


def test_a_process_that_dies_is_replaced_and_its_message_ends_in_the_poison_queue(toy):
    task = {"do": "exit", "name": "crash"}
    before = toy.stack.pids
    toy.send("encode", task)
    (poison,) = toy.recorded("encode-poison")
    assert poison["body"] == json.dumps(task)
    starts = toy.recorded("encode-start", 2, name="crash")
    assert [record["count"] for record in starts] == [1, 2]
    died = {record["pid"] for record in starts}
    assert until(lambda: len(alive(toy.stack.pids)) == 6 and not died & set(toy.stack.pids.values()), "a new process")
    assert toy.stack.pids["host"] == before["host"]
    assert "ended with status 1; it starts again" in toy.log()
    toy.send("encode", {"do": "ok", "name": "after crash"})
    toy.recorded("encode-end", name="after crash")


def test_queues_give_way_to_requests_and_to_the_storage(toy):
    pids = toy.stack.pids
    assert len({os.getsid(pid) for pid in pids.values()}) == 1, "niceness counts within one session only"
    niceness = {name: os.getpriority(os.PRIO_PROCESS, pid) for name, pid in pids.items()}
    first = {niceness[name] for name in ("supervisor", "azurite", "host")}
    assert max(first) < min(niceness[name] for name in ("queues", "encoder-1", "encoder-2"))


# Blobs


HOOK = "/runtime/webhooks/blobs?functionName=Host.Functions.uploaded"


@pytest.fixture(scope="module")
def uploads(toy):
    return toy.blobs.create_container("uploads")


def test_a_new_blob_runs_its_function_and_so_does_its_replacement(toy, uploads):
    def of(name):
        return [record for record in toy.recorded("blob") if record["name"] == f"uploads/{name}"]

    uploads.upload_blob("video/ä b.mp4", b"12345")
    (record,) = until(lambda: of("video/ä b.mp4"), "the blob's run")
    assert record["length"] == 5
    assert record["uri"] == uploads.get_blob_client("video/ä b.mp4").url
    uploads.upload_blob("video/ä b.mp4", b"123456", overwrite=True)
    until(lambda: [record["length"] for record in of("video/ä b.mp4")] == [5, 6], "the second run")


def test_the_content_of_a_blob_can_be_read_in_parts(toy, uploads):
    uploads.upload_blob("text/a.txt", b"first and rest")
    (record,) = toy.recorded("blob-read")
    assert (record["start"], record["rest"]) == ("firs", "t and rest")


def test_a_blob_whose_function_always_fails_is_reported_in_the_poison_queue(toy, uploads):
    uploads.upload_blob("x/bad", b"")
    until(lambda: any(q.name == "webjobs-blobtrigger-poison" for q in toy.queues.list_queues()), "the queue")
    (message,) = until(lambda: toy.messages("webjobs-blobtrigger-poison"), "the message")
    told = json.loads(message)
    assert (told["ContainerName"], told["BlobName"]) == ("uploads", "x/bad")
    assert told["FunctionId"] == "Host.Functions.uploaded"


def test_the_webhook_answers_event_grids_handshake(toy):
    body = json.dumps([{"data": {"validationCode": "512d38b6"}}])
    kind = {"aeg-event-type": "SubscriptionValidation", "Content-Type": "application/json"}
    answer = toy.json("POST", HOOK, body, kind)
    assert answer == {"validationResponse": "512d38b6"}


def test_the_webhook_refuses_what_it_cannot_use(toy):
    assert toy.request("POST", HOOK, "no json", JSON)[0] == 400


# Timers and the admin address


def test_a_timer_runs_on_its_schedule(toy):
    records = toy.recorded("tick", 2)
    assert records[0]["past_due"] is False
    assert {record["pid"] for record in records} <= {toy.stack.pids["host"]}


def test_the_admin_address_runs_a_timer_a_queue_and_a_blob_function_now(toy, uploads):
    def run(name, document, kind="application/json; charset=utf-8"):
        body = json.dumps(document)
        return toy.request("POST", f"/admin/functions/{name}", body, {"Content-Type": kind})[0]

    assert run("Rarely", {"input": ""}) == 202
    assert len(toy.recorded("rarely")) == 1
    task = {"do": "ok", "name": "by admin"}
    assert run("encode", {"input": json.dumps(task)}) == 202
    toy.recorded("encode-end", name="by admin")
    (start,) = toy.recorded("encode-start", name="by admin")
    assert (start["id"], start["count"]) == (None, 0)  # there is no message: the function is called directly
    assert run("nothing", {}) == 404
    assert run("Rarely", {}) == 202  # without input nothing runs
    assert run("Rarely", {"input": {}}) == run("Rarely", []) == 400
    assert run("Rarely", {"input": ""}, "text/plain") == 415
    assert len(toy.recorded("rarely")) == 1


def test_the_admin_address_drains_the_host_which_goes_on_answering(tmp_path):
    with Toy(tmp_path, encoders=0) as toy:
        status = "/admin/host/drain/status"
        assert toy.json("GET", status) == {"state": "Disabled"}
        assert toy.request("GET", "/admin/host/drain")[0] == 404
        assert toy.request("POST", "/admin/host/drain")[0] == 202
        until(lambda: toy.json("GET", status) == {"state": "Completed"}, "the drain")
        assert toy.json("GET", "echo/5")["method"] == "GET"


# Without keys, pages of other origins


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.0.2.1", "localhost.evil.example:80"])
@pytest.mark.parametrize(("method", "path"), [("GET", "echo/5"), ("OPTIONS", "echo/5"), ("POST", "/admin/host/drain")])
def test_a_name_that_is_not_this_machines_is_refused(toy, method, path, host):
    asked = {"Host": host, "Origin": "http://evil.example", "Access-Control-Request-Method": "DELETE"}
    status, headers, _ = toy.request(method, path, headers=asked)
    assert status == 421
    assert "Access-Control-Allow-Origin" not in headers
    assert toy.json("GET", "/admin/host/drain/status") == {"state": "Disabled"}


@pytest.mark.parametrize("host", ["localhost:7071", "LOCALHOST", "127.0.0.1", "127.1.2.3:1", "[::1]:7071"])
def test_the_names_of_this_machine_are_answered(toy, host):
    assert toy.request("GET", "echo/5", headers={"Host": host})[0] == 200


def test_no_page_runs_a_function_by_the_admin_address_or_the_webhook(toy):
    before = len(toy.records_of("rarely"))
    event = {"aeg-event-type": "Notification"}
    for origin in ("https://evil.example", "null", toy.stack.api.removesuffix("/api")):
        page = {**JSON, "Origin": origin}
        assert toy.request("POST", "/admin/functions/rarely", '{"input": ""}', page)[0] == 403
        assert toy.request("POST", "/admin/host/drain", headers=page)[0] == 403
        assert toy.request("POST", HOOK, "[]", {**page, **event})[0] == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        simple = {"Content-Type": kind} if kind else {}
        assert toy.request("POST", "/admin/functions/rarely", '{"input": ""}', simple)[0] == 415
        assert toy.request("POST", HOOK, "[]", {**simple, **event})[0] == 415
    assert len(toy.records_of("rarely")) == before
    assert toy.json("GET", "/admin/host/drain/status") == {"state": "Disabled"}


# Starting, timeouts, stopping


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "example.test"])  # noqa: S104 - refused
def test_other_machines_are_not_let_in_without_keys(tmp_path, address):
    with pytest.raises(StackError, match=f"BIND={address} lets other machines call, which needs --auth"):
        Toy(tmp_path, env={"BIND": address}).__enter__()


def test_keys_are_asked_for_on_demand(tmp_path):
    keys = {"FUNCTIONS_KEY": "f-key", "FUNCTIONS_MASTER_KEY": "m-key"}
    with Toy(tmp_path, env=keys, encoders=1, arguments=["--auth"]) as toy:
        assert toy.request("GET", "echo/5")[0] == 200
        assert toy.request("GET", "keyed")[0] == 401
        assert toy.request("GET", "keyed?code=wrong")[0] == 401
        assert toy.request("GET", "keyed?code=f-key")[0] == 200
        assert toy.request("GET", "keyed", headers={"x-functions-key": "m-key"})[0] == 200
        assert toy.request("GET", "mastered", headers={"x-functions-key": "f-key"})[0] == 401
        assert toy.request("GET", "mastered", headers={"x-functions-key": "m-key"})[0] == 200
        assert toy.request("POST", "/admin/functions/rarely", "{}")[0] == 401
        assert toy.request("POST", "/admin/functions/rarely?code=f-key", "{}")[0] == 403
        # The watcher in the host has to bring its key to the webhook, too.
        toy.blobs.create_container("uploads").upload_blob("a/b", b"")
        toy.recorded("blob")


def test_a_request_over_its_time_is_answered_and_costs_its_process(tmp_path):
    with Toy(tmp_path, "00:00:01", encoders=0) as toy:
        before = toy.stack.pids
        assert toy.request("GET", "hang")[0] == 500
        # The listening socket outlives the host: a request meanwhile waits.
        assert toy.request("GET", "echo/5")[0] == 200
        until(lambda: toy.stack.pids["host"] != before["host"], "a new host")


def test_the_first_signal_lets_a_running_message_end_and_told_blobs_are_not_told_again(tmp_path):
    with Toy(tmp_path, env={"QUEUE_LEASE_SECONDS": "600"}, encoders=1, in_memory=False) as toy:
        toy.blobs.create_container("uploads").upload_blob("first/a.mp4", b"")
        toy.recorded("blob")
        until((tmp_path / "data" / "blob-receipts-uploaded.json").exists, "the receipt")
        slow = {"do": "sleep", "seconds": 1.5, "name": "slow"}
        toy.send("encode", slow)
        toy.recorded("encode-start", name="slow")
        toy.send("encode", {"do": "ok", "name": "waiting"})
        toy.stack.signal(signal.SIGTERM)
        assert toy.stack.wait() == 0
        assert len(toy.recorded("encode-end", name="slow")) == 1
        assert not any("waiting" in path.read_text() for path in toy.records.iterdir())
    with Toy(tmp_path, encoders=1, in_memory=False) as toy:
        toy.recorded("encode-end", name="waiting")
        toy.blobs.get_container_client("uploads").upload_blob("second/b.mp4", b"")
        names = [record["name"] for record in toy.recorded("blob", 2)]
        assert names == ["uploads/first/a.mp4", "uploads/second/b.mp4"]
        assert len(toy.recorded("encode-start", name="slow")) == 1


def test_the_second_signal_ends_at_once_and_gives_no_message_back(tmp_path):
    with Toy(tmp_path, env={"QUEUE_LEASE_SECONDS": "600"}, encoders=1, in_memory=False) as toy:
        toy.send("encode", {"do": "sleep", "seconds": 60, "name": "long"})
        toy.recorded("encode-start", name="long")
        toy.stack.signal(signal.SIGINT)
        until(lambda: "host" not in alive(toy.stack.pids), "the host to end")
        toy.stack.signal(signal.SIGINT)
        assert toy.stack.wait() == 0
    with Azurite(tmp_path / "data" / "azurite") as azurite:
        with QueueServiceClient.from_connection_string(azurite.connection_string) as queues:
            encode = queues.get_queue_client("encode")
            assert encode.get_queue_properties().approximate_message_count == 1
            assert encode.peek_messages() == []


def test_nothing_outlives_a_killed_supervisor(tmp_path):
    with Toy(tmp_path, encoders=1) as toy:
        pids = toy.stack.pids
        assert set(pids) == {"supervisor", "azurite", "host", "queues", "encoder-1"}
        toy.send("encode", {"do": "child"})
        (record,) = toy.recorded("child")
        pids["a function's own process"] = record["child"]
        assert alive(pids) == set(pids)
        toy.stack.signal(signal.SIGKILL)
        until(lambda: not alive(pids), "all processes to end")


def start(folder, **environment):
    """Exit status, stdout and stderr of a stack that cannot start."""
    toy = Toy(folder, env=environment)
    done = subprocess.run(
        [sys.executable, "-m", "local", "--app", str(toy.app), "--in-memory"],
        env=toy.stack.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("variable", ["PORT", "BLOB_PORT", "QUEUE_PORT", "TABLE_PORT"])
def test_a_port_that_is_taken_is_named_with_its_variable(tmp_path, variable):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, error = start(tmp_path, **{variable: str(port)})
    assert (status, out) == (1, "")
    assert len(error.splitlines()) == 1
    assert f"Port {port} " in error
    assert variable in error.split()[-1]


def test_a_missing_node_is_told_with_the_remedy(tmp_path):
    status, out, error = start(tmp_path, PATH=str(tmp_path))
    assert (status, out) == (1, "")
    assert error == "error: node was not found: run `make setup`.\n"


def test_an_app_that_cannot_be_imported_ends_the_start(tmp_path):
    toy = Toy(tmp_path, encoders=1)
    (toy.app / "function_app.py").write_text("import no_such_module\n")
    done = subprocess.run(
        [sys.executable, "-m", "local", "--app", str(toy.app), "--in-memory"],
        env=toy.stack.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert "No module named 'no_such_module'" in done.stderr
    assert done.stdout == ""
