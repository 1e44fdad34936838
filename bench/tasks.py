"""How long each task of a video takes by itself: what `bench.scale` and `bench.cost` count with.

Run: python -m bench.tasks [--seconds 4 22 130] [--source FILE …]

One encoder runs the tasks one after the other on the local stack. A task's CPU is what the encoder, and the children
that it has waited for, used between the end of the task before it and its own end; probe and package are timed by the
moments that Status shows as steps. Through the tasks of each kind a line over their size is laid, for which sources of
two lengths at least are needed. 4 s give one chunk, 22 s chunks of 4 and 2 s, 130 s chunks of up to 20 s.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from azure.storage.blob import BlobServiceClient

from bench.model.times import PATH, Line
from bench.model.work import packaging
from bench.pipeline import PROJECT, make_source, run_ffmpeg
from client import Client
from connector.domain.layout import output_container
from connector.domain.planner import chunk_range, chunk_renditions
from connector.domain.video import State
from connector.storage.azure import AzureStorage
from local.stack import Stack

SAMPLE_SECONDS = 0.02


def sounding(path: Path, seconds: int) -> Path:
    """The bench's picture with pink noise for a sound: a pure tone takes AAC four times as long."""
    if not path.exists():
        picture = make_source(path.with_name(f"source-{seconds}.mp4"), seconds)
        noise = ["-f", "lavfi", "-i", f"anoisesrc=color=pink:sample_rate=48000:seed=1:duration={seconds}"]
        draft = path.with_name("draft-sound.mp4")
        maps = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-ac", "2"]
        run_ffmpeg(["-i", str(picture), *noise, *maps, str(draft)])
        draft.replace(path)
    return path


@dataclass
class Measured:
    points: dict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: {"chunk": [], "audio": [], "package": []}
    )
    """Per kind, (size, seconds) of each task; the sizes are those of `Times`."""
    probes: list[float] = field(default_factory=list)
    encoder_cpu: float = 0.0
    services_cpu: float = 0.0
    seconds: float = 0.0
    source_bytes: int = 0
    stored_bytes: int = 0


def process_cpu(pid: int) -> float:
    """Seconds, user and system, of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


@contextmanager
def sampled(pid: int) -> Iterator[list[tuple[float, float]]]:
    """(time, CPU seconds) of a process, every few milliseconds while the context lasts."""
    samples: list[tuple[float, float]] = []
    over = threading.Event()

    def sample() -> None:
        while True:
            samples.append((time.time(), process_cpu(pid)))
            if over.wait(SAMPLE_SECONDS):
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def used_by(samples: list[tuple[float, float]], moment: datetime) -> float:
    """What was used when the task that ended then had ended."""
    return next((cpu for at, cpu in samples if at >= moment.timestamp()), samples[-1][1])


def measure(stack: Stack, client: Client, storage: AzureStorage, source: Path, into: Measured) -> None:
    video = client.create(source.name)
    client.upload(video, source)
    pids = stack.pids
    services = [pids["azurite"], pids["host"]]
    before = sum(process_cpu(pid) for pid in services)
    with sampled(pids["encoder-1"]) as samples:
        client.mark_complete(video.id)
        final = list(client.watch(video.id, every=0.5))[-1]
    if final.status != "Completed":
        raise RuntimeError(f"the pipeline failed: {final}")
    into.services_cpu += sum(process_cpu(pid) for pid in services) - before
    into.encoder_cpu += samples[-1][1] - samples[0][1]
    read(storage, UUID(video.id), samples, into)
    into.source_bytes += source.stat().st_size
    with BlobServiceClient.from_connection_string(stack.connection_string) as blobs:
        found = blobs.get_container_client(output_container(UUID(video.id))).list_blobs()
        into.stored_bytes += sum(blob.size for blob in found)
    client.delete(video.id)


def read(storage: AzureStorage, video_id: UUID, samples: list[tuple[float, float]], into: Measured) -> None:
    video = storage.videos.get(video_id)
    plan = video.plan
    assert video.state is State.READY
    assert plan
    length = float(plan.duration)
    into.seconds += length
    moments = (video.queued, video.encoding, video.packaging, video.finished)
    queued, encoding, packaged, finished = [moment.timestamp() for moment in moments if moment]
    rows = storage.tasks.of(video_id)
    into.probes.append(encoding - queued)
    into.points["package"].append((packaging(plan, len(rows)).requests, finished - packaged))
    last = samples[0][1]
    for task in sorted(rows, key=lambda t: t.finished or datetime.max.replace(tzinfo=UTC)):
        step, _, index = task.name.partition("-")
        assert task.finished
        used = used_by(samples, task.finished)
        frames = chunk_range(plan, int(index)) if step == "chunk" else range(plan.frames)
        if step == "chunk" and chunk_renditions(plan, int(index)) != plan.renditions:
            last = used
            continue  # no task of all renditions
        into.points[step].append((float(len(frames) / plan.frame_rate), used - last))
        last = used


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, nargs="+", default=[4, 22, 130], help="lengths of the 1080p sources")
    parser.add_argument("--source", type=Path, nargs="+", default=[], help="files to publish instead")
    arguments = parser.parse_args()
    data = PROJECT / ".data" / "bench"
    data.mkdir(parents=True, exist_ok=True)
    sources = arguments.source or [sounding(data / f"noise-{n}.mp4", n) for n in arguments.seconds]
    found, warm_up = Measured(), Measured()
    with Stack(PROJECT, data / "stack", encoders=1) as stack, Client(stack.api) as client:
        storage = AzureStorage(stack.connection_string)
        # The first video of a stack loads what later ones find loaded.
        measure(stack, client, storage, sounding(data / "noise-4.mp4", 4), warm_up)
        for source in sources:
            measure(stack, client, storage, source, found)
        storage.close()
    PATH.write_text(json.dumps(summary(found, arguments), indent=2) + "\n", "utf-8")
    print(PATH.read_text("utf-8"))
    return 0


def summary(found: Measured, arguments: argparse.Namespace) -> dict[str, object]:
    what = [f"--source ({len(arguments.source)} files)"] if arguments.source else map(str, arguments.seconds)
    command = " ".join(["python -m bench.tasks", *([] if arguments.source else ["--seconds"]), *what])
    machine = f"{platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[1]:.1f}"
    return {
        "measured_by": f"{command}; {datetime.now(UTC):%Y-%m-%d}; {machine}",
        **{kind: asdict(Line.through(points)) for kind, points in found.points.items()},
        "probe": statistics.median(found.probes),
        "services": found.services_cpu / found.encoder_cpu,
        "source_bytes": round(found.source_bytes / found.seconds),
        "stored_bytes": round(found.stored_bytes / found.seconds),
        "points": {kind: [[round(n, 3) for n in p] for p in points] for kind, points in found.points.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
