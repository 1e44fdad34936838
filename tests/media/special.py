"""Sources that are awkward each in their own way, and what a right reading of them shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

from tests.media.audio import Audio, sine
from tests.media.cache import cached
from tests.media.colour import BT601, FULL_RANGE, HDR10, HLG, Colour
from tests.media.sources import FIFTY, NTSC, NTSC_DOUBLE, NTSC_FILM, Video, numbered, write

_MONO_8K = Audio("pcm_s16le", rate=8000, layout="mono")
_IRREGULAR = tuple(
    Fraction(ms, 1000) for ms in (0, 40, 50, 133, 240, 300, 301, 480, 900, 920, 940, 1100, 1500, 1533, 1566, 1600)
)


@dataclass(frozen=True)
class Special:
    """A source and the truth about it; what is not given follows from `video` and `audio`."""

    suffix: str
    video: Video | None = None
    audio: tuple[Audio, ...] = ()
    container_options: tuple[tuple[str, str], ...] = ()
    shown: tuple[int, int] | None = None
    """Width and height in px as displayed: square pixels, turned upright."""
    first_number: int = 0
    """On the first frame that is to be shown (an edit list hides those before it)."""
    hidden: int = 0
    """Frames in the file that are not to be shown."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Displayed size in px; None without a picture."""
        return self.shown or (self.video.size if self.video else None)

    @property
    def frames(self) -> int:
        """That are to be shown."""
        return len(self.video.times) - 1 - self.hidden if self.video else 0

    @property
    def numbers(self) -> range:
        """The number on each frame that is to be shown."""
        return range(self.first_number, self.first_number + self.frames)

    @property
    def seconds(self) -> Fraction:
        """Of what is to be shown; the longest track's."""
        video = self.video.seconds - self.hidden / self.video.fps if self.video else Fraction(0)
        return max([video, *(a.seconds for a in self.audio if a.seconds)])

    @property
    def constant(self) -> bool:
        return self.video is None or self.video.timestamps is None

    @property
    def colour(self) -> Colour | None:
        return self.video.colour if self.video else None

    @property
    def languages(self) -> Sequence[str | None]:
        return [track.language for track in self.audio]


_AAC = (Audio(),)
_MP2 = (Audio("mp2"),)
_HEVC10 = {"codec": "libx265", "pix_fmt": "yuv420p10le"}

SPECIAL: dict[str, Special] = {
    "rotated_90": Special("mp4", Video(rotation=90), _AAC, shown=(240, 320)),
    "rotated_180": Special("mp4", Video(rotation=180), _AAC),
    "rotated_270": Special("mov", Video(rotation=270), _AAC, shown=(240, 320)),
    "portrait": Special("mp4", Video(size=(180, 320)), _AAC),
    "anamorphic": Special("mp4", Video(sar=Fraction(4, 3)), _AAC, shown=(427, 240)),
    "odd_size": Special("mkv", Video(size=(321, 241), pix_fmt="yuv444p"), _AAC),
    "interlaced_tff": Special("mp4", Video(interlaced="tff"), _AAC),
    "interlaced_bff": Special("mp4", Video(interlaced="bff"), _AAC),
    "interlaced_mpeg2": Special("ts", Video(codec="mpeg2video", interlaced="tff"), _MP2),
    "full_range": Special("mp4", Video(pix_fmt="yuvj420p", colour=FULL_RANGE), _AAC),
    "bt601": Special("mp4", Video(colour=BT601), _AAC),
    "bt709": Special("mp4", Video(), _AAC),
    "hevc_10_bit": Special("mp4", Video(**_HEVC10), _AAC),
    "hdr10": Special("mp4", Video(**_HEVC10, colour=HDR10), _AAC),
    "hlg": Special("mp4", Video(**_HEVC10, colour=HLG), _AAC),
    "vp9_opus": Special("webm", Video(codec="libvpx-vp9"), (Audio("libopus"),)),
    "av1": Special("mkv", Video(codec="libsvtav1", frames=25), (Audio("libopus"),)),
    "mpeg2_ts": Special("ts", Video(codec="mpeg2video", b_frames=2, gop=12), _MP2),
    "moov_last": Special("mov", Video(), _AAC),
    "moov_first": Special("mp4", Video(), _AAC, container_options=(("movflags", "faststart"),)),
    "fragmented": Special(
        "mp4",
        Video(gop=25),
        _AAC,
        container_options=(("movflags", "frag_keyframe+delay_moov+default_base_moof"),),
    ),
    "edit_list": Special(
        "mp4",
        Video(start=Fraction(-1), frames=75, gop=75, b_frames=2),
        (Audio(start=Fraction(-1)),),
        first_number=25,
        hidden=25,
    ),
    "late_audio": Special("mp4", Video(), (Audio(start=Fraction(1, 2), seconds=Fraction(3, 2)),)),
    "late_video": Special("mp4", Video(start=Fraction(1, 2), frames=25), (Audio(seconds=Fraction(3, 2)),)),
    "late_start": Special("mkv", Video(start=Fraction(5)), (Audio(start=Fraction(5)),)),
    "negative_start": Special(
        "ts",
        Video(start=Fraction(-2)),
        (Audio("mp2", start=Fraction(-2)),),
        container_options=(("avoid_negative_ts", "disabled"),),
    ),
    "surround": Special("mp4", Video(), (Audio(layout="5.1"),)),
    "mono_8k": Special("mov", Video(), (_MONO_8K,)),
    "three_languages": Special(
        "mp4",
        Video(),
        (
            Audio(language="eng", title="English", frequency=440),
            Audio(language="deu", title="Deutsch", frequency=880),
            Audio(language="fra", title="Français", frequency=1320),
        ),
    ),
    "no_audio": Special("mp4", Video()),
    "audio_only": Special("m4a", None, (Audio(seconds=Fraction(2)),)),
    "single_frame": Special("mp4", Video(frames=1)),
    "very_short": Special("mp4", Video(fps=NTSC, frames=9), _AAC),
    "gif": Special("gif", Video(codec="gif", pix_fmt="bgr8", colour=FULL_RANGE, frames=20, fps=Fraction(10))),
    "film_rate": Special("mp4", Video(fps=NTSC_FILM, b_frames=2), _AAC),
    "ntsc_rate": Special("mp4", Video(fps=NTSC, b_frames=2), _AAC),
    "fifty": Special("mp4", Video(fps=FIFTY, frames=100), _AAC),
    "ntsc_double": Special("mkv", Video(fps=NTSC_DOUBLE, frames=120), _AAC),
    "variable_mkv": Special("mkv", Video(timestamps=_IRREGULAR, b_frames=0), _AAC),
    "variable_mp4": Special("mp4", Video(timestamps=_IRREGULAR, b_frames=2), _AAC),
}


def _write(name: str, path: Path) -> Path:
    case = SPECIAL[name]
    if case.video is None:
        return write(path, None, (), [(track, sine(track, track.seconds)) for track in case.audio])
    return numbered(path, case.video, case.audio, container_options=dict(case.container_options))


def special(name: str, directory: Path | None = None) -> Path:
    """The file of that name, in `directory` or else in the cache. Raises KeyError for an unknown one."""
    file = f"{name}.{SPECIAL[name].suffix}"
    if directory is not None:
        return _write(name, directory / file)
    return cached(file, partial(_write, name), name)
