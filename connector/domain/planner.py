"""Makes the plan from what the probe saw. It is pure, so that every rule here has a table of cases as its test."""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count, pairwise

from connector.domain.ladder import capped, even, ladder
from connector.domain.media_info import AudioStream, MediaInfo
from connector.domain.plan import AudioRendition, Chunk, Plan, Rendition, Size, Stills
from connector.domain.step import Step, TaskId

AUDIO_BITRATE = 128_000
AUDIO_SLACK = Fraction(1, 10)
"""Seconds of sound after the end of the picture that are cut. If it goes on longer, the last frame is held."""
PROGRESSIVE_LINES = 1080
TILE = (160, 90)
THUMBNAIL = (640, 360)
POSTER = (1280, 720)
MAX_TILES = 100
TILE_COLUMNS = 10
THUMBNAILS = 10
FULL_HD_PIXEL_RATE = 1920 * 1080 * 60
"""Pixel rate in px/s up to which a chunk may have its full length."""
MAX_CHUNKS = 10_000
"""Number of chunks that still fit into the video's row. Only days of fast, large pictures come near it."""
HEAD = Fraction(1, 2)
"""Length of the first segment, as a share of the others'. Playback can begin when the first segment is there."""
SHARED_PIXELS = 1280 * 720
"""Pixels of the highest rendition from which two workers share the first segment: then it is worth a second task."""
PARALLEL = 8
"""Number of chunks, roughly, that even a short video is cut into, so that several workers can share it."""

H264_BITS = {"hevc": 1.6, "vp9": 1.6, "libvpx-vp9": 1.6, "av1": 2.0, "libdav1d": 2.0, "vvc": 2.5}
"""Bits that H.264 needs for one bit of these decoders' codecs. All other codecs need as many as H.264 or more."""

MAX_RATE = 60
STANDARD_RATES = (
    *(Fraction(n) for n in (10, 12, 15, 24, 25, 30, 48, 50, 60)),
    Fraction(25, 2),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 60)),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Holds the settings that a plan depends on."""

    segment_seconds: float
    chunk_seconds: float
    max_lines: int


def output_rate(rate: Fraction) -> Fraction:
    """Returns the rate of the output grid for a source of `rate` frames per second: the standard rate it means.

    The grid has at most 60 frames per second. A faster rate is divided evenly.
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
    """Returns the plan for a source. Raises ValueError for one without picture and sound, which the probe refuses."""
    audio = audio_renditions(info.audio)
    if info.video is None:
        if not audio:
            raise ValueError("neither picture nor sound")
        return _sound_only(info, audio)
    video = info.video
    rate = video.frame_rate
    starts = [a.start for a in info.audio[: len(audio)]]
    # Sound may begin before the picture. Then the output begins whole frames before the picture, so that the grid still
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
    return whole.model_copy(update={"chunks": _chunks(whole, limits)})


def _chunks(plan: Plan, limits: Limits) -> tuple[Chunk, ...]:
    top, ids = plan.renditions[0], tuple(r.id for r in plan.renditions)
    cuts = cut_chunks(plan.segments, _longest_chunk(limits, top, plan.frame_rate))
    starts = [plan.segment_start(number) for number in cuts]
    frames = pairwise([*starts, plan.frames])
    first, *rest = (Chunk(start=start, stop=stop, renditions=ids) for start, stop in frames)
    if len(ids) == 1 or top.width * top.height < SHARED_PIXELS:
        return first, *rest
    # The highest rendition is about half of all work.
    halves = (first.model_copy(update={"renditions": made}) for made in (ids[:1], ids[1:]))
    return *halves, *rest


def source_bitrate(info: MediaInfo) -> int | None:
    """Returns the bit/s that H.264 would need for the picture at most, because the whole file counts. None: unknown."""
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
    """Returns the most segments of a chunk.

    Larger and faster pictures get shorter chunks, so that a task takes about as long for all.
    """
    effort = max(Fraction(1), top.width * top.height * rate / FULL_HD_PIXEL_RATE)
    return max(1, math.floor(Fraction(limits.chunk_seconds) / effort / Fraction(limits.segment_seconds)))


def cut_chunks(segments: int, longest: int) -> tuple[int, ...]:
    """Returns the first segment of each chunk.

    The first chunks are short (the first segment, which has half the length, then 1, 2, 4 … segments), so that playback
    can begin early. The last ones are short, so that several workers end at about the same time.
    """
    longest = max(1, min(longest, math.ceil(segments / PARALLEL)), math.ceil(segments / (MAX_CHUNKS - PARALLEL)))
    starts, at, length = [0], 1, 1
    while at < segments:
        starts.append(at)
        at += length
        length = min(length * 2, longest, max(2, math.ceil((segments - at) / 2)))
    return tuple(starts)


def sound_segments(plan: Plan, segment_seconds: float) -> tuple[Fraction, Fraction]:
    """Returns the seconds of the first audio segment and of the others. They begin with the segments of a picture.

    `segment_seconds` is the wanted length where there is no picture.
    """
    if plan.frames:
        return plan.segment_start(1) / plan.frame_rate, plan.gop / plan.frame_rate
    length = Fraction(segment_seconds)
    return length * HEAD if plan.duration > length else length, length


def audio_renditions(streams: tuple[AudioStream, ...]) -> tuple[AudioRendition, ...]:
    """Returns one rendition per track. The id of each further track is one bit/s higher, so that folders differ."""
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
        # Each is the middle of one of `thumbnails` equal parts.
        thumbnails=tuple((2 * i + 1) * frames // (2 * thumbnails) for i in range(thumbnails)),
    )


def _within(picture: Rendition, box: tuple[int, int]) -> Size:
    """Returns the picture's shape in the box, which is turned for a portrait picture. It never enlarges the picture."""
    long, short = (
        (picture.width, picture.height) if picture.width >= picture.height else (picture.height, picture.width)
    )
    scale = min(1.0, box[0] / long, box[1] / short)
    return Size(width=even(picture.width * scale), height=even(picture.height * scale))


def _progressive(renditions: tuple[Rendition, ...]) -> int:
    fits = [r for r in renditions if min(r.width, r.height) <= PROGRESSIVE_LINES]
    return (fits or renditions[-1:])[0].id


def tasks(plan: Plan) -> tuple[TaskId, ...]:
    """Returns every encoding task. Those of the first segment come first: it decides when playback can begin."""
    first = [TaskId(Step.CHUNK, i) for i, chunk in enumerate(plan.chunks) if chunk.start == 0]
    rest = [TaskId(Step.CHUNK, i) for i, chunk in enumerate(plan.chunks) if chunk.start > 0]
    return (*first, *(TaskId(Step.AUDIO, i) for i in range(len(plan.audio))), *rest)
