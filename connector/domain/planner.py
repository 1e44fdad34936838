"""From what the probe saw to the plan: pure, so that every rule here has a table of cases as its test."""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count

from connector.domain.ladder import capped, even, ladder
from connector.domain.media_info import AudioStream, MediaInfo
from connector.domain.plan import AudioRendition, Plan, Rendition, Size, Stills

AUDIO_BITRATE = 128_000
AUDIO_SLACK = Fraction(1, 10)
"""Sound may end so many seconds after the picture and be cut; if it goes on longer, the last frame is held."""
PROGRESSIVE_LINES = 1080
TILE = (160, 90)
THUMBNAIL = (640, 360)
POSTER = (1280, 720)
MAX_TILES = 100
TILE_COLUMNS = 10
THUMBNAILS = 10
FULL_HD_PIXEL_RATE = 1920 * 1080 * 60
"""px/s up to which a chunk may have its full length."""
MAX_CHUNKS = 10_000
"""More would not fit into the video's row; only days of fast, large pictures come near."""
HEAD = Fraction(1, 2)
"""Length of the first segment, in segments: playback can begin when it is there."""
SHARED_PIXELS = 1280 * 720
"""Of the highest rendition, from which on two workers share the first segment: it is worth what a second task costs."""
PARALLEL = 8
"""Even a short video is cut into about so many chunks, so that several workers can share it."""

H264_BITS = {"hevc": 1.6, "vp9": 1.6, "libvpx-vp9": 1.6, "av1": 2.0, "libdav1d": 2.0, "vvc": 2.5}
"""Bits that H.264 takes for what these decoders' codecs say in one; all others take as many or more than H.264."""

MAX_RATE = 60
STANDARD_RATES = (
    *(Fraction(n) for n in (10, 12, 15, 24, 25, 30, 48, 50, 60)),
    Fraction(25, 2),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 60)),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings that a plan depends on."""

    segment_seconds: float
    chunk_seconds: float
    max_lines: int


def output_rate(rate: Fraction) -> Fraction:
    """The grid for a source of `rate` frames per second: the standard rate it means, at most 60.

    A faster one is divided evenly.
    """
    if rate <= 0:
        return Fraction(25)
    exact = min(STANDARD_RATES, key=lambda s: abs(rate - s))
    if abs(rate / exact - 1) < Fraction(4, 10_000):
        return exact
    if rate > MAX_RATE * Fraction(1001, 1000):
        return output_rate(rate / math.ceil(rate / (MAX_RATE * Fraction(1001, 1000))))
    # A denominator that keeps ticks whole is worth more than the last decimal of an odd rate.
    return min(Fraction(MAX_RATE), max(Fraction(1), Fraction(rate).limit_denominator(1001)))


def make_plan(info: MediaInfo, limits: Limits) -> Plan:
    """The plan for a source. Raises ValueError for one without picture and sound (the probe refuses it before)."""
    audio = audio_renditions(info.audio)
    if info.video is None:
        if not audio:
            raise ValueError("neither picture nor sound")
        return _sound_only(info, audio)
    video = info.video
    rate = video.frame_rate
    starts = [a.start for a in info.audio[: len(audio)]]
    # Sound that begins before the picture moves the picture's frames back by whole frames, so that the grid still
    # meets every source frame.
    held = max(0, math.floor((video.start - min([video.start, *starts])) * rate))
    origin = video.start - held / rate
    frames = max(1, round((video.end - origin) * rate))
    sound_end = max((a.end - origin for a in info.audio[: len(audio)]), default=Fraction(0))
    if sound_end > Fraction(frames) / rate + AUDIO_SLACK:
        frames = math.ceil(sound_end * rate)
    gop = max(1, round(Fraction(limits.segment_seconds) * rate))
    lines = min(limits.max_lines, video.detail_lines or limits.max_lines)
    renditions = ladder(video.display_width, video.display_height, rate, lines)
    renditions = capped(renditions, source_bitrate(info))
    duration = frames / rate
    whole = Plan(
        frame_rate=rate,
        origin=origin,
        tolerance=video.tolerance,
        frames=frames,
        gop=gop,
        head=max(1, round(gop * HEAD)) if frames > gop else gop,
        duration=duration,
        renditions=renditions,
        audio=audio,
        chunks=(),
        stills=_stills(renditions[0], frames, rate),
        progressive=_progressive(renditions),
    )
    cuts = cut_chunks(whole.segments, _longest_chunk(limits, renditions[0], rate))
    shared = len(renditions) > 1 and renditions[0].width * renditions[0].height >= SHARED_PIXELS
    # The highest rendition is about half of all work.
    begins = ([0] if shared else []) + [whole.segment_start(n) for n in cuts]
    return whole.model_copy(update={"chunks": tuple(begins)})


def source_bitrate(info: MediaInfo) -> int | None:
    """bit/s that H.264 would take for the picture: at most, because all of the file is counted. None: not known."""
    video = info.video
    if video is None or not info.size or video.end <= video.start:
        return None
    return round(8 * info.size / (video.end - video.start) * Fraction(H264_BITS.get(video.codec, 1)))


def _sound_only(info: MediaInfo, audio: tuple[AudioRendition, ...]) -> Plan:
    origin = min(a.start for a in info.audio)
    return Plan(
        frame_rate=Fraction(0),
        origin=origin,
        tolerance=Fraction(0),
        frames=0,
        gop=0,
        duration=max(a.end for a in info.audio) - origin,
        renditions=(),
        audio=audio,
        chunks=(),
        stills=None,
        progressive=audio[0].id,
    )


def _longest_chunk(limits: Limits, top: Rendition, rate: Fraction) -> int:
    """Segments. Larger and faster pictures get shorter chunks, so that a task takes about as long for all."""
    effort = max(Fraction(1), top.width * top.height * rate / FULL_HD_PIXEL_RATE)
    return max(1, math.floor(Fraction(limits.chunk_seconds) / effort / Fraction(limits.segment_seconds)))


def cut_chunks(segments: int, longest: int) -> tuple[int, ...]:
    """First segment of each chunk. The first ones are short (the first segment, which is half a one; 1, 2, 4 …
    segments): playback can begin early. So are the last ones, for several workers to end at about the same time.
    """
    longest = max(1, min(longest, math.ceil(segments / PARALLEL)), math.ceil(segments / (MAX_CHUNKS - PARALLEL)))
    starts, at, length = [0], 1, 1
    while at < segments:
        starts.append(at)
        at += length
        length = min(length * 2, longest, max(2, math.ceil((segments - at) / 2)))
    return tuple(starts)


def sound_segments(plan: Plan, segment_seconds: float) -> tuple[Fraction, Fraction]:
    """Seconds of the first segment of sound, and of the others; beside a picture, they begin with those of the picture.

    `segment_seconds`: what is wanted where there is no picture.
    """
    if plan.frames:
        return plan.segment_start(1) / plan.frame_rate, plan.gop / plan.frame_rate
    length = Fraction(segment_seconds)
    return length * HEAD if plan.duration > length else length, length


def chunk_range(plan: Plan, index: int) -> range:
    """Output frames of a chunk."""
    start = plan.chunks[index]
    return range(start, next((s for s in plan.chunks[index + 1 : index + 3] if s > start), plan.frames))


def chunk_renditions(plan: Plan, index: int) -> tuple[Rendition, ...]:
    """What a chunk's task makes: all renditions, unless another one begins at the same frame."""
    start = plan.chunks[index]
    if start in plan.chunks[index + 1 : index + 2]:
        return plan.renditions[:1]
    return plan.renditions[1:] if index and plan.chunks[index - 1] == start else plan.renditions


