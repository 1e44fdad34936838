"""What a thousand minutes of 1080p cost: instance-seconds, executions, requests and bytes, at list prices.

Run: python -m bench.cost     writes a section of RESULTS.md, and one of the README

Counts follow from the plan (`bench.model.work`), seconds from `bench/task_times.json`. Free grants are not taken off.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.model.platform import INSTANCE_MEMORY, LATENCY, STREAM
from bench.model.times import Times
from bench.model.words import table
from bench.model.work import PAGE, SETTINGS, Task, Work, work_of
from bench.pipeline import PROJECT
from bench.results import write_section
from client.upload import BLOCK
from connector.domain.usage import billed

MINUTES = 1000
LENGTH = 10
"""Minutes of each video."""
CALLS = 4
"""Executions beside the queue's, of a second or less: POST /Videos, MarkComplete, the blob's event, one Status."""
QUEUE_REQUESTS = 3
"""Of each message: put, get, delete."""
HD_LINES = 720
"""From which on services charge for HD."""


class Price(NamedTuple):
    usd: float
    per: float
    unit: str
    source: str


FUNCTIONS = "https://azure.microsoft.com/pricing/details/functions/"
BLOBS = "https://azure.microsoft.com/pricing/details/storage/blobs/"
GB_SECOND = Price(
    SETTINGS.price_gb_second, 1, "GB-s", f"{FUNCTIONS} as quoted by https://modal.com/blog/azure-function-pricing-guide"
)
EXECUTION = Price(SETTINGS.price_million_executions, 1_000_000, "executions", f"{FUNCTIONS}: list price, not looked up")
WRITE = Price(SETTINGS.price_10k_writes, 10_000, "writes", f"{BLOBS}, hot, LRS, as quoted by calculators")
READ = Price(0.004, 10_000, "reads", f"{BLOBS}, likewise")
GB_MONTH = Price(SETTINGS.price_gb_month, 1, "GB and month", f"{BLOBS}, likewise")
TABLE = Price(
    0.00036,
    10_000,
    "requests",
    "https://azure.microsoft.com/pricing/details/storage/tables/: list price, not looked up",
)
QUEUE = Price(
    0.004, 10_000, "requests", "https://azure.microsoft.com/pricing/details/storage/queues/: list price, not looked up"
)
PRICED = "2025, a US region, USD"

MANAGED = {
    # Per output minute: of SD, of HD, up to 30 frames per second.
    "AWS Elemental MediaConvert, basic": (
        0.0075,
        0.015,
        "https://aws.amazon.com/mediaconvert/pricing/: list price, not looked up",
    ),
    "Google Transcoder API": (0.015, 0.030, "https://cloud.google.com/transcoder/pricing: list price, not looked up"),
    "Coconut": (
        0.0075,
        0.015,
        "https://www.coconut.co/pricing, as quoted by https://github.com/api-evangelist/coconut (2026)",
    ),
    "Bitmovin": (
        0.02,
        0.04,
        "https://bitmovin.com/pricing, as quoted by https://github.com/api-evangelist/bitmovin (2026)",
    ),
}
NOBODY_LOOKED = "No price list could be looked up where this was written, only what others quote"


@dataclass(frozen=True)
class Line:
    what: str
    amount: float
    price: Price

    @property
    def usd(self) -> float:
        return self.amount / self.price.per * self.price.usd


def task_seconds(task: Task, speed: float = 1.0) -> float:
    """How long a task keeps its instance."""
    reading = task.load.bytes_out / STREAM.value
    return task.load.in_a_row * LATENCY.value + max(task.cpu / speed, reading)


def bill(work: Work, times: Times, videos: float, speed: float = 1.0) -> list[Line]:
    """Of so many such videos, on cores that are `speed` times as fast as those that were measured."""
    everything = [*work.tasks, work.probe, work.package]
    length = float(work.plan.duration)
    instance = sum(billed(task_seconds(task, speed)) for task in everything) + CALLS * billed(0)
    looks = len(work.tasks) * math.ceil(len(work.tasks) / PAGE)
    table = sum(task.load.table_reads + task.load.table_writes for task in everything) + looks
    upload = math.ceil(length * times.source_bytes / BLOCK) + 1
    kept = length * (times.source_bytes + times.stored_bytes) / 1e9
    return [
        Line("instances", videos * instance * INSTANCE_MEMORY.value / 1024, GB_SECOND),
        Line("executions", videos * (len(everything) + CALLS), EXECUTION),
        Line("blob writes, the upload's among them", videos * (upload + sum(t.load.writes for t in everything)), WRITE),
        Line("blob reads", videos * sum(task.load.reads for task in everything), READ),
        Line("table requests", videos * table, TABLE),
        Line("queue requests", videos * QUEUE_REQUESTS * len(everything), QUEUE),
        Line("kept: original and output, a month", videos * kept, GB_MONTH),
    ]


def managed_prices(work: Work) -> dict[str, float]:
    """USD that each managed encoder takes for a minute of source with the same renditions."""
    high = sum(min(r.width, r.height) >= HD_LINES for r in work.plan.renditions)
    low = len(work.plan.renditions) - high
    return {name: low * sd + high * hd for name, (sd, hd, _) in MANAGED.items()}


def report(work: Work, times: Times) -> str:
    lines = bill(work, times, MINUTES / LENGTH)
    once = sum(line.usd for line in lines if line.price is not GB_MONTH)
    ladder = ", ".join(str(min(r.width, r.height)) for r in work.plan.renditions)
    slower = sum(line.usd for line in bill(work, times, MINUTES / LENGTH, speed=0.5) if line.price is not GB_MONTH)
    rows = [
        f"| {line.what} | {line.amount:,.0f} {line.price.unit} | {line.price.usd:.10f}".rstrip("0")
        + f" per {line.price.per:,.0f} |"
        f" **{line.usd:.2f}** |"
        for line in lines
    ]
    output = MINUTES * len(work.plan.renditions)
    others = [f"| {name} | {usd * MINUTES:.2f} | {MANAGED[name][2]} |" for name, usd in managed_prices(work).items()]
    return "\n".join(
        [
            f"`python -m bench.cost`: {MINUTES:,} minutes of 1080p30 in videos of {LENGTH} minutes, all",
            f"renditions ({ladder} lines) and sound. Task times by {times.measured_by}. Prices: {PRICED}.",
            "Nothing of this was billed by Azure: a core of an instance is taken to be as fast as those measured.",
            f"{NOBODY_LOOKED}.",
            "",
            "| | amount | USD | cost, USD |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Made once: **{once:.2f}**, or {once / output:.5f} per output minute ({output:,} of them);",
            f"on cores half as fast {slower:.2f}. Not in it: what viewers load, log and telemetry, free grants.",
            "",
            "| managed encoder, the same renditions | USD | price list |",
            "|---|---|---|",
            *others,
            "",
            *_price_sources(lines),
        ]
    )


def readme_section(work: Work, times: Times) -> str:
    """The same in short."""
    lines = bill(work, times, MINUTES / LENGTH)
    once = sum(line.usd for line in lines if line.price is not GB_MONTH)
    slower = sum(line.usd for line in bill(work, times, MINUTES / LENGTH, speed=0.5) if line.price is not GB_MONTH)
    kept = next(line for line in lines if line.price is GB_MONTH)
    hours = lines[0].amount / 3600 / (INSTANCE_MEMORY.value / 1024)
    ladder = ", ".join(str(min(r.width, r.height)) for r in work.plan.renditions)
    output = MINUTES * len(work.plan.renditions)
    rows = [["**this, on Flex Consumption**", f"**{once:.2f}**", f"{once / output:.4f}"]]
    rows += [
        [name, f"{usd * MINUTES:.2f}", f"{usd * MINUTES / output:.4f}"] for name, usd in managed_prices(work).items()
    ]
    memory, executions, writes = INSTANCE_MEMORY.value, lines[1].amount, lines[2].amount
    renditions = f"all renditions ({ladder} lines)"
    reports = "the API reports the cost of each video before and after encoding."
    total = f"With cores half as fast, the total is {slower:.2f}."
    assumed = [
        f"{MINUTES:,} minutes of 1080p30, in videos of {LENGTH} minutes, with {renditions} and audio,",
        f"need {hours:.0f} hours of an instance with {memory:.0f} MB and one core, {executions:,.0f} executions and",
        f"{writes:,.0f} writes. Storing {kept.amount:.0f} GB (original and output) costs {kept.usd:.2f} per month.",
    ]
    open_ = [
        f"Times were measured on the test machine, and Azure billed nothing. {total}",
        "Excluded: viewer traffic, logging, free grants. The prices are quotations by others, not from price lists.",
        "[bench/RESULTS.md](bench/RESULTS.md) has the source of each price and every line of the bill. With the",
        f"[settings](#settings) `PRICE_…` and `CURRENCY`, {reports}",
    ]
    return "\n\n".join(["\n".join(assumed), table(["", "USD", "per output minute"], rows), "\n".join(open_)])


def _price_sources(lines: Sequence[Line]) -> list[str]:
    return [f"- {line.what}: {line.price.source}" for line in lines]


def main() -> int:
    times = Times.load()
    work = work_of(LENGTH, times)
    write_section(PROJECT / "bench" / "RESULTS.md", f"Cost of {MINUTES:,} minutes", report(work, times))
    write_section(PROJECT / "README.md", "What it costs", readme_section(work, times))
    return 0


if __name__ == "__main__":
    sys.exit(main())
