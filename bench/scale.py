"""How long videos would take on many instances: a simulation fed by measured task times. See bench/SCALE.md.

Run: python -m bench.scale              writes the tables and plots of SCALE.md
     python -m bench.scale --validate   records real runs with 1 and 2 encoders, to hold the model against
"""

import argparse
import math
import statistics
import sys
from collections.abc import Sequence

from bench.model import hour, plot
from bench.model.platform import APP_INSTANCES, FACTS, FAST, INSTANCE_MEMORY, REGION_MEMORY, SLOW, STREAM, Platform
from bench.model.simulation import Result, simulate
from bench.model.times import Times
from bench.model.words import format_seconds, table
from bench.model.work import PICTURE, RATE, SETTINGS, Work, plan_of, work_of
from bench.pipeline import PROJECT
from bench.reality import ALLOWED, Runs, load_runs, record_runs
from bench.results import write_section
from connector.domain.estimate import DECODED, gigapixels
from connector.domain.step import Step

PAGE = PROJECT / "bench" / "SCALE.md"
MINUTES = (1, 10, 60, 180)
INSTANCES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
RAMPS = {"all running": None, "as shown for HTTP": FAST, "as documented": SLOW}
RATES = (1_000, 3_000, 10_000, 30_000)
"""Uploads per hour."""
WINDOW = 600
"""Seconds of uploads that are simulated."""
REALITY = "Model against real runs"
MOST_OF_APP = f"{APP_INSTANCES.value:,} instances, the most of one app"


def simulate_one(work: Work, platform: Platform) -> Result:
    return simulate([(0.0, work)], platform)


def lengths_section(times: Times) -> str:
    ready: dict[str, plot.Points] = {}
    efficient: dict[str, plot.Points] = {}
    playable: plot.Points = ()
    rows = []
    for minutes in MINUTES:
        work = work_of(minutes, times)
        results = {n: simulate_one(work, Platform(n)) for n in INSTANCES}
        name = f"{minutes} min"
        ready[name] = [(n, result.videos[0].ready) for n, result in results.items()]
        playable = [(n, result.videos[0].playable) for n, result in results.items()]
        efficient[name] = [(n, 100 * result.efficiency(n)) for n, result in results.items()]
        for n in (1, 10, 100, 1000):
            result = results[n]
            video = result.videos[0]
            cells = [format_seconds(video.playable), format_seconds(video.ready), f"{result.efficiency(n):.0%}"]
            rows.append([name if n == 1 else "", str(len(work.tasks)) if n == 1 else "", f"{n:,}", *cells])
    ready["playable, any*"] = playable  # of the longest, and nearly the same for all
    plot.write(PAGE.with_name("scale-ready.svg"), "Time to READY, 1080p, instances running", "instances", "s", ready)
    plot.write(
        PAGE.with_name("scale-efficiency.svg"),
        "Ideal CPU time ÷ (instances × time to READY)",
        "instances",
        "%",
        efficient,
        log_y=False,
    )
    head = ["source", "tasks", "instances", "playable", "READY", "efficiency"]
    return (
        table(head, rows)
        + "\n\n"
        + longest_sound(times)
        + "\n\n![Time to READY](scale-ready.svg)\n\n![Efficiency](scale-efficiency.svg)"
    )


def longest_sound(times: Times) -> str:
    """The sound is one task, and a task has a time-out."""
    timeout = SETTINGS.stream_timeout_seconds
    noise, tone = ((timeout - times.audio.base) / rate / 60 for rate in (times.audio.rate, times.tone))
    reading = timeout * STREAM.value / times.source_bytes / 60
    lines = [
        f"The sound is one task, which may take {timeout} s (`STREAM_TIMEOUT_SECONDS`). By these numbers that is",
        f"**{noise:.0f} minutes** of noise, and {tone:.0f} of a pure tone, a hard sound; reading the file takes",
        f"so long for {reading:.0f}. Longer videos would fail; {SETTINGS.max_duration_minutes:.0f} minutes are",
        "accepted (`MAX_DURATION_MINUTES`).",
    ]
    return "\n".join(lines)


