"""Chooses the ladder: the renditions that a picture of a given shape gets."""

from dataclasses import dataclass
from fractions import Fraction

from connector.domain.plan import Rendition


@dataclass(frozen=True, slots=True)
class Rung:
    """Holds the nominal values for a 16:9 picture of this many lines, at up to 30 frames per second."""

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
"""Rungs of the ladder, highest first. The reasons for each quality are in bench/RESULTS.md ("Quality for bytes").

The CRF of 720 lines is lower, because noise in dark areas is what they would lose first.
"""

SMALLEST_REGULAR = 360
"""Lines below which a rung is only used for sources that are that small themselves."""

NEAR = 1.2
"""Factor above a rung within which a source replaces it: two nearly equal renditions help nobody."""

HIGH_FRAME_RATE = 1.5
"""Factor by which more than 30 frames per second raise the bitrate."""

PEAK = 2
"""Ratio of a rendition's highest rate, over a few seconds, to the mean rate of its source."""
FLOOR = 0.25
"""Share of a rung's highest rate that it keeps, however low the rate of the source is.

Our keyframes are more frequent than most, and one keyframe of a still screen needs as much as a minute of it.
"""
APART = 0.8
"""Share of the next higher rung's highest rate; a rung with a higher rate than this is no alternative to that one."""


def lines_of(width: int, height: int) -> int:
    """Returns the number of lines of the smallest 16:9 (or 9:16) frame that holds the picture.

    It is 1080 for 1920x800, 1440x1080 and 1080x1920.
    """
    short, long = sorted((width, height))
    return max(short, round(long * 9 / 16))


def even(value: float) -> int:
    """Returns the nearest even number, at least 2, because 4:2:0 pictures have even sides."""
    return max(2, round(value / 2) * 2)


def ladder(width: int, height: int, frame_rate: Fraction, max_lines: int) -> tuple[Rendition, ...]:
    """Returns renditions from the highest to the lowest for a picture of `width` × `height` square px.

    None is larger than the source (an odd side loses a line) or has more than `max_lines`. The highest one has the
    source's own size where that is possible.
    """
    source = lines_of(width, height)
    top = min(source, max_lines, RUNGS[0].lines)
    lines = [top] + [r.lines for r in RUNGS if r.lines >= SMALLEST_REGULAR and r.lines * NEAR <= top]
    return tuple(_rendition(width, height, n, source, frame_rate) for n in lines)


def capped(renditions: tuple[Rendition, ...], source: int | None) -> tuple[Rendition, ...]:
    """Returns the ladder for a source of `source` bit/s (None: unknown). No rendition gets many more bits than that.

    Rungs whose rate is then close to that of the rung above are left out. The lowest stays, for slow connections.
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
        nominal = _rounded_rate(rate)
        kept.append(rendition.model_copy(update={"id": nominal, "maxrate": nominal}))
    return tuple(kept)


def _rendition(width: int, height: int, lines: int, source: int, frame_rate: Fraction) -> Rendition:
    scale = min(1.0, lines / source)
    rung = next((r for r in reversed(RUNGS) if lines <= r.lines), RUNGS[0])
    rate = rung.maxrate * (lines / rung.lines) ** 1.5 * (HIGH_FRAME_RATE if frame_rate > 30 else 1)
    maxrate = _rounded_rate(rate)
    return Rendition(
        id=maxrate,
        width=_fit(width * scale, width),
        height=_fit(height * scale, height),
        crf=rung.crf,
        maxrate=maxrate,
    )


def _rounded_rate(rate: float) -> int:
    """Rounds a rate to tens of kbit/s, because people see the number as folder name and in players' menus."""
    return max(100_000, round(rate / 10_000) * 10_000)


def _fit(value: float, source: int) -> int:
    """Returns an even side, not above the source. A source of one px becomes two: there is no smaller picture."""
    side = even(value)
    return side if side <= source else max(2, side - 2)
