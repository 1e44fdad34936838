"""How long each task of a video takes by itself: what `bench.scale` and `bench.cost` count with.

Run: python -m bench.tasks [--seconds 4 22 90] [--source FILE …]

One encoder runs the tasks one after the other on the local stack. A task's CPU is what the encoder, and all that it
began, used between the end of the task before it and its own end; probe and package are timed by the
moments that Status shows as steps. Through the tasks of each kind a line over their size is laid, for which sources of
two lengths at least are needed. Sound is measured twice: noise, and a pure tone of one channel, which when it is made
stereo is the hardest that was found for AAC.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from azure.storage.blob import BlobServiceClient

from bench.model.times import PATH, Line
from bench.model.work import packaging_load
from bench.pipeline import PROJECT
from bench.processes import total_cpu
from bench.sources import FOLDER, Source
from client import Client
from connector.domain.estimate import gigapixels
from connector.domain.layout import output_container
from connector.domain.step import Step
from connector.domain.task import Task
from connector.domain.video import State, Video
from connector.settings import Settings
from connector.storage.azure import AzureStorage
from local.stack import Stack

SAMPLE_SECONDS = 0.02
TONE_SECONDS = 22

Points = list[tuple[float, float]]
"""(size, seconds) of tasks of one kind; the sizes are those of `Times`."""


@dataclass
class Measurements:
    cpu: dict[str, Points] = field(default_factory=lambda: defaultdict(list))
    """By kind: chunk, audio, and tone for audio that is one."""
    wall: dict[str, Points] = field(default_factory=lambda: defaultdict(list))
    """Likewise by the clock, and package."""
    probes: list[float] = field(default_factory=list)
    seconds: float = 0.0
    """Of all sources together."""
    source_bytes: int = 0
    stored_bytes: int = 0


@contextmanager
def sample_cpu(pid: int) -> Iterator[Points]:
    """(time, CPU seconds) of a process, every few milliseconds while the context lasts."""
    samples: Points = []
    over = threading.Event()

    def sample() -> None:
        while True:
            samples.append((time.time(), total_cpu(pid)))
            if over.wait(SAMPLE_SECONDS):
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def cpu_until(samples: Points, moment: datetime) -> float:
    """The CPU seconds that were used when the task that ended at that moment had ended."""
    return next((cpu for at, cpu in samples if at >= moment.timestamp()), samples[-1][1])


def publish(client: Client, path: Path) -> UUID:
    """Uploads a file and waits until it is READY. Raises RuntimeError if it does not become so."""
    video = client.create(path.name)
    client.upload(video, path)
    client.mark_complete(video.id)
    final = list(client.watch(video.id, every=0.5))[-1]
    if final.status != "Completed":
        raise RuntimeError(f"the pipeline failed: {final}")
    return UUID(video.id)


def measure(stack: Stack, client: Client, path: Path, into: Measurements, sound: str = "audio") -> None:
    """Publishes a file on a stack with one encoder, and deletes it. `sound` is what its sound counts as."""
    with sample_cpu(stack.pids["encoder-1"]) as samples:
        video_id = publish(client, path)
    storage = AzureStorage(stack.connection_string)
    video, rows = storage.videos.get(video_id), storage.tasks.of(video_id)
    storage.close()
    add_wall_times(video, rows, into, sound)
    last = samples[0][1]
    for kind, size, task in tasks_with_sizes(video, rows, sound):
        assert task.finished
        used = cpu_until(samples, task.finished)
        into.cpu[kind].append((size, used - last))
        last = used
    into.source_bytes += path.stat().st_size
    with BlobServiceClient.from_connection_string(stack.connection_string) as blobs:
        found = blobs.get_container_client(output_container(video_id)).list_blobs()
        into.stored_bytes += sum(blob.size for blob in found)
    client.delete(str(video_id))


def tasks_with_sizes(video: Video, rows: Sequence[Task], sound: str = "audio") -> Iterator[tuple[str, float, Task]]:
    """(kind, size, row) of each encoding task, in the order in which they ended."""
    info, plan = video.planned()
    assert info.video
    for task in sorted(rows, key=lambda t: t.finished or datetime.max.replace(tzinfo=UTC)):
        if task.id.step is Step.CHUNK:
            chunk = plan.chunks[task.id.index]
            yield task.id.step, gigapixels(info.video, plan.renditions_of(chunk), len(chunk.frames)), task
        else:
            yield sound, float(plan.duration), task


def add_wall_times(video: Video, rows: Sequence[Task], into: Measurements, sound: str = "audio") -> None:
    """Adds how long each step of a video that is READY took, as its rows say."""
    assert video.state is State.READY
    assert video.plan
    moments = (video.queued, video.encoding, video.packaging, video.finished)
    queued, encoding, packaged, finished = [moment.timestamp() for moment in moments if moment]
    into.seconds += float(video.plan.duration)
    into.probes.append(encoding - queued)
    into.wall["package"].append((packaging_load(video.plan, len(rows)).requests, finished - packaged))
    for kind, size, task in tasks_with_sizes(video, rows, sound):
        assert task.finished
        into.wall[kind].append((size, (task.finished - task.started).total_seconds()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, nargs="+", default=[4, 22, 90], help="lengths of the 1080p sources")
    parser.add_argument("--source", type=Path, nargs="+", default=[], help="files to publish instead")
    arguments = parser.parse_args()
    paths = arguments.source or [Source("noise", n).make_file() for n in arguments.seconds]
    tone = Source("tone", TONE_SECONDS).make_file()
    found = Measurements()
    with Stack(PROJECT, FOLDER / "stack", encoders=1) as stack, Client(stack.api) as client:
        # The first video of a stack loads what later ones find loaded.
        measure(stack, client, Source("noise", 4).make_file(), Measurements())
        for path in paths:
            measure(stack, client, path, found)
        measure(stack, client, tone, found, "tone")
    what = [f"--source ({len(arguments.source)} files)"] if arguments.source else map(str, arguments.seconds)
    command = " ".join(["python -m bench.tasks", *([] if arguments.source else ["--seconds"]), *what])
    PATH.write_text(json.dumps(summary(found, command), indent=2) + "\n", "utf-8")
    chunk = Line.through(found.cpu["chunk"])
    default = Settings.model_fields["encode_seconds_per_gigapixel"].default
    print(f"{chunk.base:.2f} s for each chunk, and for 10^9 pixels {chunk.rate:.1f} s of CPU (default: {default:g})")
    return 0


def summary(found: Measurements, command: str, *, wall: bool = False) -> dict[str, object]:
    """The JSON of `Times`: in seconds of CPU, or by the clock."""
    points = found.wall if wall else found.cpu
    audio = Line.through(points["audio"])
    tones = [(seconds - audio.base) / size for size, seconds in points["tone"]]
    kinds = {"chunk": points["chunk"], "audio": points["audio"], "package": found.wall["package"]}
    return {
        "measured_by": f"{command}; {datetime.now(UTC):%Y-%m-%d}; {machine_description()}",
        **{kind: asdict(Line.through(measured)) for kind, measured in kinds.items()},
        "tone": statistics.mean(tones) if tones else audio.rate,
        "probe": statistics.median(found.probes),
        "source_bytes": round(found.source_bytes / found.seconds),
        "stored_bytes": round(found.stored_bytes / found.seconds),
        "points": {kind: [[round(n, 3) for n in p] for p in measured] for kind, measured in kinds.items()},
    }


def machine_description() -> str:
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[1]
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, load {load:.1f}"


if __name__ == "__main__":
    sys.exit(main())
