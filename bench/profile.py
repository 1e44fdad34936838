"""Where CPU goes in one chunk task, beside one `ffmpeg` command that makes the same of the same seconds.

Run: python -m bench.profile [--segments 3] [--runs 3]

A media process as the encoder starts it encodes the chunk, with clocks in it (`bench/clocks.py`); the process that
started it writes to Azurite. The first run is not counted: most chunks find a process that made another one.
The seconds are those of the run that took the fewest: others that share the processor only ever add.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

from bench import clocks
from bench.pipeline import PROJECT, RATE, SETTINGS, make_source, one_command, run_ffmpeg
from bench.processes import ended_children_cpu, total_cpu
from bench.results import write_section
from connector.domain import layout
from connector.domain.jobs import Area, ProbeJob
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.media_info import MediaInfo
from connector.domain.plan import Chunk, Plan
from connector.domain.planner import Limits as PlanLimits
from connector.domain.planner import make_plan
from connector.domain.ports import SourceReader
from connector.sandbox.process import IdleProcess
from connector.sandbox.runner import Sandbox
from connector.storage.azure import AzureStorage
from local.azurite import Azurite

BEFORE = 2
"""Segments before the chunk."""
PATIENCE = 600.0
"""Seconds for which the media process waits while ffmpeg has its turn."""
PARENT = "the parent: pipes, storage SDK"
AZURITE = "Azurite"
LIMITS = JobLimits(
    seconds=SETTINGS.task_timeout_seconds, memory=SETTINGS.task_memory_mb << 20, threads=SETTINGS.encoder_threads
)


class Sink:
    """Writes what a chunk writes; keeps what the clocks say."""

    def __init__(self, storage: AzureStorage, container: str) -> None:
        self._blobs, self._container = storage.blobs, container
        self.spent: dict[str, float] = {}

    def put(self, area: Area, name: str, data: bytes) -> None:
        if name == clocks.NAME:
            self.spent = json.loads(data)
        elif area == "block":
            self._blobs.stage(self._container, layout.PROGRESSIVE, name, data)
        else:
            self._blobs.put(self._container, name, data)

    def progress(self, share: float, finished: object) -> None:
        pass


class Bench:
    """One source in a storage of its own."""

    def __init__(self, storage: AzureStorage, azurite: int, sandbox: Sandbox, path: Path) -> None:
        self._storage, self._azurite, self._sandbox = storage, azurite, sandbox
        self._container = f"video-{uuid4()}"
        storage.blobs.create_container(self._container, public=False)
        storage.blobs.put(self._container, path.name, path.read_bytes())
        self._name = path.name

    def _open(self) -> SourceReader:
        return self._storage.blobs.open(self._container, self._name)

    def probe(self) -> MediaInfo:
        accepted = SourceLimits(minutes=SETTINGS.max_duration_minutes, pixels=1 << 24, frame_rate=120, tracks=8)
        job = ProbeJob(limits=LIMITS, accepted=accepted)
        return self._sandbox.run(job, [self._open], Sink(self._storage, self._container))

    def chunk(self, info: MediaInfo, plan: Plan) -> dict[str, float]:
        """CPU seconds by part."""
        job = clocks.ProfiledChunkJob(limits=LIMITS, info=info, plan=plan, index=1, preset=SETTINGS.encoder_preset)
        sink = Sink(self._storage, self._container)
        before, services = time.process_time(), total_cpu(self._azurite)
        self._sandbox.run(job, [self._open], sink, affinity_key=self)
        return {
            **sink.spent,
            PARENT: time.process_time() - before,
            AZURITE: total_cpu(self._azurite) - services,
        }


def ffmpeg_cpu(source: Path, plan: Plan, threads: int | None) -> float:
    """CPU seconds that ffmpeg takes for the chunk's seconds."""
    frames = plan.chunks[1].frames
    cut = (frames.start / plan.frame_rate, len(frames) / plan.frame_rate)
    with tempfile.TemporaryDirectory() as folder:
        before = ended_children_cpu()
        run_ffmpeg(one_command(source, plan.renditions, Path(folder), cut=cut, threads=threads))
        return ended_children_cpu() - before


def make_profile_plan(info: MediaInfo, segments: int) -> Plan:
    """A plan whose chunk 1 has so many segments."""
    limits = PlanLimits(SETTINGS.segment_seconds, SETTINGS.chunk_seconds, SETTINGS.max_resolution)
    plan = make_plan(info, limits)
    ids = tuple(rendition.id for rendition in plan.renditions)
    cuts = pairwise((0, plan.segment_start(BEFORE), plan.segment_start(BEFORE + segments), plan.frames))
    chunks = tuple(Chunk(start=start, stop=stop, renditions=ids) for start, stop in cuts)
    return plan.model_copy(update={"chunks": chunks})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=3, help="length of the chunk, 4 s each")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    data = PROJECT / ".data" / "bench"
    data.mkdir(parents=True, exist_ok=True)
    seconds = round((BEFORE + arguments.segments + 1) * SETTINGS.segment_seconds)
    source = make_source(data / f"source-{seconds}.mp4", seconds)
    runs: list[tuple[dict[str, float], float, float]] = []
    with Azurite() as azurite, closing(Sandbox(clocks.__name__, IdleProcess(PATIENCE))) as sandbox:
        storage = AzureStorage(azurite.connection_string)
        bench = Bench(storage, azurite.pid, sandbox, source)
        info = bench.probe()
        plan = make_profile_plan(info, arguments.segments)
        bench.chunk(info, plan)
        for _ in range(arguments.runs):
            runs.append((bench.chunk(info, plan), ffmpeg_cpu(source, plan, 1), ffmpeg_cpu(source, plan, None)))
            print(f"{sum(runs[-1][0].values()):.1f} {runs[-1][1]:.1f} {runs[-1][2]:.1f}", flush=True)
        storage.close()
    write_section(PROJECT / "bench" / "RESULTS.md", "Where CPU goes", report(runs, arguments))
    return 0


def report(runs: list[tuple[dict[str, float], float, float]], arguments: argparse.Namespace) -> str:
    parts = min((run[0] for run in runs), key=lambda spent: sum(spent.values()))
    one, default = min(run[1] for run in runs), min(run[2] for run in runs)
    total = sum(parts.values())
    seconds = arguments.segments * SETTINGS.segment_seconds
    lines = [
        f"`python -m bench.profile --segments {arguments.segments} --runs {arguments.runs}`: one chunk task of",
        f"{seconds:g} s of 1080p{RATE}, Azurite included, preset {SETTINGS.encoder_preset}; the cheapest of",
        f"{len(runs)} runs each, in turn with `ffmpeg` on the same seconds.",
        f"Python {platform.python_version()}, {platform.machine()}. Only the shares mean something elsewhere.",
        "",
        "| | CPU seconds | share |",
        "|---|---|---|",
        *(f"| {part} | {spent:.2f} | {spent / total:.1%} |" for part, spent in sorted(parts.items(), key=_order)),
        f"| **the task** | **{total:.2f}** | |",
        f"| `ffmpeg -threads 1` | {one:.2f} | {one / total:.1%} |",
        f"| `ffmpeg` with its own choice of threads | {default:.2f} | {default / total:.1%} |",
    ]
    return "\n".join(lines)


def _order(item: tuple[str, float]) -> float:
    return -item[1]


if __name__ == "__main__":
    sys.exit(main())
