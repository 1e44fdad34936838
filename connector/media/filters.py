"""Builds the parts that FFmpeg filter graphs have in common: their source, and a chain of filters."""

from fractions import Fraction

from av.audio.frame import AudioFrame
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

_ONE_SECOND = Fraction(1)


def video_source(graph: Graph, frame: VideoFrame, time_base: Fraction = _ONE_SECOND) -> FilterContext:
    """Adds the node that takes frames of the shape of `frame`, whose times are in units of `time_base` seconds."""
    return graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}"
        f":time_base={time_base.numerator}/{time_base.denominator}"
        f":colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
    )


def audio_source(graph: Graph, frame: AudioFrame) -> FilterContext:
    """Adds the node that takes frames of the shape of `frame`, whose times count samples."""
    return graph.add(
        "abuffer",
        f"sample_rate={frame.sample_rate}:sample_fmt={frame.format.name}"
        f":channel_layout={frame.layout.name}:time_base=1/{frame.sample_rate}",
    )


def linear(graph: Graph, node: FilterContext, *filters: tuple[str, str]) -> FilterContext:
    """Adds the filters, as (name, arguments), one behind the other from `node` on. Returns the last node."""
    for name, arguments in filters:
        following = graph.add(name, arguments)
        node.link_to(following)
        node = following
    return node
