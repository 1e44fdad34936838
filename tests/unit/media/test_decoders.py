"""FFmpeg itself refuses decoders that are not listed, whatever our own code asks for."""

import io
from fractions import Fraction

import av
import pytest
from av.error import FFmpegError
from av.video.frame import VideoFrame

from connector.media.decoders import AUDIO, DECODERS, VIDEO
from connector.media.source import RemoteFile, open_container
from scripts.readme import README


class MemoryChannel:
    """Answers as the parent of a media process does, for one file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def size(self, file: int) -> int:
        return len(self._data)

    def read(self, file: int, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


def _file(codec: str, pix_fmt: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as output:
        stream = output.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        for n in range(3):
            frame = VideoFrame(64, 48, pix_fmt)
            frame.pts, frame.time_base = n, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def _decoded(data: bytes) -> int:
    with open_container(RemoteFile(MemoryChannel(data), 0)) as container:  # type: ignore[arg-type]  # two methods of it
        return len(list(container.decode(video=0)))


def test_a_listed_decoder_is_opened():
    assert _decoded(_file("mpeg4", "yuv420p")) == 3


@pytest.mark.parametrize(("codec", "pix_fmt"), [("cinepak", "rgb24"), ("msvideo1", "rgb555le"), ("huffyuv", "yuv422p")])
def test_another_decoder_is_not_opened(codec, pix_fmt):
    data = _file(codec, pix_fmt)
    with av.open(io.BytesIO(data)) as container:
        assert len(list(container.decode(video=0))) == 3
    with pytest.raises(FFmpegError):
        _decoded(data)


def test_the_readme_names_every_codec():
    lead = "Accepted codecs are these, and no other decoder of FFmpeg is opened:\n"
    assert f"{lead}{', '.join(VIDEO)}; {', '.join(AUDIO)}.\n" in README.read_text("utf-8")
    assert len(set(DECODERS)) == len(DECODERS)
