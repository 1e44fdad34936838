"""Real runs on the local stack with 1 and 2 encoders, beside what the model says of them.

`python -m bench.scale --validate` records runs, and in the same session the times of the tasks of another, shorter
source; both are kept in bench/real_runs.json, where a unit test holds the model against them. The times are by the
clock and apart for each number of encoders, since encoders of one machine share its cores and caches: what is
held against reality is how tasks, queues, instances and steps come together, and not how fast a core is.
"""

import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from bench.model.platform import Platform
from bench.model.simulation import simulate
from bench.model.times import Times
from bench.model.work import work_of
from bench.pipeline import PROJECT
from bench.sources import FOLDER, Source
from bench.tasks import Measurements, add_wall_times, publish, summary
from client import Client
from connector.storage.azure import AzureStorage
from local.stack import Stack

PATH = PROJECT / "bench" / "real_runs.json"
ENCODERS = (1, 2)
WARM_UP, MEASURED = 4, 14
"""Seconds of the sources whose tasks are measured: they give chunks of two sizes."""
ALLOWED = 0.15
"""Between model and real run."""
QUIET = 0.8
"""Share of the cores' time that is free before a record is begun; with less, others run too, and it says nothing."""
WATCHED = 3.0
"""Seconds for which that is looked at."""
LATENCY, SEND = 0.004, 0.004
"""Seconds, of Azurite's answers."""


@dataclass(frozen=True)
class Runs:
    """With so many encoders: what tasks took, and in seconds from MarkComplete to READY what whole videos took."""

    encoders: int
    times: Times
    ready: tuple[float, ...]
    seconds: int
    """Length of these videos."""
    idle: float
    """Share of the cores' time that nobody used before."""

    @classmethod
    def of(cls, encoders: int, found: Mapping[str, Any], seconds: int, idle: float) -> Self:
        return cls(encoders, Times.of(found["times"]), tuple(found["ready"]), seconds, idle)

    @property
    def quiet(self) -> bool:
        return self.idle >= QUIET

    @property
    def measured_ready(self) -> float:
        return statistics.median(self.ready)

    @property
    def simulated_ready(self) -> float:
        """The time that the model says."""
        return simulate([(0.0, work_of(self.seconds / 60, self.times))], local_platform(self.encoders)).videos[0].ready

    @property
    def deviation(self) -> float:
        return self.simulated_ready / self.measured_ready - 1


def local_platform(encoders: int) -> Platform:
    """The local stack, whose tasks' times are measured as they are with so many encoders."""
    return Platform(encoders, advance_instances=1, latency=LATENCY, send=SEND)


def load_runs(path: Path = PATH) -> list[Runs]:
    found = json.loads(path.read_text("utf-8"))
    return [Runs.of(int(n), runs, found["seconds"], found["idle"]) for n, runs in found["encoders"].items()]


def idle_share() -> float:
    """Of all cores, for a few seconds."""
    before = _ticks()
    time.sleep(WATCHED)
    idle, everything = (b - a for a, b in zip(before, _ticks(), strict=True))
    return idle / everything


def _ticks() -> tuple[int, int]:
    """(idle, all) since the machine began."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return fields[3], sum(fields)


def record_runs(seconds: int, rounds: int) -> None:
    """Runs with 1 encoder and with 2, in turn."""
    for source in (Source("noise", length) for length in (WARM_UP, MEASURED, seconds)):
        source.make_file()
    idle = idle_share()
    measured = {n: Measurements() for n in ENCODERS}
    ready: dict[int, list[float]] = {n: [] for n in ENCODERS}
    for _ in range(rounds):
        for encoders in ENCODERS:
            with Stack(PROJECT, FOLDER / "stack", encoders=encoders) as stack, Client(stack.api) as client:
                _publish_timed(stack, client, Source("noise", WARM_UP), Measurements())
                for length in (WARM_UP, MEASURED):
                    _publish_timed(stack, client, Source("noise", length), measured[encoders])
                ready[encoders].append(_publish_timed(stack, client, Source("noise", seconds), Measurements()))
                print(f"{encoders} encoders: {ready[encoders][-1]:.1f} s", flush=True)
    command = f"python -m bench.scale --validate --seconds {seconds} --rounds {rounds}"
    encoders_facts = {
        str(n): {"ready": [round(r, 2) for r in ready[n]], "times": summary(measured[n], command, wall=True)}
        for n in ENCODERS
    }
    facts = {"seconds": seconds, "idle": round(idle, 3), "encoders": encoders_facts}
    PATH.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


def _publish_timed(stack: Stack, client: Client, source: Source, into: Measurements) -> float:
    """Seconds from MarkComplete to READY."""
    path = source.make_file()
    video_id: UUID = publish(client, path)
    storage = AzureStorage(stack.connection_string)
    video, rows = storage.videos.get(video_id), storage.tasks.of(video_id)
    storage.close()
    client.delete(str(video_id))
    add_wall_times(video, rows, into)
    into.source_bytes += path.stat().st_size
    into.stored_bytes += video.used.size - video.size
    assert video.queued
    assert video.finished
    return (video.finished - video.queued).total_seconds()
