"""Reads the packets of an upload that tell how it is made: all of a small file, head and tail of a large one."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from dataclasses import dataclass, field
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream as AvAudio
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream as AvVideo

from connector.domain.failures import media_error
from connector.media.source import RemoteFile, decode_times_only, packet_time, seconds, seek

HEAD_PACKETS = 60
HEAD_BYTES = 8 * 1024 * 1024
SCAN_BYTES = 8 * 1024 * 1024
"""Size in bytes up to which a file is read through, so that everything is known exactly."""
SCAN_PACKETS = 1_000_000
"""Number of packets after which a survey ends.

No honest file of `SCAN_BYTES` has more, but a made-up index may point at the same bytes again and again.
"""
SCAN_SECONDS = 60
TAIL_BUDGET = 64 * 1024 * 1024
TAIL_SECONDS = 3
PATIENCE = 4
"""Factor by which more than the head is read, for the first picture that can be decoded."""
FIRST_FRAMES = 5
"""Number of pictures that are decoded to see interlacing (all of a telecine's pattern), rotation and colours."""
DECODE_PACKETS = 2000
"""Number of packets of a stream after which its first picture or sound is no longer waited for."""
INDEXED = ("mov", "matroska")
"""Demuxers whose seeking is exact, given an index."""
INDEX_TAIL = 100_000
"""Number of entries, at the end of an index, among which a keyframe is looked for."""


def lists_every_frame(stream: AvVideo | AvAudio) -> bool:
    """Returns whether the index lists every frame, as that of a MOV file does; others list keyframes only."""
    return len(stream.index_entries) >= stream.frames > 0


@dataclass
class Track:
    """Holds the timestamps seen of one stream, in seconds on the source's clock."""

    times: list[Fraction] = field(default_factory=list)
    last: Fraction | None = None
    end: Fraction | None = None
    """End of the packet at `last`. Other packets do not count.

    With B-frames at a variable rate, the duration that a container gives leads to the next packet in its order, not to
    the next picture.
    """
    tried: int = 0
    """Number of packets that were given to the decoder."""

    def see(self, packet: Packet[Stream], length: Fraction, *, by_dts: bool) -> None:
        """Records the time of a packet. `length` is for a packet that does not state its own."""
        time = packet_time(packet, by_dts=by_dts)
        if time is None:
            return
        self.times.append(time)
        if self.last is None or time >= self.last:
            self.last = time
            self.end = time + (seconds(packet.duration, packet.time_base) or length)


class Survey:
    """Collects what was seen so far of the chosen streams."""

    def __init__(
        self, file: RemoteFile, container: InputContainer, video: AvVideo | None, audio: list[AvAudio]
    ) -> None:
        self._file = file
        self.container, self.video, self.audio = container, video, audio
        self._indexes = [s.index for s in ([video] if video else []) + audio]
        self.tracks = {index: Track() for index in self._indexes}
        rate = video.average_rate or video.base_rate if video else None
        self._length = 1 / rate if rate else Fraction(0)
        self.first_frames: list[VideoFrame] = []
        self.first_sound: dict[int, Fraction] = {}
        self.indexed = container.format.name.split(",")[0] in INDEXED
        self.complete = False
        """Whether every packet was seen."""

    def read(self, container: InputContainer, *, whole: bool) -> None:
        """Reads packets from the present place of the container: all of them, or enough to know the head.

        Raises MediaError when they are encrypted.
        """
        count = spent = seen = 0
        by_dts = decode_times_only(container)
        try:
            for packet in container.demux([container.streams[i] for i in self._indexes]):
                index = packet.stream.index
                self._decode(packet)
                if packet.size == 0:
                    continue
                if not packet.is_discard:
                    length = self._length if index == self._indexes[0] else Fraction(0)
                    self.tracks[index].see(packet, length, by_dts=by_dts)
                seen += 1
                spent += packet.size
                count += index == self._indexes[0]
                patience = 1 if self.first_frames or not self.video else PATIENCE
                if not whole and (
                    self._knows_head() or count >= HEAD_PACKETS * patience or spent >= HEAD_BYTES * patience
                ):
                    return
                if seen >= SCAN_PACKETS:
                    return
        except FFmpegError:
            pass  # a damaged file ends where it can no longer be read
        self.complete = self.complete or whole

    def _knows_head(self) -> bool:
        """Returns whether no more packets are needed, because the index tells the rest."""
        return (
            self.video is not None
            and lists_every_frame(self.video)
            and len(self.first_frames) >= FIRST_FRAMES
            and all(track.index in self.first_sound for track in self.audio)
        )

    def knows_end(self) -> bool:
        """Returns whether the index tells where all streams end, so that the tail need not be read."""
        return all(self._is_whole(stream) for stream in (self.video, *self.audio) if stream)

    def _is_whole(self, stream: AvVideo | AvAudio) -> bool:
        """Returns whether an index lists all frames, the file has them, and they last as long as is declared."""
        entries, base = stream.index_entries, stream.time_base
        if not lists_every_frame(stream) or stream.duration is None or base is None:
            return False
        first, last = entries[0], entries[len(entries) - 1]
        # Entries are in decoding order, so the last one shown may be another. Together they last this long.
        end: Fraction | int = last.timestamp
        if stream.type == "video":
            step = Fraction(last.timestamp - first.timestamp, max(1, len(entries) - 1))
            end = (stream.start_time or 0) + (len(entries) - Fraction(1, 2)) * step
        return last.pos + last.size <= self._file.size and (stream.start_time or 0) + stream.duration > end

    def _decode(self, packet: Packet[Stream]) -> None:
        """Decodes the first pictures, and the first sound: it begins after what an encoder puts before it."""
        index = packet.stream.index
        enough = len(self.first_frames) >= FIRST_FRAMES and packet.stream.type == "video"
        track = self.tracks[index]
        if enough or index in self.first_sound or track.tried >= DECODE_PACKETS:
            return
        if packet.has_sidedata("encryption_info"):
            raise media_error("EncryptedMedia")
        track.tried += 1
        try:
            for frame in packet.decode():
                if isinstance(frame, VideoFrame):
                    self.first_frames.append(frame)
                elif isinstance(frame, AudioFrame) and (time := seconds(frame.pts, frame.time_base)) is not None:
                    self.first_sound.setdefault(index, time)
        except MemoryError:
            raise  # it says nothing about the file
        except FFmpegError:
            return  # the packet is damaged; what follows may be whole

    def has_index(self) -> bool:
        """Returns whether the container can seek to keyframes all over its length."""
        video = self.video
        if video is None:
            return True
        try:
            self._file.budget = TAIL_BUDGET
            seek(self.container, self.container.duration or 0)
        except (FFmpegError, OSError):
            return False
        finally:
            self._file.budget = None
        entries = video.index_entries
        latest = range(len(entries) - 1, max(-1, len(entries) - 1 - INDEX_TAIL), -1)
        last = next((entries[n].timestamp for n in latest if entries[n].is_keyframe), None)
        if last is None or video.time_base is None:
            return False
        return last * video.time_base >= self.duration() - SCAN_SECONDS

    def read_tail(self) -> bool:
        """Reads the end of the streams. Returns False when it cannot be reached, or is not there."""
        duration = self.container.duration
        before = {index: track.last for index, track in self.tracks.items()}
        if duration is None:
            return False
        complete = self.complete
        try:
            self._file.budget = TAIL_BUDGET
            seek(self.container, (self.container.start_time or 0) + max(0, duration - TAIL_SECONDS * 1_000_000))
            self.read(self.container, whole=True)
        except (FFmpegError, OSError):
            return False
        finally:
            self._file.budget = None
            self.complete = complete
        return before != {index: track.last for index, track in self.tracks.items()}

    def duration(self) -> Fraction:
        """Returns the best guess of the duration so far, in seconds."""
        starts = [min(t.times) for t in self.tracks.values() if t.times]
        ends = [t.end for t in self.tracks.values() if t.end is not None]
        seen = max(ends) - min(starts) if ends and starts else Fraction(0)
        return max(seen, Fraction(self.container.duration or 0, 1_000_000))
