"""Makes pictures fit for the ladder: deinterlaced, turned, square pixels, BT.709 limited range, 8-bit 4:2:0."""

from fractions import Fraction

from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from connector.media.filters import linear, video_source

PQ, HLG = 16, 18
HDR_TRANSFERS = frozenset({PQ, HLG})
_BT709, _BT601, _BT2020 = 1, 6, 9
_UNKNOWN = frozenset({0, 2})
_FULL, _LIMITED = 2, 1
_TRANSPOSE = {90: "transpose=clock", 180: "hflip,vflip", 270: "transpose=cclock"}

_MATRIX_NAMES = {1: "bt709", 4: "fcc", 5: "bt470", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
_TRANSFER_NAMES = {PQ: "smpte2084", HLG: "arib-std-b67"}
_PRIMARIES_NAMES = {1: "bt709", 9: "bt2020"}

SD_LINES = 720
"""Lines below which a picture is BT.601 unless it says otherwise, as all television in this size was."""


class FilterChain:
    """Runs a linear filter graph, and builds it anew whenever the shape of its input changes."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._shape: tuple[object, ...] | None = None
        self._graph: Graph | None = None
        self._source: FilterContext | None = None
        self._sink: FilterContext | None = None

    def filters(self, frame: VideoFrame) -> str:
        """Returns the filters for frames of this shape in FFmpeg's syntax; empty when there is nothing to do."""
        raise NotImplementedError

    def push(self, frame: VideoFrame | None) -> None:
        """Feeds a frame to the graph. None ends the stream."""
        if frame is None:
            if self._source is not None:
                self._source.push(None)
            return
        shape = (frame.width, frame.height, frame.format.name, int(frame.colorspace), int(frame.color_range))
        if shape != self._shape:
            self._build(frame)
            self._shape = shape
        self._source.push(frame)  # type: ignore[union-attr]  # _build made it

    def pull(self) -> VideoFrame | None:
        """Returns the next finished frame, or None when more input is needed."""
        if self._sink is None:
            return None
        try:
            frame = self._sink.pull()
        except (BlockingIOError, EOFError):
            return None
        return frame if isinstance(frame, VideoFrame) else None

    def through(self, frame: VideoFrame) -> VideoFrame:
        """Returns what becomes of the frame, in a chain that gives one frame for each."""
        self.push(frame)
        out = self.pull()
        assert out is not None  # noqa: S101 - such chains hold nothing back
        return out

    def _build(self, frame: VideoFrame) -> None:
        graph = Graph()
        graph.threads = self._threads
        self._source = video_source(graph, frame, frame.time_base or Fraction(1))
        nodes = (text.partition("=") for text in filter(None, self.filters(frame).split(",")))
        last = linear(graph, self._source, *((name, arguments) for name, _, arguments in nodes))
        self._sink = graph.add("buffersink")
        last.link_to(self._sink)
        graph.configure()
        self._graph = graph


class Deinterlacer(FilterChain):
    """Rebuilds frames marked as interlaced from both fields; others pass. Each frame in gives one frame out."""

    def filters(self, frame: VideoFrame) -> str:  # noqa: ARG002 - the same for every shape
        return "bwdif=mode=send_frame:deint=interlaced"


class Normalizer(FilterChain):
    """Turns source frames into the highest rendition, with `width` × `height` px after turning."""

    def __init__(self, width: int, height: int, rotation: int, threads: int = 1) -> None:
        super().__init__(threads)
        self._turned = (height, width) if rotation in {90, 270} else (width, height)
        self._rotation = rotation

    def filters(self, frame: VideoFrame) -> str:
        # Scaling comes first: turning a smaller picture is cheaper.
        return ",".join(filter(None, (self._scale(frame), _TRANSPOSE.get(self._rotation, ""))))

    def _scale(self, frame: VideoFrame) -> str:
        matrix, full = _matrix(frame), _is_full(frame)
        width, height = self._turned
        same_size = (frame.width, frame.height) == (width, height)
        hdr = _TRANSFER_NAMES.get(int(frame.color_trc))
        if same_size and frame.format.name == "yuv420p" and matrix == _BT709 and not full and not hdr:
            return ""
        options = {
            "w": width,
            "h": height,
            "in_range": "full" if full else "limited",
            "out_range": "limited",
            "out_color_matrix": "bt709",
            "flags": "bicubic+accurate_rnd+full_chroma_int",
        }
        if "rgb" not in frame.format.name and "gbr" not in frame.format.name and "pal" not in frame.format.name:
            options["in_color_matrix"] = _MATRIX_NAMES.get(matrix, "bt709")
        if hdr:
            # swscale maps tones when the transfer or the primaries change.
            primaries = _PRIMARIES_NAMES.get(int(frame.color_primaries), "bt2020")
            options |= {
                "in_transfer": hdr,
                "in_primaries": primaries,
                "out_transfer": "bt709",
                "out_primaries": "bt709",
                "intent": "perceptual",
            }
        return "scale=" + ":".join(f"{k}={v}" for k, v in options.items()) + ",format=pix_fmts=yuv420p"


class Downscaler(FilterChain):
    """Scales one rendition to the next lower one. `jpeg` asks for full range, because JPEG has no other."""

    def __init__(self, width: int, height: int, threads: int = 1, *, jpeg: bool = False) -> None:
        super().__init__(threads)
        self._size, self._jpeg = (width, height), jpeg

    def filters(self, frame: VideoFrame) -> str:  # noqa: ARG002 - the same for every shape
        width, height = self._size
        if self._jpeg:
            # JFIF demands BT.601 in full range.
            return (
                f"scale=w={width}:h={height}:in_color_matrix=bt709:in_range=limited"
                ":out_color_matrix=smpte170m:out_range=full:flags=area,format=pix_fmts=yuvj420p"
            )
        return f"scale=w={width}:h={height}:flags=bicubic"


def _matrix(frame: VideoFrame) -> int:
    matrix = int(frame.colorspace)
    if matrix in _UNKNOWN:
        return _BT709 if min(frame.width, frame.height) >= SD_LINES else _BT601
    return matrix


def _is_full(frame: VideoFrame) -> bool:
    return int(frame.color_range) == _FULL or "yuvj" in frame.format.name
