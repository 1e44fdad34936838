"""Learns what an upload is by reading its head and its tail, not the whole of it."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from dataclasses import dataclass, field
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream as AvAudio
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream as AvVideo

from connector.domain.media_info import Access, AudioStream, MediaInfo, VideoStream
from connector.domain.timing import Cadence, cadence
from connector.errors import MediaError
from connector.media.channel import Channel
from connector.media.picture import HDR_TRANSFERS
from connector.media.source import RemoteFile, decode_times_only, opened, packet_time, seconds

HEAD_PACKETS = 60
HEAD_BYTES = 8 * 1024 * 1024
SCAN_BYTES = 8 * 1024 * 1024
"""A file up to this size is read through: then everything is known exactly."""
SCAN_SECONDS = 60
SCAN_LONGEST = 512 * 1024 * 1024
"""So is a short one that cannot be sought, up to this size."""
TAIL_BUDGET = 64 * 1024 * 1024
TAIL_SECONDS = 3
PATIENCE = 4
"""So many times the head are read for the first picture that can be decoded."""
FIRST_FRAMES = 8
"""Decoded to see interlacing, rotation and colours."""
MAX_AUDIO_TRACKS = 16
INDEXED = ("mov", "matroska")
"""Demuxers whose seeking is exact, given an index."""


@dataclass
class _Track:
    """Timestamps seen of one stream, in seconds on the source's clock."""

    times: list[Fraction] = field(default_factory=list)
    last: Fraction | None = None
    end: Fraction | None = None
    """Of the packet at `last`. Other packets do not count: with B-frames at a variable rate, the duration that a
    container gives is the way to the next packet in its order, not to the next picture."""

    def see(self, packet: Packet[Stream], length: Fraction, *, by_dts: bool) -> None:
        """`length`: of a packet that does not say its own."""
        time = packet_time(packet, by_dts=by_dts)
        if time is None:
            return
        self.times.append(time)
        if self.last is None or time >= self.last:
            self.last = time
            self.end = time + (seconds(packet.duration, packet.time_base) or length)


def probe(channel: Channel) -> MediaInfo:
    """Raises MediaError when there is nothing in the file that can be published."""
    file = RemoteFile(channel, 0)
    if file.size == 0:
        raise MediaError("EmptyFile", "The uploaded file is empty.")
    with opened(file) as container:
        return _Probe(channel, file, container, *_choose(container)).info()


def _choose(container: InputContainer) -> tuple[AvVideo | None, list[AvAudio]]:
    video = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    audio = list(container.streams.audio)
    # A stream whose codec is unknown has no codec context.
    playable_video = [s for s in video if s.codec_context is not None and s.codec_context.width]
    playable_audio = [s for s in audio if s.codec_context is not None and s.codec_context.sample_rate]
    if video and not playable_video:
        raise MediaError("UnsupportedCodec", "The video codec of this file is not supported.")
    if not playable_video and not playable_audio:
        if audio:
            raise MediaError("UnsupportedCodec", "The audio codec of this file is not supported.")
        raise MediaError("NoMedia", "The file holds neither picture nor sound.")
    best = max(playable_video, key=lambda s: s.width * s.height, default=None)
    return best, playable_audio[:MAX_AUDIO_TRACKS]


