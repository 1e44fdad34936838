"""How pictures are coded: matrix, range, primaries and transfer, and the step from sRGB to HDR."""

from dataclasses import dataclass
from functools import cache

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

SDR_WHITE_NITS = 203
"""Luminance of SDR white within HDR (ITU-R BT.2408)."""


@dataclass(frozen=True)
class Colour:
    """Tags of a stream, and what its samples are really coded in."""

    matrix: Colorspace
    range: ColorRange
    primaries: ColorPrimaries
    transfer: ColorTrc


BT709 = Colour(Colorspace.ITU709, ColorRange.MPEG, ColorPrimaries.BT709, ColorTrc.BT709)
BT601 = Colour(Colorspace.ITU601, ColorRange.MPEG, ColorPrimaries.SMPTE170M, ColorTrc.SMPTE170M)
FULL_RANGE = Colour(Colorspace.ITU601, ColorRange.JPEG, ColorPrimaries.BT709, ColorTrc.BT709)
HDR10 = Colour(Colorspace.BT2020, ColorRange.MPEG, ColorPrimaries.BT2020, ColorTrc.SMPTE2084)
HLG = Colour(Colorspace.BT2020, ColorRange.MPEG, ColorPrimaries.BT2020, ColorTrc.ARIB_STD_B67)

# BT.709 to BT.2020 primaries, linear light (ITU-R BT.2087)
_TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]], np.float32)


def _pq(nits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inverse EOTF of SMPTE ST 2084."""
    power = np.power(nits / 10_000, 0.1593017578125)
    return np.power((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power), 78.84375)


def _hlg(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """OETF of ARIB STD-B67 for scene light 0-1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    upper = a * np.log(np.maximum(12 * light - b, 1e-6)) + c
    return np.where(light <= 1 / 12, np.sqrt(3 * light), upper)


@cache
def _linear() -> NDArray[np.float32]:
    """Display light 0-1 of each 8-bit code, gamma 2.4 (ITU-R BT.1886)."""
    return np.power(np.arange(256, dtype=np.float32) / 255, 2.4)


def to_hdr(rgb: NDArray[np.uint8], colour: Colour) -> NDArray[np.uint16]:
    """An SDR picture as part of an HDR one, its white at `SDR_WHITE_NITS`; 16 bits a sample."""
    light = np.clip(_linear()[rgb] @ _TO_BT2020.T, 0, 1)
    if colour.transfer == ColorTrc.SMPTE2084:
        signal = _pq(light * SDR_WHITE_NITS)
    else:
        # a 1000-nit display applies gamma 1.2 to the luminance of the scene (ITU-R BT.2100)
        display = light * SDR_WHITE_NITS / 1000
        luminance = np.maximum(display @ np.array([0.2627, 0.6780, 0.0593], np.float32), 1e-6)[..., None]
        signal = _hlg(np.clip(display * np.power(luminance, 1 / 1.2 - 1), 0, 1))
    return (np.clip(signal, 0, 1) * 65_535).round().astype(np.uint16)


def coded(rgb: NDArray[np.uint8], pix_fmt: str, colour: Colour) -> av.VideoFrame:
    """The picture in `pix_fmt`, converted by `colour`'s rules and tagged with them."""
    hdr = colour.transfer in {ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67}
    if hdr:
        frame = av.VideoFrame.from_ndarray(to_hdr(rgb, colour), format="rgb48le")
    else:
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    frame = frame.reformat(format=pix_fmt, threads=1, dst_colorspace=colour.matrix, dst_color_range=colour.range)
    frame.colorspace, frame.color_range = colour.matrix, colour.range
    frame.color_primaries, frame.color_trc = colour.primaries, colour.transfer
    return frame
