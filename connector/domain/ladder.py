"""The ladder: which renditions a picture of a given shape gets."""

from dataclasses import dataclass
from fractions import Fraction

from connector.domain.plan import Rendition


@dataclass(frozen=True, slots=True)
class Rung:
    """Nominal values at up to 30 frames per second for a 16:9 picture of this many lines."""

    lines: int
    maxrate: int
    crf: float


RUNGS = (
    Rung(2160, 16_000_000, 24),
    Rung(1440, 9_000_000, 24),
    Rung(1080, 5_000_000, 24),
    Rung(720, 2_800_000, 23),
    Rung(480, 1_300_000, 24),
    Rung(360, 750_000, 24),
    Rung(240, 400_000, 24),
)
"""The quality is argued in bench/RESULTS.md ("Quality for bytes"). Dark noise is what 720 lines would lose first."""

SMALLEST_REGULAR = 360
"""Below this a rung is only used for sources that are that small themselves."""

NEAR = 1.2
"""A source less than this factor above a rung replaces it: two nearly equal renditions help nobody."""

HIGH_FRAME_RATE = 1.5
"""Share of bits that more than 30 frames per second cost."""

PEAK = 2
"""A rendition's highest rate, over a few seconds, against the mean rate of its source."""
FLOOR = 0.25
"""Share of a rung's highest rate that it keeps however small the source is: our keyframes are more frequent than most,
and one of a still screen needs what a minute of it does."""
APART = 0.8
"""A rung whose highest rate is more than this share of the one above is no alternative to it."""


def lines_of(width: int, height: int) -> int:
    """Lines of the smallest 16:9 (or 9:16) frame that holds the picture.

    1920x800, 1440x1080 and 1080x1920 are all 1080.
    """
    short, long = sorted((width, height))
    return max(short, round(long * 9 / 16))


def even(value: float) -> int:
    """4:2:0 pictures have even sides."""
    return max(2, round(value / 2) * 2)


def ladder(width: int, height: int, frame_rate: Fraction, max_lines: int) -> tuple[Rendition, ...]:
    """Renditions from the highest to the lowest for a picture of `width` × `height` square px.

    Never larger than the source (an odd side loses a line) and never above `max_lines`. The highest one has the
    source's own size where that is possible.
    """
    source = lines_of(width, height)
    top = min(source, max_lines, RUNGS[0].lines)
    lines = [top] + [r.lines for r in RUNGS if r.lines >= SMALLEST_REGULAR and r.lines * NEAR <= top]
    return tuple(_rendition(width, height, n, source, frame_rate) for n in lines)


def capped(renditions: tuple[Rendition, ...], source: int | None) -> tuple[Rendition, ...]:
    """The ladder of a source that has `source` bit/s (None: not known): nothing gets many more than that.

    Rungs that may then cost about as much as the one above are left out. The lowest stays, for slow lines.
    """
    if source is None:
        return renditions
    kept: list[Rendition] = []
    for rendition in renditions:
        rate = max(min(rendition.maxrate, PEAK * source), rendition.maxrate * FLOOR)
        if kept and rate > kept[-1].maxrate * APART:
            if rendition is not renditions[-1]:
                continue
            rate = kept[-1].maxrate / 2
        nominal = _tens(rate)
        kept.append(rendition.model_copy(update={"id": nominal, "maxrate": nominal}))
    return tuple(kept)


def _rendition(width: int, height: int, lines: int, source: int, frame_rate: Fraction) -> Rendition:
    scale = min(1.0, lines / source)
    rung = next((r for r in reversed(RUNGS) if lines <= r.lines), RUNGS[0])
    rate = rung.maxrate * (lines / rung.lines) ** 1.5 * (HIGH_FRAME_RATE if frame_rate > 30 else 1)
    maxrate = _tens(rate)
    return Rendition(
        id=maxrate,
        width=_fit(width * scale, width),
        height=_fit(height * scale, height),
        crf=rung.crf,
        maxrate=maxrate,
    )


def _tens(rate: float) -> int:
    """Whole tens of kbit/s: the number is seen by people, as folder name and in players' menus."""
    return max(100_000, round(rate / 10_000) * 10_000)


def _fit(value: float, source: int) -> int:
    """Even, and not above the source (a source of one px becomes two: there is no smaller picture)."""
    side = even(value)
    return side if side <= source else max(2, side - 2)
