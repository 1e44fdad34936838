"""Opens an upload for demuxing: through the channel only, with white lists of demuxers, protocols and decoders."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import TypeVar

import av
import av.subtitles.codeccontext
import av.subtitles.stream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Discard, Stream

from connector.domain.failures import media_error
from connector.media.decoders import WHITELIST, allow_listed_decoders
from connector.sandbox.protocol import Channel

AnyPacket = TypeVar("AnyPacket")
"""Packet of PyAV for any kind of stream; PyAV's own class is generic for type checkers only."""

# av.subtitles is imported above, because PyAV loads it at the first stream of any kind, and a sealed process cannot.

DEMUXERS = (
    "aac,aiff,asf,au,avi,dv,flac,flv,gif,h264,hevc,m4v,matroska,mov,mp3,mpeg,"
    "mpegts,mpegvideo,mxf,nut,ogg,rm,w64,wav,wtv"
)
"""Demuxers that are allowed.

None of them opens what its file names: no concat, no HLS, DASH or other playlists, no image sequences.
"""

BUFFER = 64 * 1024
"""Bytes of one request to the parent, which reads ahead in far larger blocks."""


class RemoteFile(io.RawIOBase):
    """Gives FFmpeg one of the job's files."""

    def __init__(self, channel: Channel, file: int) -> None:
        self._channel, self._file = channel, file
        self.size = channel.size(file)
        self.budget: int | None = None
        """Bytes that may still be read; beyond them, reading fails. None: no limit."""
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self.size - self._at)
        size = left if size < 0 else min(size, left)
        if self.budget is not None:
            self.budget -= size
            if self.budget < 0:
                raise OSError("read budget exceeded")
        data = self._channel.read(self._file, self._at, size) if size else b""
        self._at += len(data)
        return data


FURTHEST = 1 << 62
"""Furthest seek in microseconds: made-up timestamps reach beyond what FFmpeg counts in."""


@contextmanager
def open_container(file: RemoteFile, most_pixels: int | None = None) -> Iterator[InputContainer]:
    """Gives the open container. Raises MediaError when it is nothing that we read.

    `most_pixels` limits pictures that FFmpeg decodes only to learn what the streams are.
    """
    options = {
        "format_whitelist": DEMUXERS,
        "protocol_whitelist": "none",
        # This is for the decoders that FFmpeg opens to find out what the streams are.
        "codec_whitelist": WHITELIST,
        # This is enough to find late audio tracks, without reading a broken file to its end.
        "probesize": str(8 * 1024 * 1024),
        "max_streams": "100",
    }
    try:
        container = av.open(
            file,
            "r",
            options={"max_pixels": str(most_pixels)} if most_pixels else {},
            container_options=options,
            buffer_size=BUFFER,
            metadata_errors="replace",
        )
    except MemoryError:
        # FFmpeg raises this for more streams than the limit, too.
        raise media_error("TooComplex") from None
    except FFmpegError as error:
        raise media_error("UnreadableMedia") from error
    allow_listed_decoders(container)
    try:
        yield container
    finally:
        container.close()


def seek(container: InputContainer, microseconds: int) -> None:
    """Seeks to the keyframe at or before the time. Raises FFmpegError when it cannot be reached."""
    container.seek(max(-FURTHEST, min(FURTHEST, microseconds)))


def discard_other_streams(container: InputContainer, stream: Stream) -> None:
    """Leaves out the packets of all other streams, which some demuxers then need not even read."""
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all


def until_unreadable(packets: Iterator[AnyPacket]) -> Iterator[AnyPacket]:
    """Yields the packets that are not empty, up to where a damaged file can no longer be read."""
    try:
        yield from (packet for packet in packets if packet.size)  # type: ignore[attr-defined]  # each is a Packet
    except FFmpegError:
        return


def seconds(value: int | None, time_base: Fraction | None) -> Fraction | None:
    """Returns a timestamp in seconds; None stays None."""
    return None if value is None or time_base is None else value * time_base


def decode_times_only(container: InputContainer) -> bool:
    """Returns whether the container says when a picture is to be decoded, and not when it is shown.

    FFmpeg's presentation times are then guesses, which fail with B-frames.
    """
    return container.format.name == "avi"


def packet_time(packet: Packet[Stream], *, by_dts: bool) -> Fraction | None:
    """Returns the presentation time in seconds; the decoding time where there is no other, or with `by_dts`."""
    stamp = packet.dts if by_dts or packet.pts is None else packet.pts
    return seconds(stamp, packet.time_base)
