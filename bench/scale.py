"""How long videos would take on many instances: a simulation fed by measured task times. See bench/SCALE.md.

Run: python -m bench.scale              writes the tables and plots of SCALE.md
     python -m bench.scale --validate   holds the model against real runs with 1 and 2 encoders; wants a quiet machine
"""

import argparse
import math
import os
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from bench.model import plot
from bench.model.platform import APP_INSTANCES, FACTS, FAST, INSTANCE_MEMORY, REGION_MEMORY, SLOW, STREAM, Platform
from bench.model.simulation import Result, simulate
from bench.model.times import Line, Times
from bench.model.work import SETTINGS, Work, work_of
from bench.pipeline import PROJECT, make_source
from bench.results import write_section
from client import Client
from connector.storage.azure import AzureStorage
from local.stack import Stack

PAGE = PROJECT / "bench" / "SCALE.md"
MINUTES = (1, 10, 60, 180)
INSTANCES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
RAMPS = {"all running": None, "as shown for HTTP": FAST, "as documented": SLOW}
RATES = (1_000, 3_000, 10_000, 30_000)
"""Uploads per hour."""
WINDOW = 600
"""Seconds of uploads that are simulated."""
WANTED_SECONDS, WANTED_EFFICIENCY = 60, 0.85
EASY_SOUND = 0.03
"""CPU seconds for a second of sound: FFmpeg's AAC encoder on pink noise. A pure tone takes it four times as long."""
SHORT_CHUNK = 8.0
QUICK_STEP = 0.5
ALLOWED = 0.15
"""Between model and real run."""
MOST_OF_APP = f"{APP_INSTANCES.value:,} instances, the most of one app"
LOCAL_POLL, LOCAL_LATENCY, LOCAL_SEND = 1.0, 0.004, 0.004
"""Seconds: of the local host's queues, and of Azurite's answers."""


