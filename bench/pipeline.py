"""`make bench`: the whole pipeline, storage included, against one `ffmpeg` command that makes the same ladder.

The two of a pair take turns on the same cores (`bench/turns.py`), because machines drift; what counts are the medians
of the ratios within each pair. CPU is user plus system time of every process that took part: Azurite, the Functions
host, the encoders and their children; wall time is from MarkComplete to READY, as the video's row tells it, without the
turns of the other.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from operator import itemgetter
from pathlib import Path
from uuid import UUID

import imageio_ffmpeg

from bench.processes import cpu_time, ended_children_cpu
from bench.results import write_section
from bench.turns import TURN, Side, take_turns
from client import Client
from connector.domain.encoding import x264_options
from connector.domain.ladder import ladder
from connector.domain.plan import Rendition
from connector.settings import Settings
from connector.storage.azure import AzureStorage
from local.stack import Stack

PROJECT = Path(__file__).parent.parent
RATE = Fraction(30)
SIZE = (1920, 1080)
SETTINGS = Settings.model_validate({"storage": "unused"})
FFMPEG = (imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error")
ASK_SECONDS = 2.5
"""As often as the portal asks how a video goes, once it has asked for half a minute."""


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float
    shares: dict[str, float] = field(default_factory=dict)
    """CPU by kind of process."""

    @property
    def cpu_without_emulator(self) -> float:
        """CPU without that of the storage emulator, in whose place a deployment has a service."""
        return self.cpu - self.shares.get("azurite", 0.0)


def make_source(path: Path, seconds: int, megabits: int = 12) -> Path:
    """1080p with motion, detail and a little noise, coded as cameras do: H.264, keyframes 2 s apart."""
    if not path.exists():
        picture = f"testsrc2=size={SIZE[0]}x{SIZE[1]}:rate={RATE}:duration={seconds},noise=alls=6:allf=t"
        sound = f"sine=frequency=440:sample_rate=48000:duration={seconds}"
        codecs = ["-c:v", "libx264", "-preset", "veryfast", "-b:v", f"{megabits}M", "-g", "60", "-pix_fmt", "yuv420p"]
        draft = path.with_name("draft.mp4")
        run_ffmpeg(["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *codecs, "-c:a", "aac", str(draft)])
        draft.replace(path)
    return path


def run_ffmpeg(arguments: list[str]) -> None:
    subprocess.run([*FFMPEG, *arguments], check=True)


def one_command(
    source: Path,
    renditions: tuple[Rendition, ...],
    folder: Path,
    *,
    cut: tuple[Fraction, Fraction] | None = None,
    threads: int | None = None,
) -> list[str]:
    """Decodes once, scales down step by step, encodes all renditions and the sound, in one process.

    `cut`: start and length in seconds of the picture that is made alone. `threads`: of each decoder, filter graph and
    encoder; ffmpeg chooses them otherwise.
    """
    graph, previous = [], "0:v"
    for n, r in enumerate(renditions):
        last = n == len(renditions) - 1
        scale = f"scale={r.width}:{r.height}:flags=bicubic"
        graph.append(f"[{previous}]{scale}" + (f"[v{n}]" if last else f",split[v{n}][s{n}]"))
        previous = f"s{n}"
    gop = round(SETTINGS.segment_seconds * RATE)
    each = [] if threads is None else ["-threads", str(threads)]
    filters = [] if threads is None else ["-filter_complex_threads", str(threads)]
    place = [] if cut is None else ["-ss", f"{float(cut[0])}", "-t", f"{float(cut[1])}"]
    out: list[str] = []
    for n, r in enumerate(renditions):
        options = x264_options(r, gop, SETTINGS.encoder_preset)
        encoder = ["-g", str(gop), *(part for name, value in options.items() for part in (f"-{name}:v", value))]
        fragments = ["-movflags", "cmaf+frag_keyframe", str(folder / f"{r.id}.mp4")]
        out += ["-map", f"[v{n}]", "-c:v", "libx264", *each, *encoder, *fragments]
    sound = ["-map", "0:a", "-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2", str(folder / "audio.mp4")]
    return [
        *each,
        *place,
        "-i",
        str(source),
        *filters,
        "-filter_complex",
        ";".join(graph),
        *out,
        *([] if cut else sound),
    ]


def measure(stack: Stack, client: Client, source: Path, renditions: tuple[Rendition, ...]) -> tuple[Cost, Cost]:
    """Of the pipeline and of ffmpeg, which take turns."""
    video = client.create(source.name)
    client.upload(video, source)
    used, ffmpeg_used = cpu_seconds(stack), ended_children_cpu()
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([*FFMPEG, *one_command(source, renditions, Path(folder))]) as process,
    ):
        client.mark_complete(video.id)
        pipeline = Side(stack.pids["supervisor"], partial(is_ready, client, video.id))
        ffmpeg = Side(process.pid, partial(has_ended, process))
        take_turns(pipeline, ffmpeg)
    if process.returncode:
        raise RuntimeError(f"ffmpeg ended with status {process.returncode}")
    now, ffmpeg_cpu = time.time(), ended_children_cpu() - ffmpeg_used
    shares = {kind: seconds - used.get(kind, 0.0) for kind, seconds in cpu_seconds(stack).items()}
    ready = ready_time(stack, video.id)
    client.delete(video.id)
    return Cost(pipeline.seconds(ready), sum(shares.values()), shares), Cost(ffmpeg.seconds(now), ffmpeg_cpu)


def is_ready(client: Client, video_id: str, seconds: float) -> bool:
    """Asks now and then, for so long. Raises RuntimeError when it failed."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, ASK_SECONDS))
        status = client.status(video_id)
        if status.final and status.status != "Completed":
            raise RuntimeError(f"the pipeline failed: {status}")
        if status.final:
            return True
    return False


