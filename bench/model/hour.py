"""What the model says of an hour of 1080p on a hundred instances, of what is in the way, and of changes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench.model.platform import FAST, SLOW, STREAM, Platform
from bench.model.simulation import simulate
from bench.model.times import Line, Times
from bench.model.words import format_seconds, table
from bench.model.work import PICTURE, RATE, SETTINGS, Work, plan_of, work_of
from connector.domain.estimate import gigapixels
from connector.domain.step import Step

MINUTES, INSTANCES = 60, 100
WANTED_SECONDS, WANTED_EFFICIENCY = 60, 0.85
SHORT_CHUNK = 8.0
QUICK_STEP = 0.5
MOST_INSTANCES = 1000


@dataclass(frozen=True)
class Variant:
    name: str
    times: Times
    platform: Platform
    chunk: float = SETTINGS.chunk_seconds

    @property
    def work(self) -> Work:
        return work_of(MINUTES, self.times, self.chunk)

    @property
    def ready(self) -> float:
        return simulate([(0.0, self.work)], self.platform).videos[0].ready

    @property
    def ideal(self) -> float:
        """Seconds for as many cores, if none ever waited."""
        return self.work.ideal / (self.platform.instances * self.platform.cores)


def report(times: Times) -> str:
    return "\n\n".join([_wanted(times), _bounds(times), _changes(times)])


def _wanted(times: Times) -> str:
    work = work_of(MINUTES, times)
    length = MINUTES * 60
    most = INSTANCES * WANTED_SECONDS * WANTED_EFFICIENCY / length
    lines = [
        f"Wanted: READY in {WANTED_SECONDS} s at {WANTED_EFFICIENCY:.0%}. {MINUTES} minutes are {work.ideal:,.0f} CPU",
        f"seconds, so {INSTANCES} cores that never wait need **{work.ideal / INSTANCES:.0f} s**. With one core each,",
        f"both numbers together take at most {most:.2f} CPU seconds for a second of source;",
        f"{work.ideal / length:.2f} are measured. {_instances_needed(times)}",
    ]
    return "\n".join(lines)


def _instances_needed(times: Times) -> str:
    """How many instances make an hour READY in time, however badly they are filled."""
    steps = range(INSTANCES, MOST_INSTANCES + 1, 50)
    found = next((n for n in steps if Variant("", times, Platform(n)).ready <= WANTED_SECONDS), None)
    if found is None:
        return f"As it is, not even {MOST_INSTANCES:,} instances make it READY in time."
    return f"As it is, {found:,} instances make it READY in time."


def _bounds(times: Times) -> str:
    """Times that no arrangement of the same tasks on these instances is below, each for itself."""
    as_it_is = Variant("", times, Platform(INSTANCES))
    work = as_it_is.work
    chunks = [task.cpu for task in work.tasks if task.step is Step.CHUNK]
    sounds = [task.cpu for task in work.tasks if task.step is Step.AUDIO]
    tone = [times.audio.base + times.tone * task.source for task in work.tasks if task.step is Step.AUDIO]
    begins = sum(task.begin for task in work.tasks)
    around = work.probe.cpu + work.package.cpu
    bounds = [
        ("the CPU of all tasks ÷ instances", work.ideal / INSTANCES),
        ("with what each task takes to begin", (work.ideal + begins) / INSTANCES),
        (
            f"whole tasks: the longest chunk, ⌈{len(chunks)} ÷ {INSTANCES}⌉ times",
            max(chunks) * math.ceil(len(chunks) / INSTANCES),
        ),
        ("the sound, which is one task: noise", max(sounds)),
        ("the sound, if it is a pure tone", max(tone)),
        ("the sound's task reads the whole file", max(task.load.bytes_out for task in work.tasks) / STREAM.value),
        ("probe and package, while all others wait", around),
    ]
    rows = [
        [name, format_seconds(seconds), "yes" if seconds + around > WANTED_SECONDS else ""] for name, seconds in bounds
    ]
    head = ["what alone takes", "at least", f"with probe and package more than {WANTED_SECONDS} s"]
    return table(head, rows)


def _changes(times: Times) -> str:
    rows, met = [], []
    for variant in _variants(times):
        ready, ideal = variant.ready, variant.ideal
        good = ready <= WANTED_SECONDS and ideal / ready >= WANTED_EFFICIENCY
        if good:
            met.append(variant.name)
        tasks = str(len(variant.work.tasks))
        cells = [tasks, format_seconds(ideal), format_seconds(ready), f"{ideal / ready:.0%}", "yes" if good else "no"]
        rows.append([variant.name, *cells])
    head = [
        f"{MINUTES} minutes on {INSTANCES} instances",
        "tasks",
        "ideal",
        "READY",
        "efficiency (of cores)",
        "both met",
    ]
    verdict = f"Both are met by: {'; '.join(met)}." if met else "None of these meets both."
    return table(head, rows) + "\n\n" + verdict


def _variants(times: Times) -> Iterator[Variant]:
    here = Platform(INSTANCES)
    yield Variant("**as it is**", times, here)
    yield Variant("as it is, instances added as shown for HTTP", times, replace(here, ramp=FAST))
    yield Variant("as it is, instances added as documented", times, replace(here, ramp=SLOW))
    yield Variant("as it is, the sound a pure tone", replace(times, audio=Line(times.audio.base, times.tone)), here)
    # Each chunk's task does its sound as well; what is left of the audio's own task takes no time.
    renditions = plan_of(MINUTES).renditions
    second = gigapixels(PICTURE, renditions, round(RATE))
    pieces = replace(
        times, chunk=Line(times.chunk.base, times.chunk.rate + times.audio.rate / second), audio=Line(0, 0)
    )
    free = replace(here, stream=math.inf)
    unseen = replace(free, partition_entities=math.inf)
    quick = replace(pieces, probe=QUICK_STEP, package=Line(QUICK_STEP, 0))
    swift = replace(quick, chunk=Line(QUICK_STEP / 2, quick.chunk.rate))
    segment = SETTINGS.segment_seconds
    half = replace(quick, chunk=Line(quick.chunk.base, quick.chunk.rate / 2))
    yield Variant("(a) sound in pieces, like the picture", pieces, free)
    yield Variant("(b) that, and the finishers' looks at all rows free", pieces, unseen)
    yield Variant(f"(c) that, and chunks of at most {SHORT_CHUNK:g} s", pieces, unseen, SHORT_CHUNK)
    yield Variant(f"(d) that, and probe and package {QUICK_STEP:g} s each", quick, unseen, SHORT_CHUNK)
    yield Variant(f"(e) that, and {QUICK_STEP / 2:g} CPU s to begin a task", swift, unseen, SHORT_CHUNK)
    yield Variant(f"(f) that, and chunks of one segment ({segment:g} s)", swift, unseen, segment)
    yield Variant("(d) and half the CPU for a chunk", half, unseen, SHORT_CHUNK)
    yield Variant("(d) on instances of two cores", quick, replace(unseen, cores=2), SHORT_CHUNK)
    yield Variant(f"(d) on {2 * INSTANCES} instances", quick, replace(unseen, instances=2 * INSTANCES), SHORT_CHUNK)
    yield Variant("(c) without (b)", pieces, free, SHORT_CHUNK)
