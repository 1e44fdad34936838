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
class Samples:
    """Milliseconds that answers took, and MiB of the host that were resident then."""

    milliseconds: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.milliseconds, n=100)[98]


@dataclass
class Run:
    idle: Samples
    """Its memory: before the load only."""
    loaded: Samples
    final: dict[str, str]
    """What became of each video."""
    seconds: float

    @property
    def p99_ratio(self) -> float:
        return self.loaded.p99 / self.idle.p99

    @property
    def memory_growth(self) -> float:
        """How much more memory the host had in the last third of the load than in the middle one, as a share."""
        third = len(self.loaded.resident) // 3
        middle, last = self.loaded.resident[third : 2 * third], self.loaded.resident[2 * third :]
        return statistics.median(last) / statistics.median(middle) - 1


class Observer:
    """Asks for one status after the other."""

    def __init__(self, stack: Stack, http: httpx.Client) -> None:
        self._api, self._http = stack.api, http
        self._memory = Path(f"/proc/{stack.pids['host']}/status")
        self.final: dict[str, str] = {}

    def watch(self, videos: Sequence[str], over: Callable[[], bool]) -> Samples:
        """Until it is `over`; each of the videos in turn."""
        found = Samples()
        for video in cycle(videos):
            begin = time.perf_counter()
            status = self._http.get(f"{self._api}/Videos/{video}/Status").raise_for_status().json()["Status"]
            found.milliseconds.append((time.perf_counter() - begin) * 1000)
            found.resident.append(self._resident())
            if status in {"Completed", "Failed"}:
                self.final[video] = status
            if over():
                return found
            time.sleep(EVERY)
        raise AssertionError  # a cycle has no end

    def watch_idle(self, video: str, seconds: float) -> Samples:
        """Watches a video for so long while nothing is encoded."""
        end = time.monotonic() + seconds
        return self.watch([video], lambda: time.monotonic() > end)

    def _resident(self) -> float:
        line = next(line for line in self._memory.read_text().splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def run(data: Path, count: int, idle_seconds: float) -> Run:
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
        before = observer.watch_idle(warm, idle_seconds / 2)
        videos = [client.create(source.name) for _ in range(count)]

        begin = time.monotonic()
        sending = [pool.submit(send, video) for video in videos]
        ids = [video.id for video in videos]
        loaded = observer.watch([warm, *ids], lambda: all(video in observer.final for video in ids))
        for sent in sending:
            sent.result()
        seconds = time.monotonic() - begin
        after = observer.watch_idle(warm, idle_seconds / 2)
        idle = Samples(before.milliseconds + after.milliseconds, before.resident)
        final = {video: observer.final[video] for video in ids}
        return Run(idle, loaded, final, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("videos", type=int, nargs="?", default=50)
    count = parser.parse_args().videos
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder) / "stack", count, 40)
    problems = [f"{video} is {status}" for video, status in found.final.items() if status != "Completed"]
    if found.p99_ratio > SLOWER:
        problems.append(f"the slowest hundredth took {found.p99_ratio:.1f} times as long as at idle")
    if found.memory_growth > GROWTH:
        problems.append(f"the host's memory grew by {found.memory_growth:.0%}")
    write_section(PROJECT / "bench" / "RESULTS.md", "Many videos at once", report(found, count))
    print("\n".join(f"FAILED: {problem}" for problem in problems) or "ok")
    return int(bool(problems))


def report(found: Run, count: int) -> str:
    ready = sum(status == "Completed" for status in found.final.values())
    idle, loaded = found.idle, found.loaded
    middle = [statistics.median(samples.milliseconds) for samples in (idle, loaded)]
    text = [
        f"`python -m bench.load {count}`: {count} videos of 3 s published at once on the local stack with",
        f"{ENCODERS} encoders; {ready} became READY, after {found.seconds:.0f} s. `Status` meanwhile against",
        f"idle before and after, Python {platform.python_version()}. Only the ratio means something elsewhere.",
        "",
        "| `Status` | idle | under load | ratio |",
        "|---|---|---|---|",
        f"| p99, ms | {idle.p99:.1f} | {loaded.p99:.1f} | **{found.p99_ratio:.2f}** (allowed: {SLOWER:.0f}) |",
        f"| median, ms | {middle[0]:.1f} | {middle[1]:.1f} | {middle[1] / middle[0]:.2f} |",
        f"| answers | {len(idle.milliseconds)} | {len(loaded.milliseconds)} | |",
        "",
        f"Resident memory of the host: {idle.resident[-1]:.0f} MiB at idle,",
        f"{max(loaded.resident):.0f} MiB at most, {loaded.resident[-1]:.0f} MiB at the end; from the middle third",
        f"of the load to the last one it changed by {found.memory_growth:+.1%} (allowed: {GROWTH:.0%}).",
    ]
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
