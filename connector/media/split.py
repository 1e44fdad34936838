"""Remuxes the picture of a source that cannot be sought into pieces that start at keyframes.

Pieces are NUT, FFmpeg's own container: it holds every codec and keeps timestamps as they are. The source is read once
and not decoded; at most one piece is in memory.
"""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import io
from fractions import Fraction

import av
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream as AvVideo

from connector.domain.failures import media_error
from connector.domain.job_blobs import PieceBlob
from connector.domain.jobs import SplitJob
from connector.domain.task import PieceOutput, SplitOutput
from connector.media.source import RemoteFile, decode_times_only, open_container, packet_time, seconds, until_unreadable
from connector.sandbox.protocol import Channel

MAX_PIECE = 128 * 1024 * 1024
"""Bytes after which a piece ends at the next keyframe, even if it is short."""


def split(job: SplitJob, channel: Channel) -> SplitOutput:
    """Writes the pieces. Raises MediaError when no picture is found."""
    file = RemoteFile(channel, 0)
    pieces: list[PieceOutput] = []
    ends: dict[int, Fraction] = {}
    with open_container(file) as container:
        video = container.streams[job.stream]
        assert isinstance(video, AvVideo)  # noqa: S101 - the probe saw it as one
        by_dts = decode_times_only(container)
        rate = video.average_rate or video.base_rate
        length = 1 / rate if rate else Fraction(0)
        cutter = _Cutter(channel, video, job.piece_seconds)
        for packet in until_unreadable(container.demux([video, *container.streams.audio])):
            time = packet_time(packet, by_dts=by_dts)
            if time is None:
                continue
            if by_dts:
                packet.pts = packet.dts  # the time that the pieces keep
            index = packet.stream.index
            lasts = seconds(packet.duration, packet.time_base) or (length if index == job.stream else 0)
            end = time + lasts
            ends[index] = max(end, ends.get(index, end))
            if index == job.stream:
                cutter.add(packet, time)
                channel.progress(min(1.0, file.tell() / file.size))
        pieces = cutter.finish()
    if not pieces:
        raise media_error("UndecodableVideo")
    return SplitOutput(pieces=tuple(pieces), ends=ends)


class _Cutter:
    def __init__(self, channel: Channel, video: AvVideo, piece_seconds: float) -> None:
        self._channel, self._video, self._seconds = channel, video, piece_seconds
        self._pieces: list[PieceOutput] = []
        self._buffer: io.BytesIO | None = None
        self._start = Fraction(0)

    def add(self, packet: Packet[Stream], time: Fraction) -> None:
        if self._buffer is None or (packet.is_keyframe and self._full(time)):
            self._close()
            self._open(time)
        packet.stream = self._out
        try:
            self._container.mux(packet)
        except MemoryError:
            raise  # it says nothing about the packet
        except FFmpegError:
            return  # it is damaged, for its time cannot follow the last one's: it is left out

    def _full(self, time: Fraction) -> bool:
        assert self._buffer is not None  # noqa: S101 - for the type checker
        return time - self._start >= self._seconds or self._buffer.tell() >= MAX_PIECE

    def _open(self, time: Fraction) -> None:
        self._buffer, self._start = io.BytesIO(), time
        # The piece has no index at its end, and its timestamps are left as they are.
        self._container = av.open(
            self._buffer, "w", format="nut", container_options={"write_index": "0", "avoid_negative_ts": "disabled"}
        )
        self._out = self._container.add_stream_from_template(self._video, opaque=True)
        self._out.time_base = self._video.time_base

    def _close(self) -> None:
        if self._buffer is None:
            return
        self._container.close()
        self._channel.put(PieceBlob(number=len(self._pieces)), self._buffer.getvalue())
        self._pieces.append(PieceOutput(start=self._start))

    def finish(self) -> list[PieceOutput]:
        self._close()
        return self._pieces
