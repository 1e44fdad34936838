"""One small real file for every extension the API may list, and what is in it."""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from tests.media.audio import Audio, sine
from tests.media.cache import cached
from tests.media.colour import BT601, FULL_RANGE
from tests.media.sources import NTSC, PAL, Video, numbered, write

SECONDS = Fraction(1)


@dataclass(frozen=True)
class Entry:
    """`container` is FFmpeg's name of the format. Every file lasts about `SECONDS`."""

    container: str
    video: Video | None = None
    audio: Audio | None = None

    @property
    def has_video(self) -> bool:
        return self.video is not None

    @property
    def has_audio(self) -> bool:
        return self.audio is not None

    @property
    def seconds(self) -> Fraction:
        return self.video.seconds if self.video else SECONDS


def _small(codec: str, pix_fmt: str = "yuv420p", **more: Any) -> Video:
    return replace(Video(fps=PAL, frames=25, size=(192, 144), codec=codec, pix_fmt=pix_fmt, gop=12), **more)


def _h263(codec: str) -> Video:
    """H.263 and its like cannot code the large coefficients that fine quantisers give for sharp edges."""
    return _small(codec, size=(176, 144), options={"b": "1M", "qmin": "8", "threads": "1"})


_H264, _MPEG4 = _small("libx264"), _small("mpeg4")
_MPEG1, _MPEG2 = _small("mpeg1video"), _small("mpeg2video", b_frames=2)
_DV_PAL = _small("dvvideo", "yuv420p", size=(720, 576), colour=BT601, gop=None)
_DV_NTSC = _small("dvvideo", "yuv411p", size=(720, 480), fps=NTSC, frames=30, colour=BT601, gop=None)
_AAC, _MP2, _MP3 = Audio(), Audio("mp2"), Audio("libmp3lame")
_PCM, _PCM_BE = Audio("pcm_s16le"), Audio("pcm_s16be")
_AIFF = Entry("aiff", None, _PCM_BE)
_WMV, _WMA = _small("wmv2"), Audio("wmav2", bit_rate=128_000)
_MPEG_PS = Entry("mpeg", _MPEG1, _MP2)
_MOV = Entry("mov", _H264, _AAC)
_TS = Entry("mpegts", _MPEG2, _MP2)

CORPUS: dict[str, Entry] = {
    "3g2": Entry("3g2", _MPEG4, _AAC),
    "3gp": Entry("3gp", _h263("h263"), Audio(layout="mono")),
    "aac": Entry("adts", None, _AAC),
    "aif": _AIFF,
    "aifc": Entry("aiff", None, Audio("pcm_mulaw", rate=8000, layout="mono")),
    "aiff": _AIFF,
    "asf": Entry("asf", _small("msmpeg4"), _MP3),
    "au": Entry("au", None, _PCM_BE),
    "avi": Entry("avi", _MPEG4, _MP3),
    "dif": Entry("dv", _DV_NTSC, _PCM),
    "dv": Entry("dv", _DV_PAL, _PCM),
    "f4v": Entry("f4v", _H264, _AAC),
    "flac": Entry("flac", None, Audio("flac")),
    "flv": Entry("flv", _small("flv"), Audio("libmp3lame", rate=44_100)),
    "gif": Entry("gif", _small("gif", "bgr8", colour=FULL_RANGE)),
    "m2ts": Entry("mpegts", _H264, Audio("ac3")),
    "m4a": Entry("ipod", None, Audio("alac")),
    "m4b": Entry("ipod", None, _AAC),
    "m4p": Entry("ipod", None, _AAC),
    "m4v": Entry("ipod", _H264, _AAC),
    "mkv": Entry("matroska", _small("libx264", b_frames=2), Audio("flac")),
    "mov": Entry("mov", _small("prores_ks", "yuv422p10le", gop=None), _PCM),
    "movie": _MOV,
    "mp2": Entry("mp2", None, _MP2),
    "mp3": Entry("mp3", None, _MP3),
    "mp4": Entry("mp4", _H264, _AAC),
    "mpe": _MPEG_PS,
    "mpeg": _MPEG_PS,
    "mpg": _MPEG_PS,
    "mpga": Entry("mp3", None, _MP3),
    "mts": Entry("mpegts", _H264, Audio("ac3")),
    "mxf": Entry("mxf", _MPEG2, _PCM),
    "oga": Entry("oga", None, Audio("vorbis")),
    "ogg": Entry("ogg", None, Audio("vorbis")),
    "ogv": Entry("ogg", _small("libvpx"), Audio("vorbis")),
    "opus": Entry("opus", None, Audio("libopus")),
    "qt": Entry("mov", _small("mjpeg", "yuvj420p", colour=FULL_RANGE, gop=None), Audio("adpcm_ima_qt")),
    "ra": Entry("rm", None, Audio("ac3")),
    "ts": _TS,
    "vob": Entry("vob", _small("mpeg2video", size=(352, 288), colour=BT601), Audio("ac3")),
    "wav": Entry("wav", None, _PCM),
    "webm": Entry("webm", _small("libvpx-vp9"), Audio("libopus")),
    "wm": Entry("asf", _WMV, _WMA),
    "wma": Entry("asf", None, _WMA),
    "wmv": Entry("asf", _WMV, _WMA),
    "wtv": Entry("wtv", _MPEG2, _MP2),
}


def _write(extension: str, path: Path) -> Path:
    entry = CORPUS[extension]
    options = {"mpegts_m2ts_mode": "1"} if extension in {"m2ts", "mts"} else {}
    if entry.video:
        return numbered(path, entry.video, entry.audio or (), container=entry.container, container_options=options)
    assert entry.audio
    return write(path, None, (), [(entry.audio, sine(entry.audio, SECONDS))], container=entry.container)


def build(extension: str, directory: Path | None = None) -> Path:
    """The file of this extension, in `directory` or else in the cache. Raises KeyError for an unknown one."""
    name = f"sample.{extension}"
    if directory is not None:
        return _write(extension, directory / name)
    return cached(name, partial(_write, extension), extension)
