"""`make soak`: kills encoders, queues, host and storage while videos are published; every video has to come out right.

All die by `kill -9` at random moments, and are only started again: nobody gives a message back, nobody clears up. On
top, messages are sent twice and out of order, and blob events are told again. What was published must be, byte for
byte, what an undisturbed run makes. The seed decides who is killed when, and what comes twice; it is printed.
"""

import argparse
import hashlib
import os
import platform
import random
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from bench.pipeline import run_ffmpeg
from bench.results import write_section
from client import AlreadyUploaded, Client, ClientError
from client.models import Video
from connector.domain.layout import UPLOADS, output_container, work_container
from connector.domain.messages import Message
from connector.storage.azure import AzureStorage
from local.blobs import blob_created
from local.stack import Stack

T = TypeVar("T")

PROJECT = Path(__file__).parent.parent
ENCODERS = 2
AT_ONCE = 4
"""Videos that are under way at the same time."""
LEASE = 600
"""Seconds for which the message of a dead worker stays hidden, as in Azure. The timer misses one that had begun long
before.
"""
PATIENCE = 300
"""Seconds beyond a lease after which a video counts as stuck."""
PAUSES = (4.0, 12.0)
"""Seconds between two kills, at least and at most: more often, and a task could meet five of them, which is its end."""
SETTINGS = {
    "DURABLE": "true",
    "ENCODER_PRESET": "ultrafast",
    "SEGMENT_SECONDS": "1",
    "CHUNK_SECONDS": "2",
    "STALL_MINUTES": "0.2",
    "SWEEP_SCHEDULE": "*/2 * * * * *",
}


@dataclass(frozen=True)
class Order:
    """One video to publish. `copies`: seconds after which each of its messages comes once more."""

    source: Path
    protect: bool
    mark: bool
    """Whether the client says that the upload is complete, or leaves it to the blob trigger."""
    events: tuple[float, ...]
    """Seconds after the upload at which its blob event comes again."""
    copies: tuple[tuple[str, int, float], ...]


@dataclass
class Report:
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    attempts: Counter[int] = field(default_factory=Counter)
    """How many tasks took so many attempts."""
    seconds: float = 0.0


