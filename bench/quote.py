"""What is said of a video before it is encoded, beside what it took: `Estimate` against `Actual`.

Run: python -m bench.quote

On the local stack with one encoder, which has a core for itself as an instance has. The speed that estimates count
with is the one that `bench.tasks` measured on this machine.
"""

import sys
from dataclasses import dataclass

from bench.model.times import Times
from bench.model.words import table
from bench.pipeline import PROJECT
from bench.results import write_section
from bench.sources import FOLDER, KINDS, Source
from bench.tasks import machine_description, publish
from client import Client, Usage
from connector.settings import Settings
from local.stack import Stack

ALLOWED = 0.25
SOURCES = (Source("noise", 4), Source("noise", 22), Source("tone", 22), Source("noise", 60))
"""What `Estimate` must be true for."""
OTHERS = (Source("easy", 22), Source("hard", 22))
"""What else pictures can be: how far it is off then is told, and not judged."""


@dataclass(frozen=True)
class Quote:
    source: Source
    estimate: Usage
    actual: Usage
    upload: int

    @property
    def deviations(self) -> tuple[float, float, float, float]:
        """By what share the estimate is above the actuals: seconds, bytes made, bytes kept, cost."""
        said, was = self.estimate, self.actual
        pairs = [
            (said.seconds, was.seconds),
            (said.storage_bytes - self.upload, was.storage_bytes - self.upload),
            (said.storage_bytes, was.storage_bytes),
            (said.cost, was.cost),
        ]
        seconds, made, kept, cost = (a / b - 1 for a, b in pairs)
        return seconds, made, kept, cost

    @property
    def good(self) -> bool:
        return all(abs(share) <= ALLOWED for share in self.deviations)


def quote_source(client: Client, source: Source) -> Quote:
    video_id = str(publish(client, source.make_file()))
    video = client.get(video_id)
    client.delete(video_id)
    assert video.estimate
    assert video.actual
    return Quote(source, video.estimate, video.actual, video.size)


def report(quotes: list[Quote], speed: float) -> str:
    default = Settings.model_fields["encode_seconds_per_gigapixel"].default
    rows = []
    for quote in quotes:
        said, was = quote.estimate, quote.actual
        judged = quote.source in SOURCES
        rows.append(
            [
                quote.source.name if judged else f"*{quote.source.name}*",
                f"{said.seconds:.1f} / {was.seconds:.1f}",
                f"{(said.storage_bytes - quote.upload) / 1e6:.1f} / {(was.storage_bytes - quote.upload) / 1e6:.1f}",
                f"{said.cost:.5f} / {was.cost:.5f}",
                *(f"{share:+.0%}" for share in quote.deviations),
            ]
        )
    worst = max(abs(share) for quote in quotes if quote.source in SOURCES for share in quote.deviations)
    names = dict.fromkeys(quote.source.kind for quote in quotes)
    head = ["source, s", "instance-seconds", "MB made", "cost", "seconds", "made", "kept", "cost"]
    text = [
        "`python -m bench.quote`: what a Video says after the probe (`Estimate`) / when it is ready (`Actual`), on the",
        f"local stack with one encoder; {machine_description()}. `ENCODE_SECONDS_PER_GIGAPIXEL` is {speed:.1f}, as",
        f"`bench.tasks` measured it here; its default is {default:g}. On the right, by how much the estimate is above",
        f"the actuals: at most **{worst:.0%}** on the bench's own sources (allowed: {ALLOWED:.0%}). What is in a",
        "picture, it cannot know: sources in italics show how much that is, and are not judged.",
        "",
        table(head, rows),
        "",
        *(f"- {name}: {KINDS[name].says}, {KINDS[name].bitrate}bit/s" for name in names),
    ]
    return "\n".join(text)


def main() -> int:
    speed = Times.load().chunk.rate
    settings = {"ENCODE_SECONDS_PER_GIGAPIXEL": str(speed)}
    with Stack(PROJECT, FOLDER / "stack", encoders=1, env=settings) as stack, Client(stack.api) as client:
        # The first video of a stack loads what later ones find loaded.
        quote_source(client, Source("noise", 4))
        quotes = [quote_source(client, source) for source in (*SOURCES, *OTHERS)]
    write_section(PROJECT / "bench" / "RESULTS.md", "Estimate against actuals", report(quotes, speed))
    return int(not all(quote.good for quote in quotes if quote.source in SOURCES))


if __name__ == "__main__":
    sys.exit(main())
