"""A small file for every decoder that may be opened, and files that name any codec FFmpeg knows."""

import io
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import av
from av.codec import Codec

from tests.media.audio import Audio, sine
from tests.media.cache import cached
from tests.media.colour import FULL_RANGE
from tests.media.sources import PAL, Video, numbered, write

SECONDS = Fraction(1, 2)
PCM = "pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le pcm_u8 pcm_alaw pcm_mulaw adpcm_ima_wav adpcm_ms"
PCM_OF_APPLE = "pcm_s8 pcm_s16be pcm_s24be pcm_s32be pcm_f32be pcm_f64be adpcm_ima_qt"


def _video(codec: str, pix_fmt: str = "yuv420p", **more: Any) -> Video:
    return replace(Video(fps=PAL, frames=10, size=(192, 144), codec=codec, pix_fmt=pix_fmt), **more)


def _coarse(codec: str) -> Video:
    """H.263 and its like cannot code the large coefficients that fine quantisers give for sharp edges."""
    return _video(codec, size=(176, 144), options={"b": "1M", "qmin": "8", "threads": "1"})


_SPEECH = {"rate": 8000, "layout": "mono"}

ENCODED: dict[str, tuple[str, Video | Audio]] = {
    "h264": ("mp4", _video("libx264")),
    "hevc": ("mp4", _video("libx265")),
    "libdav1d": ("matroska", _video("libsvtav1")),
    "vp8": ("webm", _video("libvpx")),
    "vp9": ("webm", _video("libvpx-vp9")),
    "mpeg1video": ("mpeg", _video("mpeg1video")),
    "mpeg2video": ("mpegts", _video("mpeg2video")),
    "mpeg4": ("avi", _video("mpeg4")),
    "msmpeg4v2": ("avi", _video("msmpeg4v2")),
    "msmpeg4": ("asf", _video("msmpeg4")),
    "h263": ("3gp", _coarse("h263")),
    "flv": ("flv", _video("flv")),
    "wmv1": ("asf", _video("wmv1")),
    "wmv2": ("asf", _video("wmv2")),
    "prores": ("mov", _video("prores_ks", "yuv422p10le")),
    "dnxhd": ("mov", _video("dnxhd", "yuv422p", size=(320, 240), options={"profile": "dnxhr_lb", "threads": "1"})),
    "dvvideo": ("dv", _video("dvvideo", size=(720, 576))),
    "mjpeg": ("mov", _video("mjpeg", "yuvj420p", colour=FULL_RANGE)),
    "ffv1": ("matroska", _video("ffv1")),
    "rawvideo": ("avi", _video("rawvideo")),
    "v210": ("mov", _video("v210", "yuv422p10le")),
    "gif": ("gif", _video("gif", "bgr8", colour=FULL_RANGE)),
    "aac": ("mp4", Audio()),
    "aac_latm": ("mpegts", Audio()),
    "mp2": ("mp2", Audio("mp2")),
    "mp3float": ("mp3", Audio("libmp3lame")),
    "ac3": ("mpegts", Audio("ac3")),
    "eac3": ("matroska", Audio("eac3")),
    "opus": ("webm", Audio("libopus")),
    "vorbis": ("ogg", Audio("vorbis")),
    "flac": ("flac", Audio("flac")),
    "alac": ("ipod", Audio("alac")),
    "amrnb": ("3gp", Audio("libopencore_amrnb", bit_rate=12_200, **_SPEECH)),
    "wmav1": ("asf", Audio("wmav1", bit_rate=128_000)),
    "wmav2": ("asf", Audio("wmav2", bit_rate=128_000)),
    "real_144": ("matroska", Audio("real_144", **_SPEECH)),
    "pcm_bluray": ("mpegts", Audio("pcm_bluray")),
    **{name: ("wav", Audio(name)) for name in PCM.split()},
    **{name: ("mov", Audio(name)) for name in PCM_OF_APPLE.split()},
}
"""Container and content of a file for each decoder whose codec FFmpeg can encode."""


OPTIONS = {"aac_latm": {"mpegts_flags": "latm"}, "pcm_bluray": {"mpegts_m2ts_mode": "1"}}
"""Options of the container."""


def _write(decoder: str, path: Path) -> Path:
    container, content = ENCODED[decoder]
    if isinstance(content, Video):
        return numbered(path, content, container=container)
    options = OPTIONS.get(decoder, {})
    sounds = [(content, sine(content, SECONDS))]
    return write(path, None, (), sounds, container=container, container_options=options)


def encoded(decoder: str) -> bytes:
    """The content of a file for this decoder. Raises KeyError when there is none."""
    return cached(f"codec.{decoder}", partial(_write, decoder), ENCODED[decoder]).read_bytes()


def declared(codec: str) -> bytes | None:
    """A file with noise that is said to be of this codec, or None when no container of ours can say so."""
    for container in ("nut", "avi", "mov", "matroska", "asf"):
        try:
            data = _noise(codec, container)
            with av.open(io.BytesIO(data)) as opened:
                found = opened.streams[0].codec_context
        except (ValueError, OSError, av.FFmpegError, IndexError):
            continue
        if found is not None and found.codec.id == Codec(codec, "r").id:
            return data
    return None


def _noise(codec: str, container: str) -> bytes:
    noise, file = Random(codec), io.BytesIO()
    picture = Codec(codec, "r").type == "video"
    with av.open(file, "w", format=container) as output:
        size = {"width": 64, "height": 48} if picture else {}
        stream = output.add_mux_stream(codec, rate=25 if picture else 48_000, **size)
        for n in range(5):
            packet = av.Packet(noise.randbytes(300))
            packet.stream, packet.is_keyframe = stream, True
            packet.time_base = Fraction(1, 25) if picture else Fraction(1, 48_000)
            packet.pts = packet.dts = n if picture else n * 1024
            output.mux(packet)
    return file.getvalue()