def make_sources(folder: Path, lengths: Sequence[int]) -> list[Path]:
    """Tiny, with sound; `lengths` in seconds, enough for several chunks."""
    made = []
    for seconds in lengths:
        path = folder / f"kill-{seconds}.mp4"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_name("draft.mp4")
            picture = f"testsrc2=size=192x144:rate=25:duration={seconds}"
            sound = f"sine=frequency=440:sample_rate=48000:duration={seconds}"
            codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac"]
            run_ffmpeg(["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *codecs, str(draft)])
            draft.replace(path)
        made.append(path)
    return made


def make_orders(sources: list[Path], count: int, chance: random.Random) -> Iterator[Order]:
    """Clear and protected ones in turn."""
    messages = [("probe", 0), ("package", 0), ("chunk", 0), ("chunk", 1), ("audio", 0)]
    for n in range(count):
        doubled = chance.sample(messages, 2)
        yield Order(
            source=sources[n // 2 % len(sources)],
            protect=n % 2 == 1,
            mark=chance.random() < 0.7,
            events=tuple(chance.uniform(0, 6) for _ in range(2)),
            copies=tuple((step, index, chance.uniform(0, 10)) for step, index in doubled),
        )


class Killer:
    """Kills one process of the stack after the other until the context is left, or until there were `most`."""

    def __init__(
        self, stack: Stack, chance: random.Random, report: Report, pauses: tuple[float, float], most: int | None
    ) -> None:
        self._stack, self._chance, self._report = stack, chance, report
        self._pauses, self._most = pauses, most
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer")
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._most is None:
            self._over.set()
        self._thread.join()
        if self._failure is not None:
            self._report.problems.append(f"the killer broke: {self._failure!r}")

    def _run(self) -> None:
        try:
            for victim in self._victims():
                if self._over.wait(self._chance.uniform(*self._pauses)):
                    return
                self._kill(victim)
        except Exception as error:  # noqa: BLE001 - told in the report
            self._failure = error

    def _victims(self) -> Iterator[str]:
        names = [*(f"encoder-{n + 1}" for n in range(ENCODERS)), "queues", "host", "azurite"]
        done = 0
        while self._most is None or done < self._most:
            self._chance.shuffle(names)
            for name in names[: None if self._most is None else self._most - done]:
                yield name
                done += 1

    def _kill(self, victim: str) -> None:
        pid = self._stack.pids[victim]
        os.kill(pid, signal.SIGKILL)
        self._report.kills[victim] += 1
        # Only one that is up can be killed again; and another process may get the number of one that is gone.
        until(lambda: self._stack.pids[victim] != pid, f"{victim} to be started again", 60)


def until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{seconds:.0f} s were not enough for {what}")
        time.sleep(0.1)


def retry(act: Callable[[], T]) -> T:
    """Tries again as a user does whose click met a service that was just being started again."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except (ClientError, AzureError, httpx.HTTPError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def publish(stack: Stack, order: Order) -> Video:
    """The video as it was created; it is final. Raises TimeoutError when it is stuck."""
    with Client(stack.api) as client, ThreadPoolExecutor(len(order.events) or 1) as pool:
        video = retry(lambda: client.create(order.source.name, protect=order.protect))
        send_copies(stack, order, video)
        upload(client, video, order.source)
        told = [pool.submit(send_blob_event, stack, video, after) for after in order.events]
        if order.mark:
            retry(lambda: client.mark_complete(video.id))
        try:
            until(lambda: retry(lambda: client.status(video.id)).final, f"video {video.id}", LEASE + PATIENCE)
        except TimeoutError as error:
            steps = httpx.get(f"{stack.api}/Videos/{video.id}/Status").json()
            raise TimeoutError(f"{error}: {steps}") from None
        for event in told:
            event.result()
        return video


def upload(client: Client, video: Video, source: Path) -> None:
    def attempt() -> None:
        try:
            client.upload(video, source)
        except AlreadyUploaded:
            return  # the answer to the attempt before was lost

    retry(attempt)


def send_copies(stack: Stack, order: Order, video: Video) -> None:
    """Copies of messages that the app sends itself, some before and some after it does."""
    with QueueServiceClient.from_connection_string(stack.connection_string) as queues:
        for step, index, after in order.copies:
            message = Message.model_validate({"step": step, "video_id": video.id, "index": index})
            body = message.model_dump_json()
            queue = queues.get_queue_client(message.queue)
            retry(partial(queue.send_message, body, visibility_timeout=round(after)))


def send_blob_event(stack: Stack, video: Video, after: float) -> None:
    """Sends the storage's event once more, after so many seconds."""
    time.sleep(after)
    name = f"{video.id}/{video.id}.mp4"
    with BlobServiceClient.from_connection_string(stack.connection_string) as blobs:
        url = blobs.get_blob_client(UPLOADS, name).url
    event = blob_created(url, UPLOADS, name, "", 0)
    host = urlsplit(stack.api)
    address = f"{host.scheme}://{host.netloc}/runtime/webhooks/blobs?functionName=Host.Functions.UploadCompleted"
    told = {"aeg-event-type": "Notification"}
    retry(lambda: httpx.post(address, json=[event], headers=told).raise_for_status())


def published_blobs(stack: Stack, video: Video) -> dict[str, str]:
    """What was published: the digest of each blob; of a protected video, whose key is its own, the size."""
    with BlobServiceClient.from_connection_string(stack.connection_string) as blobs:
        container = blobs.get_container_client(output_container(UUID(video.id)))
        if video.key_id is not None:
            return {blob.name: str(blob.size) for blob in container.list_blobs()}
        names = [blob.name for blob in container.list_blobs()]
        return {name: hashlib.sha256(container.download_blob(name).readall()).hexdigest() for name in names}


def run(
    data: Path,
    publishes: int,
    seed: int,
    *,
    lengths: Sequence[int] = (3, 6),
    pauses: tuple[float, float] = PAUSES,
    most: int | None = None,
    lease: int = LEASE,
    say: Callable[[str], None] = print,
) -> Report:
    """`most` kills; as many as fit in where it is None. Keeps the stack's log in `data`."""
    chance, report = random.Random(seed), Report(seed)  # noqa: S311 - chosen to be repeatable
    sources = make_sources(PROJECT / ".data" / "bench", lengths)
    wanted = list(make_orders(sources, publishes, chance))
    settings = {**SETTINGS, "QUEUE_LEASE_SECONDS": str(lease)}
    begin = time.monotonic()
    with (
        Stack(PROJECT, data, encoders=ENCODERS, in_memory=False, env=settings) as stack,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        kinds = list({(order.source, order.protect): None for order in wanted})
        calm = pool.map(partial(publish, stack), [Order(source, protect, True, (), ()) for source, protect in kinds])
        expected = {kind: published_blobs(stack, video) for kind, video in zip(kinds, calm, strict=True)}
        say(f"seed {seed}: undisturbed after {time.monotonic() - begin:.0f} s")
        with Killer(stack, chance, report, pauses, most):
            running = [pool.submit(publish, stack, order) for order in wanted]
            for n, future in enumerate(running):
                with noting_problems(report, f"video {n}"):
                    video = future.result()
                    say(f"{time.monotonic() - begin:6.0f} s  {video.id} ended; kills: {sum(report.kills.values())}")
        for n, (order, future) in enumerate(zip(wanted, running, strict=True)):
            if future.exception() is None:
                with noting_problems(report, f"video {n}"):
                    check(stack, future.result(), expected[order.source, order.protect], report)
    report.seconds = time.monotonic() - begin
    return report


@contextmanager
def noting_problems(report: Report, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - told in the report
        report.problems.append(f"{what}: {error!r}")


def check(stack: Stack, video: Video, expected: dict[str, str], report: Report) -> None:
    with Client(stack.api) as client:
        status = retry(lambda: client.status(video.id))
    if status.status != "Completed":
        report.problems.append(f"{video.id} is {status.status}: {status.message}")
        return
    found = retry(lambda: published_blobs(stack, video))
    if found != expected:
        different = sorted(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))
        report.problems.append(f"{video.id} differs from the undisturbed run in {different}")
    with BlobServiceClient.from_connection_string(stack.connection_string) as blobs:
        work = blobs.get_container_client(work_container(UUID(video.id)))
        until(lambda: not retry(work.exists), f"the work container of {video.id} to go", 60)
    storage = AzureStorage(stack.connection_string)
    try:
        report.attempts.update(task.attempts for task in storage.tasks.overview(UUID(video.id)) if task.attempts)
    finally:
        storage.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.kill", description=__doc__)
    parser.add_argument("publishes", type=int, nargs="?", default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, help="of the first run; the others count up")
    arguments = parser.parse_args()
    first = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    lines, failed = [], False
    for seed in range(first, first + arguments.runs):
        with tempfile.TemporaryDirectory() as folder:
            report = run(Path(folder) / "stack", arguments.publishes, seed, say=partial(print, flush=True))
            if report.problems:
                shutil.copy(Path(folder) / "stack" / "stack.log", PROJECT / ".data" / "bench" / f"kill-{seed}.log")
        lines.append(report_row(report))
        print("\n".join([lines[-1], *(f"FAILED: {p}" for p in report.problems)]), flush=True)
        failed |= bool(report.problems)
    if not failed:
        head = [
            f"`python -m bench.kill {arguments.publishes} --runs {arguments.runs}`: `kill -9` at random moments while",
            f"{arguments.publishes} videos, clear and protected in turn, are published ({AT_ONCE} at a time,",
            f"{ENCODERS} encoders), with messages and blob events repeated and out of order. All became READY by",
            f"themselves, with the bytes of an undisturbed run. Python {platform.python_version()}.",
            "",
            "| seed | kills | tasks by attempts | minutes |",
            "|---|---|---|---|",
        ]
        write_section(PROJECT / "bench" / "RESULTS.md", "Killing the real thing", "\n".join([*head, *lines]))
    return int(failed)


def report_row(report: Report) -> str:
    kills = ", ".join(f"{name} {count}" for name, count in sorted(report.kills.items()))
    attempts = ", ".join(f"{count}×{n}" for n, count in sorted(report.attempts.items()))
    return f"| {report.seed} | {sum(report.kills.values())} ({kills}) | {attempts} | {report.seconds / 60:.1f} |"


if __name__ == "__main__":
    sys.exit(main())
