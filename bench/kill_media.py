"""`python -m bench.kill_media`: faults of the machine that must not count against a file.

First every media process is killed for a minute while good videos wait. Then the worker of one chunk is killed five
times, and the worker of one audio track is stopped five times. All videos have to become READY, and no attempt may
count as failed. The second part takes a quarter of an hour, because lost attempts wait longer each time.
"""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

from bench.kill import PROJECT, SETTINGS, make_sources, noting_problems, retry, until, upload
from bench.kill import Report as Problems
from client import Client
from client.models import Video
from connector.domain.step import Step, TaskId
from connector.domain.task import Task
from connector.storage.azure import AzureStorage
from local.stack import Stack

PATIENCE = 1800
"""Seconds after which a video counts as stuck."""
WORKERS = ("host", "queues", "encoder-1", "encoder-2")


def media_processes(stack: Stack) -> set[int]:
    """Returns the process ids of all media processes: the children of the workers' fork servers."""
    pids = stack.pids
    servers = [child for name in WORKERS if name in pids for child in _children(pids[name]) if _is_forked(child)]
    return {child for server in servers for child in _children(server)}


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def _is_forked(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"connector.sandbox.fork_server" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


@contextmanager
def killing(stack: Stack, seconds: float) -> Iterator[set[int]]:
    """Kills every media process for so long. Yields the ids of those that were killed so far."""
    killed: set[int] = set()
    end = time.monotonic() + seconds

    def kill() -> None:
        while time.monotonic() < end:
            for pid in media_processes(stack) - killed:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            time.sleep(0.005)

    thread = threading.Thread(target=kill, name="killer")
    thread.start()
    try:
        yield killed
    finally:
        thread.join()


def begin_publish(stack: Stack, source: Path) -> Video:
    """Uploads a video and says so. Returns it as it was created."""
    with Client(stack.api) as client:
        video = retry(lambda: client.create(source.name))
        upload(client, video, source)
        retry(lambda: client.mark_complete(video.id))
        return video


def check(stack: Stack, video: Video) -> list[Task]:
    """Waits for the video. Returns its tasks. Raises AssertionError when it failed, TimeoutError when it is stuck."""
    with Client(stack.api) as client, closing(AzureStorage(stack.connection_string)) as storage:
        until(lambda: retry(lambda: client.status(video.id)).final, f"video {video.id}", PATIENCE)
        status = client.status(video.id)
        tasks = storage.tasks.overview(UUID(video.id))
    failed = [str(task.id) for task in tasks if task.failures]
    if status.status != "Completed" or failed:
        raise AssertionError(f"{status.status}: {status.message} Attempts that count as failed: {failed}")
    return tasks


def kill_media(stack: Stack, source: Path, videos: int, seconds: float, report: Problems) -> str:
    """Publishes videos while every media process is killed for so long. Returns what happened."""
    begin = time.monotonic()
    with killing(stack, seconds) as killed, ThreadPoolExecutor(4) as pool:
        begun = list(pool.map(partial(begin_publish, stack), [source] * videos))
    for video in begun:
        with noting_problems(report, f"video {video.id}"):
            check(stack, video)
    took = time.monotonic() - begin
    return f"{videos} videos, {len(killed)} media processes killed in {seconds:.0f} s, all ended after {took:.0f} s"


def hit_workers(stack: Stack, source: Path, most: int, report: Problems) -> str:
    """Publishes a video whose first chunk's worker is killed, and that of its sound stopped. Returns what happened."""
    begin = time.monotonic()
    video = begin_publish(stack, source)
    blows = {TaskId(Step.CHUNK): signal.SIGKILL, TaskId(Step.AUDIO): signal.SIGTERM}
    hits: Counter[TaskId] = Counter()
    with closing(AzureStorage(stack.connection_string)) as storage:
        while any(hits[task] < most for task in blows) and time.monotonic() - begin < PATIENCE:
            time.sleep(0.05)
            for row in retry(lambda: storage.tasks.overview(UUID(video.id))):
                if row.id in blows and not row.done and row.attempts > hits[row.id] < most and row.due is None:
                    pid = int(row.worker.rpartition(":")[2])
                    if pid in stack.pids.values():
                        os.kill(pid, blows[row.id])
                        hits[row.id] += 1
    with noting_problems(report, f"video {video.id}"):
        check(stack, video)
    told = ", ".join(f"{task}: {blows[task].name} {hits[task]} times" for task in blows)
    return f"{told}; ended after {time.monotonic() - begin:.0f} s"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.kill_media", description=__doc__)
    parser.add_argument("videos", type=int, nargs="?", default=20)
    parser.add_argument("--seconds", type=float, default=60, help="how long media processes are killed")
    parser.add_argument("--hits", type=int, default=5, help="how often each of the two workers is hit")
    arguments = parser.parse_args()
    report = Problems(seed=0)
    settings = {**SETTINGS, "CHUNK_SECONDS": "30", "QUEUE_LEASE_SECONDS": "600", "DRAIN_SECONDS": "1"}
    short, long = make_sources(PROJECT / ".data" / "bench", (3, 60))
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(PROJECT, Path(folder) / "stack", encoders=2, in_memory=False, env=settings) as stack,
    ):
        print(kill_media(stack, short, arguments.videos, arguments.seconds, report), flush=True)
        if arguments.hits:
            print(hit_workers(stack, long, arguments.hits, report), flush=True)
    print("\n".join(f"FAILED: {problem}" for problem in report.problems))
    return int(bool(report.problems))


if __name__ == "__main__":
    sys.exit(main())