def one(work: Work, platform: Platform) -> Result:
    return simulate([(0.0, work)], platform)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def spelled(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def lengths(times: Times) -> str:
    ready: dict[str, plot.Points] = {}
    efficient: dict[str, plot.Points] = {}
    playable: plot.Points = ()
    rows = []
    for minutes in MINUTES:
        work = work_of(minutes, times)
        results = {n: one(work, Platform(n)) for n in INSTANCES}
        name = f"{minutes} min"
        ready[name] = [(n, result.videos[0].ready) for n, result in results.items()]
        playable = [(n, result.videos[0].playable) for n, result in results.items()]
        efficient[name] = [(n, 100 * result.efficiency(n)) for n, result in results.items()]
        for n in (1, 10, 100, 1000):
            result = results[n]
            video = result.videos[0]
            cells = [spelled(video.playable), spelled(video.ready), f"{result.efficiency(n):.0%}"]
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
    work = (timeout - times.audio.base) / times.audio.rate / 60
    easy = timeout / EASY_SOUND / 60
    reading = timeout * STREAM.value / times.source_bytes / 60
    lines = [
        f"The sound is one task, which may take {timeout} s (`STREAM_TIMEOUT_SECONDS`). By these numbers that is",
        f"**{work:.0f} minutes** of source, or {easy:.0f} where it is easy to code; reading the file takes so long for",
        f"{reading:.0f}. Longer videos would fail; {SETTINGS.max_duration_minutes:.0f} minutes are accepted",
        "(`MAX_DURATION_MINUTES`).",
    ]
    return "\n".join(lines)


def ramps(times: Times) -> str:
    rows = []
    for minutes in MINUTES:
        work = work_of(minutes, times)
        for name, ramp in RAMPS.items():
            result = one(work, Platform(1000, ramp))
            video = result.videos[0]
            first = name == next(iter(RAMPS))
            started = f"{result.instances:,}" if ramp else ""
            rows.append(
                [f"{minutes} min" if first else "", name, spelled(video.playable), spelled(video.ready), started]
            )
    return table(["source", "instances are added", "playable", "READY", "started"], rows)


def hour_on_a_hundred(times: Times) -> str:
    """What the model says of an hour of 1080p on 100 instances, and of changes one by one and together."""
    usual = SETTINGS.chunk_seconds
    easy = replace(times, audio=Line(times.audio.base, EASY_SOUND))
    # Each chunk's task does its sound as well; what is left of the audio's own task takes no time.
    pieces = replace(times, chunk=Line(times.chunk.base, times.chunk.rate + times.audio.rate), audio=Line(0, 0))
    quick = replace(pieces, probe=QUICK_STEP, package=Line(QUICK_STEP, 0))
    half = replace(quick, chunk=Line(quick.chunk.base, quick.chunk.rate / 2))
    free = Platform(100, stream=math.inf)
    unseen = replace(free, partition_entities=math.inf)
    variants = [
        ("**as it is**", times, Platform(100), usual),
        ("as it is, instances added as shown for HTTP", times, Platform(100, FAST), usual),
        ("as it is, instances added as documented", times, Platform(100, SLOW), usual),
        (f"sound that is easy to code: {EASY_SOUND:g} CPU s for a second", easy, Platform(100), usual),
        ("(a) sound in pieces, like the picture", pieces, free, usual),
        ("(b) that, and the finishers' looks at all rows free", pieces, unseen, usual),
        (f"(c) that, and chunks of at most {SHORT_CHUNK:g} s", pieces, unseen, SHORT_CHUNK),
        (f"(d) that, and probe and package {QUICK_STEP:g} s each", quick, unseen, SHORT_CHUNK),
        ("(d) and half the CPU for a chunk", half, unseen, SHORT_CHUNK),
        ("(d) on instances of two cores", quick, replace(unseen, cores=2), SHORT_CHUNK),
        ("(d) on 200 instances", quick, replace(unseen, instances=200), SHORT_CHUNK),
        ("(d) on 250 instances", quick, replace(unseen, instances=250), SHORT_CHUNK),
        (
            f"(d) on instances of two cores, and {QUICK_STEP:g} CPU s to begin a task",
            replace(quick, chunk=Line(QUICK_STEP, quick.chunk.rate)),
            replace(unseen, cores=2),
            SHORT_CHUNK,
        ),
        ("(c) without (b)", pieces, free, SHORT_CHUNK),
    ]
    rows = []
    for name, measured, platform, chunk in variants:
        work = work_of(60, measured, chunk)
        result = one(work, platform)
        cores = platform.instances * platform.cores
        ideal = work.ideal / cores
        seconds = result.videos[0].ready
        met = "yes" if seconds <= WANTED_SECONDS and ideal / seconds >= WANTED_EFFICIENCY else "no"
        rows.append([name, str(len(work.tasks)), spelled(ideal), spelled(seconds), f"{ideal / seconds:.0%}", met])
    work = work_of(60, times)
    idle = one(work, Platform(100)).videos[0]
    first = work.tasks[0]
    serial = idle.playable - first.cpu - first.load.in_a_row * Platform(100).latency
    serial += work.package.cpu
    most = 100 * WANTED_SECONDS * WANTED_EFFICIENCY / 3600
    text = [
        f"Wanted: READY in {WANTED_SECONDS} s at {WANTED_EFFICIENCY:.0%}. An hour is {work.ideal:,.0f} CPU seconds,",
        f"so 100 cores that never wait need **{work.ideal / 100:.0f} s**. With one core each, both numbers together",
        f"take at most {most:.2f} CPU seconds for a second of source; {work.ideal / 3600:.2f} are measured. What comes",
        f"before the first task and after the last, {serial:.0f} s in the model, is idle time of all instances:",
        f"alone it caps the efficiency of anything READY in {WANTED_SECONDS} s at {1 - serial / WANTED_SECONDS:.0%}.",
    ]
    head = ["60 minutes on 100 instances", "tasks", "ideal", "READY", "efficiency (of cores)", "both met"]
    return "\n".join(text) + "\n\n" + table(head, rows)


def per_video(work: Work, platform: Platform) -> dict[str, tuple[float, float]]:
    """What one video takes of each thing that is limited, and how much there is of it per second."""
    everything = [*work.tasks, work.probe, work.package]
    messages = len(work.tasks)
    requests = sum(task.load.requests for task in everything) + 3 * len(everything)
    seconds = sum(task.cpu / platform.speed + task.load.in_a_row * platform.latency for task in work.tasks)
    short = (work.probe.cpu + work.package.cpu) / platform.speed
    region = REGION_MEMORY.value / INSTANCE_MEMORY.value
    made = sum(task.load.bytes_in for task in everything)
    read = sum(task.load.bytes_out for task in everything)
    uploaded = sum(task.load.bytes_out for task in work.tasks if task.step == "audio")
    return {
        f"{region:.0f} instances, all that a region gives without asking": (seconds, region),
        MOST_OF_APP: (seconds, platform.instances),
        f"{platform.advance_instances} instances for the short steps": (short, platform.advance_instances),
        "requests to the media account": (requests, platform.account_requests),
        "bytes into the media account": (made + uploaded, platform.ingress),
        "bytes out of the media account, without viewers": (read, platform.egress),
        "messages of the queue encode": (messages, platform.queue_messages),
    }


def saturation(times: Times) -> str:
    platform = Platform(1000)
    found = {m: per_video(work_of(m, times), platform) for m in (1, 10)}
    names = sorted(found[1], key=lambda name: found[1][name][1] / found[1][name][0])
    rows = [[name, *(f"{3600 * found[m][name][1] / found[m][name][0]:,.0f}" for m in found)] for name in names]
    note = [
        "First the instances run out, then the media account's bandwidth. A region gives more instances when asked.",
        "Past the most of one app, and past one account, the answer is the same: another deployment. An app with its",
        "queues, tables and media account shares nothing with the next, so uploads divided among N of them make N",
        "times as many. The product has no such divider.",
    ]
    head = ["full at so many uploads an hour", *(f"of {m} min" for m in found)]
    return "\n".join(note) + "\n\n" + table(head, rows)


def uploads(times: Times) -> str:
    rows = []
    lines: dict[str, plot.Points] = {}
    for minutes in (1, 10):
        work = work_of(minutes, times)
        points = []
        for rate in RATES:
            arrivals = [(n * 3600 / rate, work) for n in range(round(rate * WINDOW / 3600))]
            result = simulate(arrivals, Platform(1000, FAST))
            taken = sorted(video.ready - video.arrived for video in result.videos)
            needed = per_video(work, Platform(1000))[MOST_OF_APP][0] * rate / 3600
            median, late = statistics.median(taken), taken[math.ceil(0.95 * len(taken)) - 1]
            apps = math.ceil(needed / 1000)
            behind = "" if apps == 1 else ", and growing"
            full, waited = result.fullest
            points.append((rate, median))
            times_taken = [f"{spelled(median)}{behind}", spelled(late)]
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


def assumptions() -> str:
    rows = []
    for fact in FACTS.values():
        source = f"[source]({fact.source})" if fact.source.startswith("https") else fact.source
        rows.append([f"{fact.value:,.10g} {fact.unit}".strip(), fact.says, source])
    return table(["value", "what", "source"], rows)


def write_page() -> int:
    times = Times.load()
    sections = {
        "Task times": measured(times),
        "One video, instances running": lengths(times),
        "One video, from no instance": ramps(times),
        "An hour on a hundred instances": hour_on_a_hundred(times),
        "What is full first": saturation(times),
        "Uploads by the thousand": uploads(times),
        "Assumptions": assumptions(),
    }
    for title, text in sections.items():
        write_section(PAGE, title, text)
    return 0


def measured(times: Times) -> str:
    rows = [
        ["chunk", f"{times.chunk.base:.2f} CPU s", f"{times.chunk.rate:.3f} CPU s per second of source"],
        ["audio", f"{times.audio.base:.2f} CPU s", f"{times.audio.rate:.3f} CPU s per second of source"],
        ["probe", f"{times.probe:.2f} s", ""],
        ["package", f"{times.package.base:.2f} s", f"{times.package.rate:.3f} s per request to storage"],
    ]
    note = f"From `bench/task_times.json`: {times.measured_by}."
    return note + "\n\n" + table(["task", "each", "and"], rows)


def validate(seconds: int) -> int:
    """Real runs with 1 and 2 encoders beside what the model says of them."""
    times = Times.load()
    cores = len(os.sched_getaffinity(0))
    data = PROJECT / ".data" / "bench"
    data.mkdir(parents=True, exist_ok=True)
    source = make_source(data / f"source-{seconds}.mp4", seconds)
    rows, worst = [], 0.0
    for encoders in (1, 2):
        said = one(work_of(seconds / 60, times), local(encoders, cores, times)).videos[0].ready
        with Stack(PROJECT, data / "stack", encoders=encoders) as stack, Client(stack.api) as client:
            publish(stack, client, source)  # a warm-up
            was = publish(stack, client, source)
        off = said / was - 1
        worst = max(worst, abs(off))
        rows.append([str(encoders), f"{was:.1f} s", f"{said:.1f} s", f"{off:+.0%}"])
    text = [
        f"`python -m bench.scale --validate --seconds {seconds}`: from MarkComplete to READY on the local stack,",
        f"{cores} cores, {seconds} s of 1080p30. Allowed: {ALLOWED:.0%}.\n",
        table(["encoders", "real run", "model", "model off by"], rows),
    ]
    write_section(PAGE, "Model against real runs", "\n".join(text))
    return int(worst > ALLOWED)


def local(encoders: int, cores: int, times: Times) -> Platform:
    """The local stack: storage and host take their share of the same cores."""
    speed = min(1.0, cores / (encoders * (1 + times.services)))
    return Platform(encoders, speed=speed, advance_instances=1, poll=LOCAL_POLL, latency=LOCAL_LATENCY, send=LOCAL_SEND)


def publish(stack: Stack, client: Client, source: Path) -> float:
    """Seconds from MarkComplete to READY."""
    video = client.create(source.name)
    client.upload(video, source)
    client.mark_complete(video.id)
    final = list(client.watch(video.id, every=0.5))[-1]
    if final.status != "Completed":
        raise RuntimeError(f"the pipeline failed: {final}")
    storage = AzureStorage(stack.connection_string)
    found = storage.videos.get(UUID(video.id))
    storage.close()
    client.delete(video.id)
    assert found.queued
    assert found.finished
    return (found.finished - found.queued).total_seconds()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--validate", action="store_true", help="compare with real runs")
    parser.add_argument("--seconds", type=int, default=60, help="length of the source for that")
    arguments = parser.parse_args()
    return validate(arguments.seconds) if arguments.validate else write_page()


if __name__ == "__main__":
    sys.exit(main())