class _Probe:
    def __init__(
        self,
        channel: Channel,
        file: RemoteFile,
        container: InputContainer,
        video: AvVideo | None,
        audio: list[AvAudio],
    ) -> None:
        self._channel, self._file = channel, file
        self._container, self._video, self._audio = container, video, audio
        self._indexes = [s.index for s in ([video] if video else []) + audio]
        self._tracks = {index: _Track() for index in self._indexes}
        rate = video.average_rate or video.base_rate if video else None
        self._length = 1 / rate if rate else Fraction(0)
        self._first_frames: list[VideoFrame] = []
        self._first_sound: dict[int, Fraction] = {}
        self._indexed = container.format.name.split(",")[0] in INDEXED
        self._scanned = file.size <= SCAN_BYTES
        """Whether every packet was seen."""

    def info(self) -> MediaInfo:
        self._see(self._container, whole=self._scanned)
        if self._video and not self._first_frames:
            raise MediaError("UndecodableVideo", "No picture of the video could be decoded.")
        seekable = self._indexed and self._has_index() and (self._scanned or self._tail())
        short = self._duration() <= SCAN_SECONDS and self._file.size <= SCAN_LONGEST
        if not seekable and not self._scanned and short:
            # From the beginning in a new container: where there is no index, going back may end anywhere.
            with opened(RemoteFile(self._channel, 0)) as again:
                self._see(again, whole=True)
            self._scanned = True
        if seekable:
            access = Access.SEEK
        elif self._scanned and self._duration() <= SCAN_SECONDS:
            access = Access.START
        else:
            access = Access.PIECES
        return MediaInfo(
            container=self._container.format.name,
            access=access,
            video=self._video_info(self._video, self._first_frames[0]) if self._video else None,
            audio=tuple(self._audio_info(a) for a in self._audio),
        )

    def _see(self, container: InputContainer, *, whole: bool) -> None:
        """Look at the packets from where the container stands: all of them, or enough to know the head."""
        count = spent = 0
        by_dts = decode_times_only(container)
        try:
            for packet in container.demux([container.streams[i] for i in self._indexes]):
                index = packet.stream.index
                self._decode(packet)
                if packet.size == 0:
                    continue
                if not packet.is_discard:
                    length = self._length if index == self._indexes[0] else Fraction(0)
                    self._tracks[index].see(packet, length, by_dts=by_dts)
                spent += packet.size
                count += index == self._indexes[0]
                patience = 1 if self._first_frames or not self._video else PATIENCE
                if not whole and (count >= HEAD_PACKETS * patience or spent >= HEAD_BYTES * patience):
                    break
        except FFmpegError:
            return  # a damaged file ends where it can no longer be read

    def _decode(self, packet: Packet[Stream]) -> None:
        """Decode the first pictures, and the first sound: where it begins after what an encoder put before it."""
        index = packet.stream.index
        enough = len(self._first_frames) >= FIRST_FRAMES and packet.stream.type == "video"
        if enough or index in self._first_sound:
            return
        try:
            for frame in packet.decode():
                if isinstance(frame, VideoFrame):
                    self._first_frames.append(frame)
                elif isinstance(frame, AudioFrame) and (time := seconds(frame.pts, frame.time_base)) is not None:
                    self._first_sound.setdefault(index, time)
        except MemoryError:
            raise  # says nothing about the file
        except FFmpegError:
            return  # damaged; what follows may be whole

    def _has_index(self) -> bool:
        """Whether the container can seek to keyframes all over its length."""
        video = self._video
        if video is None:
            return True
        try:
            self._file.budget = TAIL_BUDGET
            self._container.seek(self._container.duration or 0)
        except (FFmpegError, OSError):
            return False
        finally:
            self._file.budget = None
        keyframes = [e.timestamp for e in video.index_entries if e.is_keyframe]
        if not keyframes or video.time_base is None:
            return False
        last = keyframes[-1] * video.time_base
        return last >= self._duration() - SCAN_SECONDS

    def _tail(self) -> bool:
        """See the end of the streams. False when it cannot be reached, or is not there."""
        duration = self._container.duration
        before = {index: track.last for index, track in self._tracks.items()}
        if duration is None:
            return False
        try:
            self._file.budget = TAIL_BUDGET
            self._container.seek((self._container.start_time or 0) + max(0, duration - TAIL_SECONDS * 1_000_000))
            self._see(self._container, whole=True)
        except (FFmpegError, OSError):
            return False
        finally:
            self._file.budget = None
        return before != {index: track.last for index, track in self._tracks.items()}

    def _duration(self) -> Fraction:
        """Best guess so far, seconds."""
        starts = [min(t.times) for t in self._tracks.values() if t.times]
        ends = [t.end for t in self._tracks.values() if t.end is not None]
        seen = max(ends) - min(starts) if ends and starts else Fraction(0)
        return max(seen, Fraction(self._container.duration or 0, 1_000_000))

    def _video_info(self, video: AvVideo, frame: VideoFrame) -> VideoStream:
        track = self._tracks[video.index]
        beat = _cadence(video, track.times)
        reorder = self._reorder(track)
        start = seconds(frame.pts, frame.time_base)
        if start is None or reorder is not None:
            start = min(track.times, default=Fraction(0))
        end = self._end(video)
        end = start if end is None else end
        rotation = -frame.rotation % 360
        width, height = _display_size(video, frame)
        if rotation in {90, 270}:
            width, height = height, width
        return VideoStream(
            index=video.index,
            codec=video.codec_context.name,
            width=frame.width,
            height=frame.height,
            display_width=width,
            display_height=height,
            frame_rate=beat.rate,
            constant=beat.constant,
            start=start,
            end=max(end, start + 1 / beat.rate),
            tolerance=beat.tolerance,
            rotation=rotation if rotation % 90 == 0 else 0,
            interlaced=any(f.interlaced_frame for f in self._first_frames),
            hdr=frame.color_trc in HDR_TRANSFERS,
            reorder=reorder,
        )

    def _reorder(self, track: _Track) -> Fraction | None:
        """See VideoStream."""
        if not decode_times_only(self._container) or not track.times:
            return None
        first = self._first_frames[0]
        out = seconds(first.dts, first.time_base)
        return Fraction(0) if out is None else out - track.times[0]

    def _end(self, stream: AvVideo | AvAudio) -> Fraction | None:
        """From what was seen and what the container declares; either may be missing or wrong."""
        track = self._tracks[stream.index]
        declared = seconds(stream.duration, stream.time_base)
        if declared is None:
            return track.end
        until = (seconds(stream.start_time, stream.time_base) or 0) + declared
        if track.last is None or track.end is None:
            return until
        if until <= track.last:
            return track.end
        if not self._scanned:
            return until
        # Elsewhere than in an index, a declared length may be an estimate.
        return min(track.end, until) if self._indexed else track.end

    def _audio_info(self, audio: AvAudio) -> AudioStream:
        track = self._tracks[audio.index]
        begin = seconds(audio.start_time, audio.time_base) or Fraction(0)
        start = self._first_sound.get(audio.index, min(track.times, default=begin))
        end = self._end(audio)
        return AudioStream(
            index=audio.index,
            codec=audio.codec_context.name,
            channels=audio.codec_context.channels,
            sampling_rate=audio.codec_context.sample_rate,
            start=start,
            end=start if end is None else max(start, end),
            language=audio.language or "und",
            # MP4 and MOV call it name.
            title=(audio.metadata.get("title") or audio.metadata.get("name", ""))[:64],
        )


def _cadence(video: AvVideo, times: list[Fraction]) -> Cadence:
    tick = video.time_base or Fraction(1, 1000)
    # The index of a MOV file lists every frame; those of other containers list keyframes only.
    every_frame = len(video.index_entries) >= video.frames > 0
    stamps = [e.timestamp * tick for e in video.index_entries] if every_frame else times
    hints = [Fraction(r) for r in (video.base_rate, video.average_rate, video.guessed_rate) if r]
    return cadence(stamps, tick, hints)


def _display_size(video: AvVideo, frame: VideoFrame) -> tuple[int, int]:
    """Size in square px: the height stays, the width follows the sample aspect ratio."""
    ratio = video.sample_aspect_ratio or video.codec_context.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 10) < ratio < 10:
        ratio = Fraction(1)  # nobody means such a ratio
    return max(1, round(frame.width * ratio)), frame.height
