"""How many lines of a picture carry something: those of upscaled and blurred sources do not."""

from av.filter import Graph
from av.video.frame import VideoFrame

BLOCK = 16
"""px; losses are averaged over squares of this side."""
WORST = 0.01
"""Share of the squares that may lose more: a picture is as sharp as its sharpest parts, most of it may be soft."""
LOST = 6.0
"""Mean squared error of luma (of 255) in a square from which on something is missing; about 40 dB."""
TELLING = 30.0
"""The same at a quarter of the size: a picture that loses less there shows nothing sharp, whatever its source."""


def loss(frame: VideoFrame, scale: float) -> float:
    """Mean squared error of luma that all but the worst squares stay below when the picture is scaled and back."""
    graph = Graph()
    graph.threads = 1
    width, height = frame.width, frame.height
    source = graph.add(
        "buffer",
        f"video_size={width}x{height}:pix_fmt={frame.format.name}:time_base=1/1"
        f":colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
    )
    both = graph.add("split")
    difference = graph.add("blend", "all_mode=difference")
    sink = graph.add("buffersink")
    narrow, low = max(2, round(width * scale)), max(2, round(height * scale))
    after = (
        ("lut", "y=min(255\\,val*val)"),
        ("scale", f"w={max(1, width // BLOCK)}:h={max(1, height // BLOCK)}:flags=area"),
    )
    _chain(graph, source, ("format", "pix_fmts=gray"), last=both)
    both.link_to(difference, 0, 0)
    down = graph.add("scale", f"w={narrow}:h={low}:flags=bicubic")
    both.link_to(down, 1, 0)
    up = graph.add("scale", f"w={width}:h={height}:flags=bicubic")
    down.link_to(up)
    up.link_to(difference, 0, 1)
    _chain(graph, difference, *after, last=sink)
    graph.configure()
    source.push(frame)
    found = sink.pull()
    assert isinstance(found, VideoFrame)  # noqa: S101 - a video graph gives video
    plane = found.planes[0]
    data = bytes(plane)
    squares = sorted(b"".join(data[n * plane.line_size :][: found.width] for n in range(found.height)))
    return float(squares[int((len(squares) - 1) * (1 - WORST))])


def _chain(graph, begin, *filters, last):
    for name, arguments in filters:
        node = graph.add(name, arguments)
        begin.link_to(node)
        begin = node
    begin.link_to(last)