def audio_renditions(streams: tuple[AudioStream, ...]) -> tuple[AudioRendition, ...]:
    """One per track. A further track counts its id up by one bit per second, so that folders stay apart."""
    names: set[str] = set()
    out = []
    for i, stream in enumerate(streams):
        name = stream.title or (stream.language if stream.language != "und" else f"Audio {i + 1}")
        unique = next(n for n in chain([name], (f"{name} {k}" for k in count(2))) if n not in names)
        names.add(unique)
        out.append(
            AudioRendition(
                id=AUDIO_BITRATE + i,
                stream=stream.index,
                bitrate=AUDIO_BITRATE,
                language=stream.language,
                name=unique,
            )
        )
    return tuple(out)


def _stills(top: Rendition, frames: int, rate: Fraction) -> Stills:
    duration = frames / rate
    interval = max(1, math.ceil(duration / MAX_TILES))
    count = max(1, math.ceil(duration / interval))
    thumbnails = min(THUMBNAILS, frames)
    return Stills(
        interval=Fraction(interval),
        count=count,
        columns=min(TILE_COLUMNS, count),
        tile=_within(top, TILE),
        poster=_within(top, POSTER),
        thumbnail=_within(top, THUMBNAIL),
        # The middle of each of so many equal parts.
        thumbnails=tuple((2 * i + 1) * frames // (2 * thumbnails) for i in range(thumbnails)),
    )


def _within(picture: Rendition, box: tuple[int, int]) -> Size:
    """The picture's shape in the box, which is turned for a portrait picture; never larger than the picture."""
    long, short = (
        (picture.width, picture.height) if picture.width >= picture.height else (picture.height, picture.width)
    )
    scale = min(1.0, box[0] / long, box[1] / short)
    return Size(width=even(picture.width * scale), height=even(picture.height * scale))


def _progressive(renditions: tuple[Rendition, ...]) -> int:
    fits = [r for r in renditions if min(r.width, r.height) <= PROGRESSIVE_LINES]
    return (fits or renditions[-1:])[0].id


def tasks(plan: Plan) -> tuple[tuple[str, int], ...]:
    """(step, index) of every encoding task, all of the first segment first: it decides when playback can begin."""
    chunks = [("chunk", i) for i in range(len(plan.chunks))]
    audio = [("audio", i) for i in range(len(plan.audio))]
    first = plan.chunks.count(0)
    return (*chunks[:first], *audio, *chunks[first:])
