"""`python -m bench.playable`: how long after MarkComplete a video can be played, by the length of its source.

Each source is 1080p30 as a camera writes it: H.264 and AAC, the index at the end of the file. Three moments are taken:
the API says that it can be played; `ffmpeg` has decoded the first picture from the HLS address; hls.js has shown it in
Chromium. Both players start at the first moment, one after the other, while the encoders go on with the rest. Then the
video is deleted. Lengths take turns, so that whatever the machine does meanwhile meets all of them.
"""

import argparse
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from bench import pipeline
from bench.pipeline import PROJECT, run_ffmpeg
from bench.results import write_section
from client import Client
from local.stack import Stack
from tests.browser.pages import serve
from tests.support.chromium import ARGUMENTS, chromium
from tests.support.media_jobs import begun_by

LENGTHS = (30, 180, 600, 1800, 3600)
"""Seconds."""
SERVICE = {1: (1.8, 3.6), 5: (2.6, 18.7), 20: (5.5, 37.2), 60: (26.7, 660.0), math.inf: (50.1, 960.0)}
"""Of the best commercial service, median and p95 in seconds, by the most minutes of the sources."""
LOOP = 60
"""Seconds that are encoded; longer sources repeat them."""
POLL = 0.05
PATIENCE = 120
ALLOWED = 1.5
SHOWN = """async url => {
  const shown = new Promise(resolve => harness.video.requestVideoFrameCallback(resolve));
  await within(30000, harness.load("hls.js", url));
  harness.play();
  await within(30000, shown);
}"""


@dataclass(frozen=True)
class Times:
    """Seconds from MarkComplete."""

    playable: float
    decoded: float
    shown: float


def make_source(folder: Path, seconds: int) -> Path:
    path = folder / f"camera-{seconds}.mp4"
    if not path.exists():
        draft = path.with_name("draft.mp4")
        run_ffmpeg(["-stream_loop", "-1", "-i", str(_make_loop(folder)), "-t", str(seconds), "-c", "copy", str(draft)])
        draft.replace(path)
    return path


def _make_loop(folder: Path) -> Path:
    return pipeline.make_source(folder / "camera.mp4", LOOP, megabits=6)


def measure(stack: Stack, client: Client, pages: str, page: Page, source: Path) -> Times:
    video = client.create(source.name)
    client.upload(video, source)
    page.goto(f"{pages}/player.html")
    begin = time.monotonic()
    client.mark_complete(video.id)
    url = _playback_url(stack, video.id, begin + PATIENCE)
    playable = time.monotonic()
    run_ffmpeg(["-i", url, "-map", "0:v:0", "-frames:v", "1", "-f", "null", "-"])
    decoded = time.monotonic()
    page.evaluate(SHOWN, url)
    shown = time.monotonic()
    client.delete(video.id)
    _wait_until_idle(stack)
    return Times(playable - begin, decoded - begin, playable - begin + shown - decoded)


def _playback_url(stack: Stack, video_id: str, until: float) -> str:
    """Of HLS, as soon as there is one."""
    address = f"{stack.api}/Videos/{video_id}/PlaybackEndpoint?endpointType=HLS&early=true"
    with httpx.Client() as http:
        while time.monotonic() < until:
            answer = http.get(address)
            if answer.status_code == 200:
                url: str = answer.json()["PlaybackUrl"]
                return url
            if answer.status_code != 403:
                answer.raise_for_status()
            time.sleep(POLL)
    raise TimeoutError(f"{video_id} did not become playable")


def _wait_until_idle(stack: Stack) -> None:
    """Until no encoder has a media process any more."""
    until = time.monotonic() + PATIENCE
    encoders = [pid for name, pid in stack.pids.items() if name.startswith("encoder")]
    while time.monotonic() < until:
        if not any(begun_by(server) for encoder in encoders for server in begun_by(encoder)):
            return
        time.sleep(0.1)
    raise TimeoutError("a deleted video is still being encoded")


