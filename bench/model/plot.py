"""A line plot as SVG, by hand: a few kilobytes, and no library."""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 40, 48
COLOURS = ("#1b6ca8", "#d1495b", "#3c8d5a", "#8e5ea2", "#b8860b", "#555555")

Points = Sequence[tuple[float, float]]


class _Axis:
    """Logarithmic, or from 0 on."""

    def __init__(self, values: Sequence[float], begin: float, end: float, *, log: bool) -> None:
        self._log = log
        low, high = min(values), max(values)
        self._low = 10 ** math.floor(math.log10(low)) if log else 0.0
        self._high = 10 ** math.ceil(math.log10(high)) if log else math.ceil(high / 10) * 10
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        low, high = self._low, self._high
        share = math.log(value / low) / math.log(high / low) if self._log else (value - low) / (high - low)
        return round(self._begin + share * (self._end - self._begin), 1)

    @property
    def ticks(self) -> list[float]:
        if not self._log:
            return [self._high * n / 5 for n in range(6)]
        decades = round(math.log10(self._high / self._low))
        return [self._low * 10**n for n in range(decades + 1)]


def write(path: Path, title: str, x: str, y: str, lines: dict[str, Points], *, log_y: bool = True) -> None:
    """`lines` by name; one that ends in `*` is drawn dashed, in the colour of the one before. X is logarithmic."""
    across = _Axis([a for line in lines.values() for a, _ in line], LEFT, WIDTH - RIGHT, log=True)
    up = _Axis([b for line in lines.values() for _, b in line], HEIGHT - BOTTOM, TOP, log=log_y)
    box, font = f'viewBox="0 0 {WIDTH} {HEIGHT}"', 'font-family="sans-serif" font-size="12"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} {font}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 22, title, weight="bold"),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x, anchor="middle"),
        _text(6, TOP - 8, y),
    ]
    for tick in across.ticks:
        out += [_line(across.at(tick), TOP, across.at(tick), HEIGHT - BOTTOM)]
        out += [_text(across.at(tick), HEIGHT - BOTTOM + 16, f"{tick:,.10g}", anchor="middle")]
    for tick in up.ticks:
        out += [_line(LEFT, up.at(tick), WIDTH - RIGHT, up.at(tick))]
        out += [_text(LEFT - 6, up.at(tick) + 4, f"{tick:,.10g}", anchor="end")]
    colour = -1
    for n, (name, line) in enumerate(lines.items()):
        dashed = name.endswith("*")
        colour += not dashed
        paint = COLOURS[colour % len(COLOURS)]
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        points = " ".join(f"{across.at(a)},{up.at(b)}" for a, b in line)
        out += [f'<polyline points="{points}" fill="none" stroke="{paint}" stroke-width="2"{dash}/>']
        height = TOP + 12 + 20 * n
        out += [f'<path d="M{WIDTH - RIGHT + 12} {height}h22" stroke="{paint}" stroke-width="2"{dash}/>']
        out += [_text(WIDTH - RIGHT + 40, height + 4, name.rstrip("*"))]
    path.write_text("\n".join([*out, "</svg>", ""]), "utf-8")


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#ddd"/>'
