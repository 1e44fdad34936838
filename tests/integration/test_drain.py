"""A stack that is told to end takes nothing new. What runs ends, or stays hidden for its lease; nothing is lost."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from client import Client
from connector.domain.task import Task
from connector.storage.azure import AzureStorage
from local.stack import Stack
from tests.conftest import PROJECT
from tests.support.media_jobs import begun_by
from tests.support.publishing import numbered_source
from tests.support.toy import Toy, alive, until

pytestmark = [pytest.mark.media, pytest.mark.azurite]

ALONE = {"QUEUE_LEASE_SECONDS": "600", "SWEEP_SCHEDULE": "0 0 0 29 2 *", "SEGMENT_SECONDS": "2", "CHUNK_SECONDS": "4"}
"""Neither does a lease end in time nor does the timer help: what was cut off would not be done again."""
LEASE = 12  # seconds
SLOW, QUICK = {"ENCODER_PRESET": "veryslow"}, {"ENCODER_PRESET": "ultrafast"}
WORKERS = ("host", "queues", "encoder-1", "encoder-2")


def stack(folder: Path, encoders: int = 2, **env: str) -> Stack:
    return Stack(PROJECT, folder / "data", encoders=encoders, env={**ALONE, **env}, in_memory=False)


def upload(stack: Stack) -> UUID:
    with Client(stack.api) as client:
        video = client.create("a.mp4")
        client.upload(video, numbered_source())
        client.mark_complete(video.id)
        return UUID(video.id)


def publish_the_rest(folder: Path, video_id: UUID) -> dict[str, int]:
    """Starts again with the same data; how often each task was begun until the video was ready."""
    with stack(folder, 1, **QUICK) as again, Client(again.api) as client, tasks_of(again, video_id) as tasks:
        assert list(client.watch(str(video_id), every=0.2))[-1].status == "Completed"
        return {str(task.id): task.attempts for task in tasks() if task.attempts}


@contextmanager
def tasks_of(stack: Stack, video_id: UUID) -> Iterator:
    storage = AzureStorage(stack.connection_string)
    try:
        yield lambda: storage.tasks.overview(video_id)
    finally:
        storage.close()


def begun(stack: Stack, video_id: UUID) -> list[Task]:
    """Encoding tasks, as soon as there are some."""
    with tasks_of(stack, video_id) as tasks:
        return until(lambda: [task for task in tasks() if task.attempts], "a task to begin")


def media_processes(stack: Stack) -> dict[str, int]:
    """Those of the workers, once some are at work: children of their fork servers."""
    workers = [pid for name, pid in stack.pids.items() if name in WORKERS]

    def found() -> dict[str, int]:
        servers = [server for worker in workers for server in begun_by(worker)]
        pids = [pid for server in servers for pid in begun_by(server) if is_sealed(pid)]
        return {f"media process {pid}": pid for pid in pids}

    return until(found, "a media process")


def is_sealed(pid: int) -> bool:
    """Whether a media process has begun: it can open no file then."""
    try:
        return "Max open files            0 " in Path(f"/proc/{pid}/limits").read_text()
    except OSError:
        return False  # it has just ended


def test_what_the_grace_period_cuts_off_stays_hidden_for_its_lease_and_is_then_done_again(tmp_path):
    """In Azure the lease is ten minutes. Only the timer is quicker: it starts silent tasks again after two."""
    short = {"QUEUE_LEASE_SECONDS": str(LEASE)}
    with stack(tmp_path, **SLOW, **short, DRAIN_SECONDS="0") as first:
        video_id = upload(first)
        interrupted = {str(task.id) for task in begun(first, video_id) if not task.done}
        media = media_processes(first)
        first.signal(signal.SIGTERM)
        assert first.wait() == 0
        ended = time.monotonic()
        until(lambda: not alive(media), "the media processes to end")
    with stack(tmp_path, 1, **QUICK, **short) as again, Client(again.api) as client, tasks_of(again, video_id) as tasks:
        while time.monotonic() < ended + LEASE / 2 - 1:  # leases are renewed at half: none ends before
            assert {task.attempts for task in tasks() if str(task.id) in interrupted} == {1}, "nothing is given back"
            time.sleep(0.2)
        assert list(client.watch(str(video_id), every=0.2))[-1].status == "Completed"
        attempts = {str(task.id): task.attempts for task in tasks() if task.attempts}
    assert interrupted
    assert {attempts[name] for name in interrupted} == {2}
    assert set(attempts.values()) <= {1, 2}


def test_within_the_grace_period_running_tasks_end_and_are_not_done_again(tmp_path):
    with stack(tmp_path, **QUICK, DRAIN_SECONDS="60") as first:
        video_id = upload(first)
        begun(first, video_id)
        first.signal(signal.SIGTERM)
        assert first.wait() == 0
    assert set(publish_the_rest(tmp_path, video_id).values()) == {1}


def test_media_processes_end_with_a_worker_that_was_killed(tmp_path):
    with stack(tmp_path, **SLOW) as running:
        video_id = upload(running)
        begun(running, video_id)
        media = media_processes(running)
        worker = running.pids["encoder-1"]
        for pid in media.values():
            assert os.getsid(pid) == os.getsid(worker)
            assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, worker)
        for pid in media.values():
            os.kill(pid, signal.SIGSTOP)  # it can notice nothing by itself
        for name in WORKERS:
            os.kill(running.pids[name], signal.SIGKILL)
        until(lambda: not alive(media), "the media processes to end")


def test_a_request_that_is_under_way_is_answered_and_no_new_one_comes_in(tmp_path):
    with Toy(tmp_path, encoders=1) as toy:
        address = urlsplit(toy.stack.api)
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            connection.sendall(b"POST /api/size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf")
            toy.request("GET", "echo/5")  # answered by the same loop: the half is there
            toy.stack.signal(signal.SIGTERM)
            until(lambda: refuses(address.hostname, address.port), "the host to take no more")
            connection.sendall(b"half")
            answer = b"".join(iter(lambda: connection.recv(10_000), b""))  # until the host closes it
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b'\r\n\r\nb\r\n{"size": 8}\r\n0\r\n\r\n')  # in chunks, as the real host answers
        assert toy.stack.wait() == 0


def refuses(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False