@contextmanager
def browser() -> Iterator[tuple[str, Page]]:
    """The origin of the test page, and a page to open it in. Raises RuntimeError without Chromium."""
    path = chromium()
    if path is None:
        raise RuntimeError("there is no Chromium on the PATH")
    with serve() as pages, sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield pages, running.new_page()
        running.close()


def run(lengths: Sequence[int], runs: Sequence[int]) -> dict[int, list[Times]]:
    """`runs` of each length."""
    data = PROJECT / ".data" / "bench"
    data.mkdir(parents=True, exist_ok=True)
    sources = {seconds: make_source(data, seconds) for seconds in lengths}
    found: dict[int, list[Times]] = {seconds: [] for seconds in lengths}
    cores = len(os.sched_getaffinity(0))
    with (
        browser() as (pages, page),
        Stack(PROJECT, data / "stack", encoders=cores, in_memory=False, env={"CORS_ORIGINS": pages}) as stack,
        Client(stack.api) as client,
    ):
        measure(stack, client, pages, page, sources[lengths[0]])  # a warm-up, not counted
        for turn in range(max(runs)):
            for seconds, wanted in zip(lengths, runs, strict=True):
                if turn < wanted:
                    times = measure(stack, client, pages, page, sources[seconds])
                    found[seconds].append(times)
                    print(f"{seconds:5} s: {times}", flush=True)
    return found


def p95(times: Sequence[float]) -> float:
    return sorted(times)[math.ceil(0.95 * len(times)) - 1]


def service_figures(seconds: int) -> tuple[float, float]:
    return next(figures for minutes, figures in SERVICE.items() if seconds <= 60 * minutes)


def row(seconds: int, times: Sequence[Times]) -> str:
    name = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"
    cells = []
    for moment in ("playable", "decoded", "shown"):
        values = [getattr(t, moment) for t in times]
        cells.append(f"{statistics.median(values):.1f} / {p95(values):.1f}")
    return f"| {name} | {len(times)} | {' | '.join(cells)} | {' / '.join(map(str, service_figures(seconds)))} |"


def report(found: dict[int, list[Times]], command: str) -> tuple[str, float]:
    """The text, and the ratio of the longest source's median to that of the shortest."""
    medians = {n: statistics.median(t.shown for t in times) for n, times in found.items()}
    ratio = medians[max(medians)] / medians[min(medians)]
    cores = len(os.sched_getaffinity(0))
    lines = [
        f"`{command}`: seconds from MarkComplete until a video can",
        "be played, median / p95, on the local stack",
        f"(Azurite, host, {cores} encoders on {cores} cores, warm). Source: 1080p30 H.264 + AAC, 6 Mbit/s, index last.",
        f"Python {platform.python_version()}, {platform.machine()}, load {os.getloadavg()[1]:.1f}.",
        "",
        "| source | runs | `Playable` | first picture, `ffmpeg` | first picture, hls.js | best commercial service |",
        "|---|---|---|---|---|---|",
        *(row(n, times) for n, times in found.items()),
        "",
        f"First picture in hls.js, {max(found) // 60} min ÷ {min(found)} s: **{ratio:.2f}** (allowed: {ALLOWED}).",
        "",
        "Comparable: from the upload's end to the first picture, and how that grows with the source's length. Not: the",
        "service's figures are of many customers' files on its own servers and hold its queues; ours are of one",
        "synthetic file at a time on one machine, with storage beside it and nobody else waiting.",
    ]
    return "\n".join(lines), ratio


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.playable", description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=list(LENGTHS), help="seconds")
    parser.add_argument("--runs", type=int, default=10, help="of each source of up to 3 minutes")
    parser.add_argument("--long-runs", type=int, default=3, help="of each longer one")
    arguments = parser.parse_args()
    runs = [arguments.runs if seconds <= 180 else arguments.long_runs for seconds in arguments.lengths]
    found = run(arguments.lengths, runs)
    command = f"python -m bench.playable --runs {arguments.runs} --long-runs {arguments.long_runs}"
    text, ratio = report(found, command)
    if tuple(arguments.lengths) == LENGTHS:
        write_section(PROJECT / "bench" / "RESULTS.md", "From MarkComplete to the first picture", text)
    else:
        print(text)
    return int(ratio > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
