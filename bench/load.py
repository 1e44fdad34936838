"""Many videos published at once: does `Status` stay quick meanwhile, and does the host's memory stay where it is?

What counts is the ratio of two measurements of the same run, one during the load and one half before and half after it,
for machines drift: each asks for a status twenty times a second, over one connection.

Run: python -m bench.load [VIDEOS]
"""

import argparse
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import httpx

from bench.kill import make_sources
from bench.results import write_section
from client import Client
from client.models import Video
from local.stack import Stack

PROJECT = Path(__file__).parent.parent
ENCODERS = 2
EVERY = 0.05
"""Seconds between an answer and the next question."""
UPLOADERS = 8
SLOWER = 3.0
"""How many times longer than at idle the slowest hundredth may take."""
GROWTH = 0.1
"""How much more of the host may be resident in the last third of the run than in the middle one."""
SETTINGS = {"ENCODER_PRESET": "ultrafast", "SEGMENT_SECONDS": "1", "CHUNK_SECONDS": "2"}


@dataclass
class Watched:
    """Milliseconds that answers took, and MiB of the host that were resident then."""

    took: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.took, n=100)[98]


@dataclass
class Measured:
    idle: Watched
    """Its memory: before the load only."""
    loaded: Watched
    final: dict[str, str]
    """What became of each video."""
    seconds: float

    @property
    def ratio(self) -> float:
        return self.loaded.p99 / self.idle.p99

    @property
    def growth(self) -> float:
        """Of the host's memory, from the middle third of the load to the last one."""
        third = len(self.loaded.resident) // 3
        middle, last = self.loaded.resident[third : 2 * third], self.loaded.resident[2 * third :]
        return statistics.median(last) / statistics.median(middle) - 1


class Observer:
    """Asks for one status after the other."""

    def __init__(self, stack: Stack, http: httpx.Client) -> None:
        self._api, self._http = stack.api, http
        self._memory = Path(f"/proc/{stack.pids['host']}/status")
        self.final: dict[str, str] = {}

    def watch(self, videos: Sequence[str], over: Callable[[], bool]) -> Watched:
        """Until it is `over`; each of the videos in turn."""
        found = Watched()
        for video in cycle(videos):
            begin = time.perf_counter()
            status = self._http.get(f"{self._api}/Videos/{video}/Status").raise_for_status().json()["Status"]
            found.took.append((time.perf_counter() - begin) * 1000)
            found.resident.append(self._resident())
            if status in {"Completed", "Failed"}:
                self.final[video] = status
            if over():
                return found
            time.sleep(EVERY)
        raise AssertionError  # a cycle has no end

    def rest(self, video: str, seconds: float) -> Watched:
        """At idle."""
        end = time.monotonic() + seconds
        return self.watch([video], lambda: time.monotonic() > end)

    def _resident(self) -> float:
        line = next(line for line in self._memory.read_text().splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def run(data: Path, count: int, idle_seconds: float) -> Measured:
    (source,) = make_sources(PROJECT / ".data" / "bench", [3])
    with (
        Stack(PROJECT, data, encoders=ENCODERS, env=SETTINGS) as stack,
        Client(stack.api) as client,
        httpx.Client(timeout=60) as http,
        ThreadPoolExecutor(UPLOADERS) as pool,
    ):

        def send(video: Video) -> str:
            client.upload(video, source)
            client.mark_complete(video.id)
            return video.id

        warm = send(client.create(source.name))  # not counted; its status is what is asked for at idle
        observer = Observer(stack, http)
        observer.watch([warm], lambda: warm in observer.final)
        before = observer.rest(warm, idle_seconds / 2)
        videos = [client.create(source.name) for _ in range(count)]

        begin = time.monotonic()
        sending = [pool.submit(send, video) for video in videos]
        ids = [video.id for video in videos]
        loaded = observer.watch([warm, *ids], lambda: all(video in observer.final for video in ids))
        for sent in sending:
            sent.result()
        seconds = time.monotonic() - begin
        after = observer.rest(warm, idle_seconds / 2)
        idle = Watched(before.took + after.took, before.resident)
        final = {video: observer.final[video] for video in ids}
        return Measured(idle, loaded, final, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("videos", type=int, nargs="?", default=50)
    count = parser.parse_args().videos
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder) / "stack", count, 40)
    problems = [f"{video} is {status}" for video, status in found.final.items() if status != "Completed"]
    if found.ratio > SLOWER:
        problems.append(f"the slowest hundredth took {found.ratio:.1f} times as long as at idle")
    if found.growth > GROWTH:
        problems.append(f"the host's memory grew by {found.growth:.0%}")
    write_section(PROJECT / "bench" / "RESULTS.md", "Many videos at once", report(found, count))
    print("\n".join(f"FAILED: {problem}" for problem in problems) or "ok")
    return int(bool(problems))


def report(found: Measured, count: int) -> str:
    ready = sum(status == "Completed" for status in found.final.values())
    idle, loaded = found.idle, found.loaded
    middle = [statistics.median(watched.took) for watched in (idle, loaded)]
    text = [
        f"`python -m bench.load {count}`: {count} videos of 3 s published at once on the local stack with",
        f"{ENCODERS} encoders; {ready} became READY, after {found.seconds:.0f} s. `Status` meanwhile against",
        f"idle before and after, Python {platform.python_version()}. Only the ratio means something elsewhere.",
        "",
        "| `Status` | idle | under load | ratio |",
        "|---|---|---|---|",
        f"| p99, ms | {idle.p99:.1f} | {loaded.p99:.1f} | **{found.ratio:.2f}** (allowed: {SLOWER:.0f}) |",
        f"| median, ms | {middle[0]:.1f} | {middle[1]:.1f} | {middle[1] / middle[0]:.2f} |",
        f"| answers | {len(idle.took)} | {len(loaded.took)} | |",
        "",
        f"Resident memory of the host: {idle.resident[-1]:.0f} MiB at idle,",
        f"{max(loaded.resident):.0f} MiB at most, {loaded.resident[-1]:.0f} MiB at the end; from the middle third",
        f"of the load to the last one it changed by {found.growth:+.1%} (allowed: {GROWTH:.0%}).",
    ]
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