def ramps_section(times: Times) -> str:
    rows = []
    for minutes in MINUTES:
        work = work_of(minutes, times)
        for name, ramp in RAMPS.items():
            result = simulate_one(work, Platform(1000, ramp))
            video = result.videos[0]
            first = name == next(iter(RAMPS))
            started = f"{result.instances:,}" if ramp else ""
            moments = [format_seconds(video.playable), format_seconds(video.ready)]
            rows.append([f"{minutes} min" if first else "", name, *moments, started])
    return table(["source", "instances are added", "playable", "READY", "started"], rows)


def usage_per_video(work: Work, platform: Platform) -> dict[str, tuple[float, float]]:
    """What one video takes of each thing that is limited, and how much there is of it per second."""
    everything = [*work.tasks, work.probe, work.package]
    messages = len(work.tasks)
    requests = sum(task.load.requests for task in everything) + 3 * len(everything)
    seconds = sum(task.cpu / platform.speed + task.load.in_a_row * platform.latency for task in work.tasks)
    short = (work.probe.cpu + work.package.cpu) / platform.speed
    region = REGION_MEMORY.value / INSTANCE_MEMORY.value
    made = sum(task.load.bytes_in for task in everything)
    read = sum(task.load.bytes_out for task in everything)
    uploaded = sum(task.load.bytes_out for task in work.tasks if task.step is Step.AUDIO)
    return {
        f"{region:.0f} instances, all that a region gives without asking": (seconds, region),
        MOST_OF_APP: (seconds, platform.instances),
        f"{platform.advance_instances} instances for the short steps": (short, platform.advance_instances),
        "requests to the media account": (requests, platform.account_requests),
        "bytes into the media account": (made + uploaded, platform.ingress),
        "bytes out of the media account, without viewers": (read, platform.egress),
        "messages of the queue encode": (messages, platform.queue_messages),
    }


def saturation_section(times: Times) -> str:
    platform = Platform(1000)
    found = {m: usage_per_video(work_of(m, times), platform) for m in (1, 10)}
    names = sorted(found[1], key=lambda name: found[1][name][1] / found[1][name][0])
    rows = [[name, *(f"{3600 * found[m][name][1] / found[m][name][0]:,.0f}" for m in found)] for name in names]
    storage = next(name for name in names if "instances" not in name)
    note = [
        f"First full: {names[0]}; of all that is no instance: {storage}. A region gives more instances when asked.",
        "Past the most of one app, and past one account, the answer is the same: another deployment. An app with its",
        "queues, tables and media account shares nothing with the next, so uploads divided among N of them make N",
        "times as many. The product has no such divider.",
    ]
    head = ["full at so many uploads an hour", *(f"of {m} min" for m in found)]
    return "\n".join(note) + "\n\n" + table(head, rows)


def uploads_section(times: Times) -> str:
    rows = []
    lines: dict[str, plot.Points] = {}
    for minutes in (1, 10):
        work = work_of(minutes, times)
        points = []
        for rate in RATES:
            arrivals = [(n * 3600 / rate, work) for n in range(round(rate * WINDOW / 3600))]
            result = simulate(arrivals, Platform(1000, FAST))
            taken = sorted(video.ready - video.arrived for video in result.videos)
            needed = usage_per_video(work, Platform(1000))[MOST_OF_APP][0] * rate / 3600
            median, late = statistics.median(taken), taken[math.ceil(0.95 * len(taken)) - 1]
            apps = math.ceil(needed / 1000)
            behind = "" if apps == 1 else ", and growing"
            full, waited = result.longest_wait
            points.append((rate, median))
            times_taken = [f"{format_seconds(median)}{behind}", format_seconds(late)]
            rows.append(
                [f"{minutes} min", f"{rate:,}", f"{needed:,.0f}", *times_taken, str(apps), f"{full}, {waited:.1f} s"]
            )
        lines[f"{minutes} min"] = points
    plot.write(PAGE.with_name("scale-uploads.svg"), "Median time to READY, one app", "uploads per hour", "s", lines)
    head = ["source", "uploads an hour", "instances needed", "median READY", "95 %", "apps needed"]
    head.append("longest wait for storage")
    return (
        f"{WINDOW // 60} minutes of uploads, evenly spread; one app with up to 1,000 instances, one media account.\n\n"
        + table(head, rows)
        + "\n\n![Uploads](scale-uploads.svg)"
    )


