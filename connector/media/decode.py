"""Decodes the pictures of a source from a given time on, wherever and however they have to be fetched."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from fractions import Fraction

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream as AvVideo

from connector.domain.media_info import Access, VideoStream
from connector.media.picture import Deinterlacer
from connector.media.source import RemoteFile, discard_other_streams, open_container, seek, until_unreadable
from connector.sandbox.protocol import Channel

BACK_OFF = (0, 2, 10, 60)
"""Seconds further back to seek when the first decoded picture comes after the wanted place."""
BACK_PIECES = (0, 1, 4)
"""Pieces further back to begin when the first decoded picture comes after the wanted place."""

MOST_PIXELS = 4
"""Factor of growth in mid-stream above which a picture counts as damage, if it is larger than Full HD as well."""
FULL_HD = 1920 * 1088

TimedFrame = tuple[Fraction, VideoFrame]
"""Pair of a time in seconds on the source's clock, and a picture."""


class Decoder:
    """Decodes pictures in order of time. A damaged picture is left out, so that the one before it stays longer."""

    def __init__(self, info: VideoStream, threads: int) -> None:
        self._info = info
        self._threads = threads
        self._most_pixels = max(MOST_PIXELS * info.width * info.height, FULL_HD)
        self.damaged = 0

    def frames(
        self, channel: Channel, access: Access, place: Fraction, piece_starts: Sequence[Fraction]
    ) -> Iterator[TimedFrame]:
        """Yields pictures from the one that is current at `place` (or an earlier one) to the end."""
        if access is Access.PIECES:
            begins = self._piece_by_piece(channel, place, piece_starts)
        elif access is Access.SEEK:
            begins = self._seek(channel, place)
        else:
            begins = iter([self._from(channel, None)])
        # The first picture may come too late: its keyframe was damaged, or it is shown after others that follow it.
        for frames in begins:
            first = next(frames, None)
            if first is not None and first[0] <= place:
                yield first
                yield from frames
                return
            frames.close()
        yield from self._first(channel, access, piece_starts)

    def _first(self, channel: Channel, access: Access, piece_starts: Sequence[Fraction]) -> Iterator[TimedFrame]:
        """Returns all pictures from the very first one on."""
        if access is Access.PIECES:
            return self._timed(self._pieces(channel, range(len(piece_starts))), None)
        return self._from(channel, None)

    def _seek(self, channel: Channel, place: Fraction) -> Iterator[Generator[TimedFrame]]:
        for back in BACK_OFF:
            target = place - back
            if target <= self._info.start:
                return
            yield self._from(channel, target)

    def _piece_by_piece(
        self, channel: Channel, place: Fraction, starts: Sequence[Fraction]
    ) -> Iterator[Generator[TimedFrame]]:
        # A piece starts at its keyframe's time in the order of the file; the keyframe may be shown later.
        at = bisect_right(starts, place - (self._info.reorder or 0)) - 1
        for back in BACK_PIECES:
            if at - back < 0:
                return
            yield self._timed(self._pieces(channel, range(at - back, len(starts))), None)

    def _pieces(self, channel: Channel, files: range) -> Iterator[Packet[AvVideo]]:
        """Yields the packets of the pieces as one stream, as if it had never been cut."""
        for file in files:
            with open_container(RemoteFile(channel, file)) as container:
                for packet in container.demux(video=0):
                    if self._info.reorder is not None:
                        packet.dts = packet.pts  # the source's own time; the other one is FFmpeg's guess
                    if packet.size:
                        yield packet

    def _from(self, channel: Channel, target: Fraction | None) -> Generator[TimedFrame]:
        with open_container(RemoteFile(channel, 0)) as container:
            video = _video(container, self._info.index)
            discard_other_streams(container, video)
            if target is not None:
                try:
                    seek(container, int(target * 1_000_000))
                except FFmpegError:
                    return  # the place cannot be reached: the caller tries from further back
            yield from self._timed(container.demux(video), video.codec_context)

    def _timed(self, packets: Iterator[Packet[AvVideo]], context: VideoCodecContext | None) -> Generator[TimedFrame]:
        interlaced = Deinterlacer(self._threads) if self._info.interlaced else None
        last: Fraction | None = None
        for frame in self._decoded(packets, context):
            if interlaced is None:
                ready = [frame]
            else:
                interlaced.push(frame)
                ready = _drain(interlaced)
            for picture in ready:
                time = self._time(picture, last)
                # Time never runs backwards, whatever a damaged file says.
                if last is None or time > last:
                    last = time
                    yield time, picture
        if interlaced is not None:
            interlaced.push(None)
            for picture in _drain(interlaced):
                yield self._time(picture, last), picture

    def _time(self, frame: VideoFrame, last: Fraction | None) -> Fraction:
        if frame.pts is not None and frame.time_base is not None:
            return frame.pts * frame.time_base
        return self._info.start if last is None else last + 1 / self._info.frame_rate

    def _decoded(self, packets: Iterator[Packet[AvVideo]], context: VideoCodecContext | None) -> Iterator[VideoFrame]:
        base: Fraction | None = None
        for packet in until_unreadable(packets):
            if context is None:
                context = packet.stream.codec_context
            if not context.is_open:
                context.thread_count = self._threads
                context.options |= {"max_pixels": str(self._most_pixels)}
            base = packet.time_base
            for frame in self._decode(context, packet):
                self._stamp(frame)
                yield frame
        if context is not None:
            for frame in self._decode(context, None):
                # The frames that reordering held back until the end come without a time base.
                frame.time_base = base
                self._stamp(frame)
                yield frame

    def _stamp(self, frame: VideoFrame) -> None:
        """Sets the time of a picture that has no presentation time.

        It is the time of the packet that brought the picture out of the decoder, less the time for which the decoder
        holds pictures back. The last pictures, which no packet brought out, follow evenly.
        """
        if self._info.reorder is not None and frame.time_base is not None:
            frame.pts = None if frame.dts is None else frame.dts - round(self._info.reorder / frame.time_base)

    def _decode(self, context: VideoCodecContext, packet: Packet[AvVideo] | None) -> list[VideoFrame]:
        try:
            return context.decode(packet)
        except MemoryError:
            raise  # it says nothing about the picture
        except FFmpegError:
            self.damaged += 1
            return []


def _drain(chain: Deinterlacer) -> list[VideoFrame]:
    frames = []
    while (frame := chain.pull()) is not None:
        frames.append(frame)
    return frames


def _video(container: InputContainer, index: int) -> AvVideo:
    stream = container.streams[index]
    assert isinstance(stream, AvVideo)  # noqa: S101 - the probe saw it as one
    return stream
