"""Draws one frame of a published segment as an image file."""

from fractions import Fraction
from itertools import islice

from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from connector.domain.failures import media_error
from connector.domain.job_blobs import PictureBlob
from connector.domain.jobs import StillJob, StillOutput
from connector.domain.layout import ImageFormat
from connector.domain.plan import Size
from connector.media.picture import FilterChain
from connector.media.source import RemoteFile, open_container
from connector.media.stills import jpeg
from connector.sandbox.protocol import Channel

WEBP_QUALITY = 80
"""Quality of a WebP image, 0 to 100."""

_COLOURS = {
    # JFIF is BT.601 in full range, WebP is BT.601 in limited range. Neither file says so.
    "jpg": "out_color_matrix=smpte170m:out_range=full,format=pix_fmts=yuvj420p",
    "webp": "out_color_matrix=smpte170m:out_range=limited,format=pix_fmts=yuv420p",
    "png": "out_range=full,format=pix_fmts=rgb24",
}


class _Resized(FilterChain):
    """Turns a picture of a rendition, BT.709 in limited range, into the size and colours of an image file."""

    def __init__(self, size: Size, form: ImageFormat) -> None:
        super().__init__()
        self._size, self._form = size, form

    def filters(self, frame: VideoFrame) -> str:  # noqa: ARG002 - the same for every shape
        # The image does not name its transfer curve, so that viewers show it as they show the video.
        return (
            f"scale=w={self._size.width}:h={self._size.height}:in_color_matrix=bt709:in_range=limited"
            f":flags=bicubic+accurate_rnd+full_chroma_int:{_COLOURS[self._form]}"
            ",setparams=color_primaries=unknown:color_trc=unknown"
        )


def draw(job: StillJob, channel: Channel) -> StillOutput:
    """Writes the picture and returns the empty result. Raises MediaError when the segment has no such frame."""
    with open_container(RemoteFile(channel, 0)) as segment:
        stream = segment.streams.video[0]
        stream.codec_context.thread_count = job.limits.threads
        # Pictures come in the order in which they are shown. Decoding ends with the wanted one.
        frame = next(islice(segment.decode(stream), job.frame, None), None)
        if frame is None:
            raise media_error("UndecodableVideo")
        picture = _Resized(job.size, job.form).through(frame)
    channel.put(PictureBlob(), _file(picture, job.form))
    return StillOutput()


def _file(picture: VideoFrame, form: ImageFormat) -> bytes:
    match form:
        case "jpg":
            return jpeg(picture)
        case "webp":
            return _compressed(picture, "libwebp", {"quality": str(WEBP_QUALITY)})
        case "png":
            return _compressed(picture, "png", {})


def _compressed(picture: VideoFrame, codec: str, options: dict[str, str]) -> bytes:
    context = VideoCodecContext.create(codec, "w")
    assert isinstance(context, VideoCodecContext)  # noqa: S101 - both codecs make pictures
    context.width, context.height, context.pix_fmt = picture.width, picture.height, picture.format.name
    context.time_base = Fraction(1)
    context.thread_count = 1
    context.options = options
    picture.pts, picture.time_base = 0, Fraction(1)
    return b"".join(bytes(p) for p in (*context.encode(picture), *context.encode(None)))
