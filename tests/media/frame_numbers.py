"""Pictures that say which frame they are: a 16-bit number in large cells, over moving, colourful content.

All places are fractions of the picture, so that scaled, squeezed and re-encoded pictures read the same:

    rows 0-4 /16    moving content
    rows 4-12/16    the number: 4 rows of 8 cells between a white (left) and a black (right) guard column;
                    rows 1-2 carry the bits, most significant first, rows 3-4 their complement
    rows 12-14/16   moving content
    rows 14-16/16   eight still patches of known colour

A cell pair that is not clearly different (two frames blended, another picture, a turned one) is no number.
tests/browser/static/frame-number.js is the same reader for a canvas.
"""

from functools import lru_cache

import av
import numpy as np
from numpy.typing import NDArray

BITS = 16
_CELLS = 8
_COLUMNS = _CELLS + 2
_ROWS = 4
_LEFT, _RIGHT = 1 / 16, 15 / 16
_TOP, _BOTTOM = 4 / 16, 12 / 16
_PATCHES_TOP = 14 / 16
_MIN_CONTRAST = 48
"""Least difference in luma between the guards for the picture to carry a number at all."""

PATCHES = (
    (191, 191, 191),
    (191, 191, 16),
    (16, 191, 191),
    (16, 191, 16),
    (191, 16, 191),
    (191, 16, 16),
    (16, 16, 191),
    (64, 64, 64),
)
"""sRGB-coded R, G, B (0-255) of the still patches, left to right."""

Rgb = NDArray[np.uint8]


def _edges(start: float, end: float, count: int, size: int) -> list[int]:
    return [round((start + (end - start) * i / count) * size) for i in range(count + 1)]


@lru_cache(maxsize=8)
def _pattern(width: int, height: int) -> Rgb:
    """A picture one and a half times as wide as it is shown, to be cut out at a moving place."""
    y, x = np.mgrid[0:height, 0 : width + width // 2].astype(np.float32)
    period = width / 2
    red = 128 + 100 * np.sin(2 * np.pi * x / period)
    green = 128 + 100 * np.sin(2 * np.pi * (2 * x / period + y / height * 3))
    blue = 128 + 100 * np.sin(2 * np.pi * (x / period - y / height * 5))
    bars = ((x % period) < period / 4) & ((y // max(height / 32, 1)) % 2 == 0)
    picture = np.stack([red, green, blue], axis=-1)
    picture[bars] = 255 - picture[bars]
    return picture.astype(np.uint8)


def _content(time: int, width: int, height: int) -> Rgb:
    """The moving part at a moment; it moves 1/64 of the picture's width per moment and repeats after 32."""
    left = (time * width // 64) % max(width // 2, 1)
    return _pattern(width, height)[:, left : left + width]


def draw_rgb(n: int, width: int, height: int, *, interlaced: str | None = None) -> Rgb:
    """Frame `n` as an array of height, width, 3 bytes.

    `interlaced` ("tff" or "bff") weaves two moments of the moving content, the first field's and a later one.
    """
    if interlaced is None:
        picture = _content(n, width, height).copy()
    else:
        picture = _content(2 * n, width, height).copy()
        second = 1 if interlaced == "tff" else 0
        picture[second::2] = _content(2 * n + 1, width, height)[second::2]
    rows, columns = _edges(_TOP, _BOTTOM, _ROWS, height), _edges(_LEFT, _RIGHT, _COLUMNS, width)
    picture[rows[0] : rows[-1], columns[0] : columns[1]] = 255
    picture[rows[0] : rows[-1], columns[-2] : columns[-1]] = 0
    for bit in range(BITS):
        row, column = divmod(bit, _CELLS)
        value = 255 * ((n >> (BITS - 1 - bit)) & 1)
        for shown, at in ((value, row), (255 - value, row + 2)):
            picture[rows[at] : rows[at + 1], columns[column + 1] : columns[column + 2]] = shown
    patches = _edges(0, 1, len(PATCHES), width)
    for i, colour in enumerate(PATCHES):
        picture[round(_PATCHES_TOP * height) :, patches[i] : patches[i + 1]] = colour
    return picture


def draw(n: int, width: int, height: int) -> av.VideoFrame:
    """Frame `n` as an rgb24 frame."""
    return av.VideoFrame.from_ndarray(draw_rgb(n, width, height), format="rgb24")


def luma_of(frame: av.VideoFrame) -> Rgb:
    """The brightness, an array of height, width bytes."""
    return frame.reformat(format="gray", threads=1).to_ndarray().astype(np.uint8, copy=False)


@lru_cache(maxsize=64)
def _boxes(width: int, height: int) -> list[tuple[slice, slice]]:
    """The inner part of each cell, row by row."""
    boxes = []
    for row in range(_ROWS):
        for column in range(_COLUMNS):
            top, bottom = (int((_TOP + (_BOTTOM - _TOP) * (row + at) / _ROWS) * height) for at in (0.3, 0.7))
            left, right = (int((_LEFT + (_RIGHT - _LEFT) * (column + at) / _COLUMNS) * width) for at in (0.3, 0.7))
            boxes.append((slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))))
    return boxes


def read_luma(luma: Rgb) -> int | None:
    """The number in a grey picture, or None when there is none to be read without doubt."""
    height, width = luma.shape
    cells = np.array([luma[box].mean() for box in _boxes(width, height)]).reshape(_ROWS, _COLUMNS)
    white, black = cells[:, 0].min(), cells[:, -1].max()
    contrast = white - black
    if contrast < _MIN_CONTRAST:
        return None
    number = 0
    for bit in range(BITS):
        row, column = divmod(bit, _CELLS)
        difference = cells[row, column + 1] - cells[row + 2, column + 1]
        if abs(difference) < contrast / 2:
            return None
        number = number << 1 | (difference > 0)
    return int(number)


def read(frame: av.VideoFrame) -> int | None:
    """The number a decoded frame shows, or None."""
    return read_luma(luma_of(frame))


def read_patches(rgb: Rgb) -> list[tuple[int, int, int]]:
    """Mean R, G, B of each still patch of an RGB picture."""
    height, width = rgb.shape[:2]
    top, bottom = int((_PATCHES_TOP + 0.04) * height), int(0.985 * height)
    found = []
    for i in range(len(PATCHES)):
        left, right = (int((i + place) / len(PATCHES) * width) for place in (0.3, 0.7))
        red, green, blue = rgb[top:bottom, left:right].reshape(-1, 3).mean(axis=0)
        found.append((round(red), round(green), round(blue)))
    return found


def patches_of(frame: av.VideoFrame, *, colorspace: str | None = None) -> list[tuple[int, int, int]]:
    """Mean R, G, B of each still patch of a decoded frame.

    `colorspace` ("ITU709", "ITU601") says what the frame is coded in where it does not say so itself.
    """
    rgb = frame.reformat(format="rgb24", threads=1, src_colorspace=colorspace).to_ndarray()
    return read_patches(rgb.astype(np.uint8, copy=False))
