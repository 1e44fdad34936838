"""Makes stills from pictures that the encode has at hand anyway: storyboard tiles and a candidate for the poster."""

import math
from collections import Counter
from fractions import Fraction

from av.filter import Graph
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from connector.domain.job_blobs import PosterCandidateBlob, ThumbnailBlob, TileStripBlob
from connector.domain.plan import Plan, Size
from connector.domain.task import PosterOutput
from connector.errors import BrokenOutput
from connector.media.filters import linear, video_source
from connector.media.picture import Downscaler, FilterChain
from connector.sandbox.protocol import Channel

MEASURE_LONGEST = 480
JPEG_QUALITY = 4
"""Quantiser of the MJPEG encoder, 2 (best) to 31."""


class _Measure(FilterChain):
    """Annotates a picture with its brightness spread and its blur."""

    def filters(self, frame: VideoFrame) -> str:
        scale = min(1.0, MEASURE_LONGEST / max(frame.width, frame.height))
        width, height = max(16, round(frame.width * scale)), max(16, round(frame.height * scale))
        return f"scale=w={width}:h={height}:flags=area,signalstats,blurdetect"


def score(low: float, high: float, average: float, blur: float) -> float:
    """Returns how good a poster a picture makes, 0 (useless) to 1: contrast, exposure and sharpness multiply.

    `low` and `high` are the luma of the darkest and brightest tenth, `average` is the mean luma (16 to 235 each).
    `blur` is the mean width of edges in px as blurdetect measures it, about 2 for a sharp picture, beyond 10 for a
    smeared one.
    """
    contrast = min(1.0, max(0.0, high - low) / 160)
    light = (average - 16) / 219
    exposure = max(0.0, 1 - (2 * light - 0.9) ** 2) if 0 < light < 1 else 0.0
    sharpness = 1 / (1 + max(0.0, blur - 2) / 6) if math.isfinite(blur) else 0.1
    return round(contrast * exposure * sharpness, 6)


class Stills:
    """Collects the stills of one chunk."""

    def __init__(self, plan: Plan, frames: range, channel: Channel) -> None:
        if plan.stills is None:
            raise BrokenOutput("a plan with chunks has no stills")
        self._plan, self._channel = plan, channel
        rate = plan.frame_rate
        tiles = [min(plan.frames - 1, math.ceil(n * plan.stills.interval * rate)) for n in range(plan.stills.count)]
        # Several tiles may show the same frame at the end of a very short video.
        self._tile_counts = Counter(frame for frame in tiles if frame in frames)
        self._thumbnails = {f: i for i, f in enumerate(plan.stills.thumbnails, 1) if f in frames}
        self._measure = _Measure()
        self._tile = _jpeg_sized(plan.stills.tile)
        self._thumbnail = _jpeg_sized(plan.stills.thumbnail)
        self._poster = _jpeg_sized(plan.stills.poster)
        self._tiles: list[VideoFrame] = []
        self._best: tuple[float, int, VideoFrame] | None = None

    def see(self, number: int, frame: VideoFrame) -> None:
        """Takes the stills that are due from an output frame, which has the size of the highest rendition."""
        if number in self._thumbnails:
            blob = ThumbnailBlob(number=self._thumbnails[number])
            self._channel.put(blob, jpeg(self._thumbnail.through(frame)))
        if number not in self._tile_counts:
            return
        self._tiles += [self._tile.through(frame)] * self._tile_counts[number]
        facts = self._measure.through(frame).metadata
        value = score(
            float(facts.get("lavfi.signalstats.YLOW", 0)),
            float(facts.get("lavfi.signalstats.YHIGH", 0)),
            float(facts.get("lavfi.signalstats.YAVG", 0)),
            float(facts.get("lavfi.blur", "nan")),
        )
        if self._best is None or value > self._best[0]:
            self._best = value, number, self._poster.through(frame)

    def finish(self) -> tuple[PosterOutput | None, int]:
        """Writes the strip of tiles and the poster candidate. Returns the candidate and the number of tiles."""
        if self._best is None:
            return None, 0
        self._channel.put(TileStripBlob(), jpeg(tiled(self._tiles, len(self._tiles), 1)))
        value, number, frame = self._best
        self._channel.put(PosterCandidateBlob(), jpeg(frame))
        time = float(Fraction(number) / self._plan.frame_rate)
        return PosterOutput(time=time, score=value), len(self._tiles)


def _jpeg_sized(size: Size) -> Downscaler:
    return Downscaler(size.width, size.height, jpeg=True)


def tiled(frames: list[VideoFrame], columns: int, rows: int) -> VideoFrame:
    """Returns one picture of equal tiles, row by row; missing ones are black."""
    graph = Graph()
    graph.threads = 1
    first = frames[0]
    source = video_source(graph, first)
    tile = linear(graph, source, ("tile", f"layout={columns}x{rows}"))
    sink = graph.add("buffersink")
    tile.link_to(sink)
    graph.configure()
    # The filter would fill missing tiles by itself, but with green in full range.
    missing = columns * rows - len(frames)
    for n, frame in enumerate((*frames, *([_black(first)] * missing))):
        frame.pts, frame.time_base = n, Fraction(1)
        source.push(frame)
    source.push(None)
    picture = sink.pull()
    assert isinstance(picture, VideoFrame)  # noqa: S101 - a video graph gives video
    return picture


def _black(like: VideoFrame) -> VideoFrame:
    frame = VideoFrame(like.width, like.height, like.format.name)
    for plane, value in zip(frame.planes, (0, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.colorspace, frame.color_range = like.colorspace, like.color_range
    return frame


def jpeg(frame: VideoFrame) -> bytes:
    """Returns the picture (yuvj420p) as a JPEG file."""
    context = VideoCodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = frame.width, frame.height, "yuvj420p"
    context.time_base = Fraction(1)
    context.thread_count = 1
    context.qmin = context.qmax = JPEG_QUALITY
    frame.pts, frame.time_base = 0, Fraction(1)
    return b"".join(bytes(p) for p in (*context.encode(frame), *context.encode(None)))