def assumptions_section() -> str:
    rows = []
    for fact in FACTS.values():
        source = f"[source]({fact.source})" if fact.source.startswith("https") else fact.source
        rows.append([f"{fact.value:,.10g} {fact.unit}".strip(), fact.says, source])
    return table(["value", "what", "source"], rows)


def write_page() -> None:
    times = Times.load()
    sections = {
        "Task times": task_times_section(times),
        REALITY: reality_section(load_runs()),
        "One video, instances running": lengths_section(times),
        "One video, from no instance": ramps_section(times),
        "An hour on a hundred instances": hour.report(times),
        "What is full first": saturation_section(times),
        "Uploads by the thousand": uploads_section(times),
        "Assumptions": assumptions_section(),
    }
    for title, text in sections.items():
        write_section(PAGE, title, text)


def task_times_section(times: Times) -> str:
    second = gigapixels(PICTURE, plan_of(1).renditions, round(RATE))
    rows = [
        [
            "chunk",
            f"{times.chunk.base:.2f} CPU s",
            f"{times.chunk.rate:.2f} CPU s per 10^9 pixels: of all renditions, and {DECODED:g} of the source's",
        ],
        ["", "", f"that is {second * times.chunk.rate:.2f} CPU s per second of 1080p30"],
        ["audio", f"{times.audio.base:.2f} CPU s", f"{times.audio.rate:.3f} CPU s per second of noise"],
        ["", "", f"{times.tone:.3f} CPU s per second of a pure tone"],
        ["probe", f"{times.probe:.2f} s", ""],
        ["package", f"{times.package.base:.2f} s", f"{times.package.rate:.3f} s per request to storage"],
    ]
    note = f"From `bench/task_times.json`: {times.measured_by}."
    return note + "\n\n" + table(["task", "each", "and"], rows)


def reality_section(runs: Sequence[Runs]) -> str:
    rows = [
        [
            str(run.encoders),
            f"{run.measured_ready:.1f} s ({', '.join(f'{r:.1f}' for r in run.ready)})",
            f"{run.simulated_ready:.1f} s",
            f"{run.deviation:+.0%}",
        ]
        for run in runs
    ]
    by = runs[0].times.measured_by
    text = [
        f"From `bench/real_runs.json`: {by}; {runs[0].seconds} s of 1080p30 on the local",
        f"stack, from MarkComplete to READY, medians of {len(runs[0].ready)} runs in turn. The model is fed with the",
        "times that the tasks of a shorter video took in the same session, by the clock. Allowed, and held by a",
        f"unit test: {ALLOWED:.0%}. Before, {runs[0].idle:.0%} of the cores' time were free"
        + ("." if runs[0].quiet else ": **others were busy, so that this says nothing yet.**"),
    ]
    return "\n".join(text) + "\n\n" + table(["encoders", "real runs", "model", "model off by"], rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--validate", action="store_true", help="record real runs; wants a quiet machine")
    parser.add_argument("--seconds", type=int, default=30, help="length of the source for that")
    parser.add_argument("--rounds", type=int, default=3, help="real runs with each number of encoders")
    arguments = parser.parse_args()
    if not arguments.validate:
        write_page()
        return 0
    record_runs(arguments.seconds, arguments.rounds)
    runs = load_runs()
    write_section(PAGE, REALITY, reality_section(runs))
    return int(any(abs(run.deviation) > ALLOWED for run in runs))


if __name__ == "__main__":
    sys.exit(main())
