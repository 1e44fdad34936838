"""Writes a storyboard's WebVTT, which tells players' seek bars which tile of the sprite image shows which time."""

from connector.domain import layout
from connector.domain.layout import TIMESCALE
from connector.manifests.presentation import Storyboard
from connector.manifests.text import rounded


def storyboard(sprite: Storyboard, duration: int) -> str:
    """Returns one cue per tile up to `duration` ticks, where the last cue ends. The image lies beside this file."""
    image = layout.STORYBOARD.rpartition("/")[2]
    end = rounded(duration, 1000)
    starts = [rounded(int(i * sprite.interval * TIMESCALE), 1000) for i in range(sprite.count)]
    starts = [start for start in starts if start < end]
    blocks = ["WEBVTT"]
    for i, (start, following) in enumerate(zip(starts, [*starts[1:], end], strict=True)):
        row, column = divmod(i, sprite.columns)
        area = f"{column * sprite.width},{row * sprite.height},{sprite.width},{sprite.height}"
        blocks.append(f"{_timestamp(start)} --> {_timestamp(following)}\n{image}#xywh={area}")
    return "\n\n".join(blocks) + "\n"


def _timestamp(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
