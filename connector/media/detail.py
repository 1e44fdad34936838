"""Finds out how many lines of a picture carry detail: upscaled and blurred sources have fewer than all.

A rung is as good as the source when the picture can be scaled down to it and back without losing anything that matters.
Most sources prove to be sharp at their first picture, which is decoded anyway. Only for the others, more is read.
"""

from collections.abc import Iterator

from av.error import FFmpegError
from av.filter import Graph
from av.video.frame import VideoFrame

from connector.domain.ladder import NEAR, RUNGS, SMALLEST_REGULAR, lines_of
from connector.domain.media_info import MediaInfo
from connector.media.filters import linear, video_source
from connector.media.source import RemoteFile, seek
from connector.media.survey import Survey

PLACES = (0.2, 0.4, 0.6, 0.8)
"""Shares of the length at which more pictures are looked at: the keyframes before these places."""
ENOUGH = 3
"""Number of pictures that must agree at least. A single one may be a title, a fade or out of focus."""
READ_BUDGET = 16 * 1024 * 1024
"""Bytes that may be read for all places together."""
DECODE_PACKETS = 60
"""Number of packets, at each place, after which a picture is no longer waited for."""

BLOCK = 16
"""Side in px of the squares over which losses are averaged."""
WORST = 0.01
"""Share of the squares that may lose more: a picture is as sharp as its sharpest parts, and most of it may be soft."""
LOST = 5.0
"""Mean squared error of luma (of 255) in a square up to which nothing is missing. Encoding loses more than that."""
TELLING = 10.0
"""Loss that a picture must have at half the rung. With less loss it shows nothing sharp, whatever the source has."""
STEEP = 0.15
"""Highest ratio of the loss at a rung to the loss at half of it.

The detail of an upscaled picture ends abruptly, while a soft picture loses a little more at each step.
"""


def with_detail(info: MediaInfo, survey: Survey, file: RemoteFile) -> MediaInfo:
    """Returns `info` with what is found of its picture's detail. The container must be one that can seek."""
    video = info.video
    # The lines of two fields look like detail.
    if video is None or video.interlaced:
        return info
    source = lines_of(video.display_width, video.display_height)
    rungs = [r.lines for r in RUNGS if SMALLEST_REGULAR <= r.lines <= source / NEAR]
    most, seen = 0, 0
    try:
        for frame in _pictures(survey, file, info) if rungs else ():
            lines = _lines(frame, rungs, source)
            if lines == source:
                return info
            if lines is not None:
                most, seen = max(most, lines), seen + 1
    except (FFmpegError, OSError):
        return info  # damaged, or too far to read
    if seen < ENOUGH:
        return info
    return info.model_copy(update={"video": video.model_copy(update={"detail_lines": most})})


def _pictures(survey: Survey, file: RemoteFile, info: MediaInfo) -> Iterator[VideoFrame]:
    """Yields the first picture, and one from each further place, each once."""
    first = survey.first_frames[0]
    yield first
    known = {first.pts}
    assert info.video is not None  # noqa: S101 - there was a picture
    begin, length = info.video.start, info.video.end - info.video.start
    try:
        file.budget = READ_BUDGET
        for place in PLACES:
            frame = _picture_at(survey, int((begin + length * place) * 1_000_000))
            if frame is not None and frame.pts not in known:
                known.add(frame.pts)
                yield frame
    finally:
        file.budget = None


def _picture_at(survey: Survey, microseconds: int) -> VideoFrame | None:
    seek(survey.container, microseconds)
    for count, packet in enumerate(survey.container.demux(survey.video)):
        for frame in packet.decode():
            if isinstance(frame, VideoFrame):
                return frame
        if count >= DECODE_PACKETS:
            break
    return None


def _lines(frame: VideoFrame, rungs: list[int], source: int) -> int | None:
    """Returns the lowest rung that shows all of the picture, or `source`, or None when the picture does not tell."""
    lowest = source
    for rung in rungs:
        here = loss(frame, rung / source)
        if here > LOST:
            break
        half = loss(frame, rung / source / 2)
        if lowest == source and half < TELLING:
            return None
        if here > half * STEEP:
            break
        lowest = rung
    return lowest


def loss(frame: VideoFrame, scale: float) -> float:
    """Returns the mean squared error of luma, in all but the worst squares, when the picture is scaled and back."""
    graph = Graph()
    graph.threads = 1
    width, height = frame.width, frame.height
    source = video_source(graph, frame)
    both, difference = graph.add("split"), graph.add("blend", "all_mode=difference")
    linear(graph, source, ("format", "pix_fmts=gray")).link_to(both)
    both.link_to(difference, 0, 0)
    down = graph.add("scale", f"w={max(2, round(width * scale))}:h={max(2, round(height * scale))}:flags=lanczos")
    both.link_to(down, 1, 0)
    linear(graph, down, ("scale", f"w={width}:h={height}:flags=lanczos")).link_to(difference, 0, 1)
    squares = f"w={max(1, width // BLOCK)}:h={max(1, height // BLOCK)}:flags=area"
    sink = graph.add("buffersink")
    linear(graph, difference, ("lut", r"y=min(255\,val*val)"), ("scale", squares)).link_to(sink)
    graph.configure()
    source.push(frame)
    found = sink.pull()
    assert isinstance(found, VideoFrame)  # noqa: S101 - a video graph gives video
    plane = found.planes[0]
    data = bytes(plane)
    errors = sorted(b"".join(data[n * plane.line_size :][: found.width] for n in range(found.height)))
    return float(errors[int((len(errors) - 1) * (1 - WORST))])
