"""What confinement costs: CPU of media processes with it and without, one chunk task each, in turn.

Run: python -m bench.confinement [--pairs 5]
"""

import argparse
import statistics
import sys
from contextlib import closing
from pathlib import Path

from bench import unconfined
from bench.pipeline import PROJECT, SETTINGS
from bench.processes import cpu_time
from bench.results import write_section
from bench.sources import Source
from connector.bootstrap import WORKER
from connector.domain.jobs import Area, ChunkJob, ProbeJob
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.media_info import MediaInfo
from connector.domain.planner import Limits as PlanLimits
from connector.domain.planner import make_plan
from connector.sandbox.runner import Sandbox

SECONDS = 8
LIMITS = JobLimits(seconds=600, memory=SETTINGS.task_memory_mb << 20, threads=1)
ACCEPTED = SourceLimits(minutes=10, pixels=1 << 24, frame_rate=120, tracks=8)


class _File:
    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        self.size = len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def close(self) -> None:
        pass


class _Sink:
    def put(self, area: Area, name: str, data: bytes) -> None:
        pass

    def progress(self, share: float, finished: object) -> None:
        pass


def _encode(sandbox: Sandbox, info: MediaInfo, path: Path) -> float:
    """CPU seconds of the process that encodes the source's longest chunk."""
    plan = make_plan(info, PlanLimits(SETTINGS.segment_seconds, SECONDS, SETTINGS.max_resolution))
    longest = max(range(len(plan.chunks)), key=lambda n: len(plan.chunks[n].frames))
    job = ChunkJob(limits=LIMITS, info=info, plan=plan, index=longest, preset=SETTINGS.encoder_preset)
    server = sandbox.forking.pid()
    before = cpu_time(server).others
    sandbox.run(job, [lambda: _File(path)], _Sink())
    return cpu_time(server).others - before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    path = Source("noise", SECONDS).make_file()
    ratios = []
    with closing(Sandbox(WORKER, required=True)) as confined, closing(Sandbox(unconfined.__name__)) as free:
        job = ProbeJob(limits=LIMITS, accepted=ACCEPTED)
        info = confined.run(job, [lambda: _File(path)], _Sink())
        free.run(job, [lambda: _File(path)], _Sink())
        level = confined.confinement().level
        for n in range(pairs):
            order = (confined, free) if n % 2 else (free, confined)
            taken = {sandbox: _encode(sandbox, info, path) for sandbox in order}
            ratios.append(taken[confined] / taken[free])
            print(f"{taken[confined]:.2f} {taken[free]:.2f} {ratios[-1]:.4f}", flush=True)
    text = (
        f"`python -m bench.confinement --pairs {pairs}`: CPU (user and system) of the media process for the longest\n"
        f"chunk of {SECONDS} s of 1080p30, confined by {level} against resource limits alone, in turn:\n"
        f"ratio **{statistics.median(ratios):.3f}** (median of {pairs}; {min(ratios):.3f} … {max(ratios):.3f})."
    )
    write_section(PROJECT / "bench" / "RESULTS.md", "What confinement costs", text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