def has_ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def ready_time(stack: Stack, video_id: str) -> float:
    """The moment at which it became READY, in epoch seconds."""
    storage = AzureStorage(stack.connection_string)
    moment = storage.videos.get(UUID(video_id)).finished
    storage.close()
    assert moment
    return moment.timestamp()


def cpu_seconds(stack: Stack) -> dict[str, float]:
    """User and system time of the stack's processes, by kind, and of all that they began: the media processes."""
    seconds: dict[str, float] = defaultdict(float)
    pids = stack.pids
    for name, pid in pids.items():
        found = cpu_time(pid, without=pids.values())
        seconds[name.partition("-")[0]] += found.own
        if name != "supervisor":  # which waited for processes of the stack that were replaced
            seconds["media children"] += found.others
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="length of the source")
    parser.add_argument("--pairs", type=int, default=5)
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    data = PROJECT / ".data" / "bench"
    data.mkdir(parents=True, exist_ok=True)
    source = make_source(data / f"source-{arguments.seconds}.mp4", arguments.seconds)
    renditions = ladder(*SIZE, RATE, SETTINGS.max_resolution)
    pairs: list[tuple[Cost, Cost]] = []
    with Stack(PROJECT, data / "stack", encoders=cores) as stack, Client(stack.api) as client:
        measure(stack, client, make_source(data / "source-10.mp4", 10), renditions)  # a warm-up, not counted
        for n in range(arguments.pairs):
            pair = measure(stack, client, source, renditions)
            pairs.append(pair)
            ours, ffmpeg = pair
            print(
                f"pair {n + 1}: CPU {ours.cpu / ffmpeg.cpu:.3f}, "
                f"without Azurite {ours.cpu_without_emulator / ffmpeg.cpu_without_emulator:.3f}, "
                f"wall {ours.wall / ffmpeg.wall:.3f}",
                flush=True,
            )
    write_section(
        PROJECT / "bench" / "RESULTS.md", "Pipeline against one ffmpeg command", report(pairs, arguments, cores)
    )
    return 0


def report(pairs: list[tuple[Cost, Cost]], arguments: argparse.Namespace, cores: int) -> str:
    rows = [
        row("CPU seconds", [(a.cpu, b.cpu) for a, b in pairs]),
        row("without the storage emulator", [(a.cpu_without_emulator, b.cpu_without_emulator) for a, b in pairs]),
        row("wall seconds", [(a.wall, b.wall) for a, b in pairs]),
    ]
    text = [
        f"`python -m bench.pipeline --seconds {arguments.seconds} --pairs {arguments.pairs}`: from MarkComplete to",
        f"READY through the local stack (Azurite, host, {cores} encoder processes) against one `ffmpeg` command, same",
        f"ladder, preset ({SETTINGS.encoder_preset}) and {cores} cores, on {arguments.seconds} s of 1080p30;",
        f"{len(pairs)} pairs, the two of each in turns of {TURN:.0f} s, Python {platform.python_version()},",
        f"{platform.machine()}. Only the ratios mean something elsewhere.",
        "",
        "| | ratio pipeline ÷ ffmpeg: median (min … max) | pipeline, median | ffmpeg, median |",
        "|---|---|---|---|",
        *rows,
        "",
        "Of the pipeline's CPU: " + ", ".join(f"{kind} {share:.1%}" for kind, share in shares_by_kind(pairs)) + ".",
    ]
    return "\n".join(text)


def shares_by_kind(pairs: list[tuple[Cost, Cost]]) -> list[tuple[str, float]]:
    """The share of the pipeline's CPU that each kind of process has, the largest first."""
    used: dict[str, float] = defaultdict(float)
    for pipeline, _ in pairs:
        for kind, seconds in pipeline.shares.items():
            used[kind] += seconds
    whole = sum(used.values())
    return sorted(((kind, seconds / whole) for kind, seconds in used.items()), key=itemgetter(1), reverse=True)


def row(name: str, pairs: list[tuple[float, float]]) -> str:
    ratios = [a / b for a, b in pairs]
    middle = [statistics.median(side) for side in zip(*pairs, strict=True)]
    spread = f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} … {max(ratios):.2f})"
    return f"| {name} | {spread} | {middle[0]:.1f} | {middle[1]:.1f} |"


if __name__ == "__main__":
    sys.exit(main())
