"""Learns what an upload is by reading its head and its tail, not the whole of it."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

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
from connector.media.source import RemoteFile, opened, seconds

HEAD_PACKETS = 60
HEAD_BYTES = 8 * 1024 * 1024
SCAN_BYTES = 8 * 1024 * 1024
"""A file up to this size is read through: then everything is known exactly."""
SCAN_SECONDS = 60
SCAN_LONGEST = 512 * 1024 * 1024
"""So is a short one that cannot be sought, up to this size."""
TAIL_BUDGET = 64 * 1024 * 1024
TAIL_SECONDS = 3
FIRST_FRAMES = 8
"""Decoded to see interlacing, rotation and colours."""
MAX_AUDIO_TRACKS = 16
INDEXED = ("mov", "matroska")
"""Demuxers whose seeking is exact, given an index."""


@dataclass
class _Track:
    """Timestamps seen of one stream, in seconds on the source's clock."""

    times: list[Fraction] = field(default_factory=list)
    end: Fraction | None = None

    def see(self, packet: Packet[Stream], length: Fraction | None) -> None:
        time = seconds(packet.pts if packet.pts is not None else packet.dts, packet.time_base)
        if time is None:
            return
        self.times.append(time)
        lasts = seconds(packet.duration, packet.time_base) or length or Fraction(0)
        self.end = max(self.end or time, time + lasts)


def probe(channel: Channel) -> MediaInfo:
    """Raises MediaError when there is nothing in the file that can be published."""
    file = RemoteFile(channel, 0)
    if file.size == 0:
        raise MediaError("EmptyFile", "The uploaded file is empty.")
    with opened(file) as container:
        video, audio = _choose(container)
        first = _first_frames(container, video) if video else []
        return _Probe(file, container, video, audio).info(first)


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


def _first_frames(container: InputContainer, video: AvVideo) -> list[VideoFrame]:
    frames: list[VideoFrame] = []
    packets = spent = 0
    for packet in container.demux(video):
        packets, spent = packets + 1, spent + packet.size
        try:
            frames += packet.decode()
        except FFmpegError:
            continue  # a damaged picture; the next may be whole
        if len(frames) >= FIRST_FRAMES or (spent > 4 * HEAD_BYTES or packets > 1000):
            break
    if not frames:
        raise MediaError("UndecodableVideo", "No picture of the video could be decoded.")
    return frames


class _Probe:
    def __init__(
        self, file: RemoteFile, container: InputContainer, video: AvVideo | None, audio: list[AvAudio]
    ) -> None:
        self._file, self._container, self._video, self._audio = file, container, video, audio
        self._streams = [*([video] if video else []), *audio]
        self._tracks = {s.index: _Track() for s in self._streams}
        self._length = 1 / rate if video and (rate := video.average_rate or video.base_rate) else None

    def info(self, first: list[VideoFrame]) -> MediaInfo:
        indexed = self._container.format.name.split(",")[0] in INDEXED
        scanned = self._file.size <= SCAN_BYTES
        self._rewind()
        self._see(self._container.demux(self._streams), whole=scanned)
        seekable = indexed and self._has_index() and (scanned or self._tail())
        if not seekable and not scanned and self._duration() <= SCAN_SECONDS and self._file.size <= SCAN_LONGEST:
            self._rewind()
            self._see(self._container.demux(self._streams), whole=True)
            scanned = True
        if seekable:
            access = Access.SEEK
        elif scanned and self._duration() <= SCAN_SECONDS:
            access = Access.START
        else:
            access = Access.PIECES
        return MediaInfo(
            container=self._container.format.name,
            access=access,
            video=self._video_info(first) if self._video else None,
            audio=tuple(self._audio_info(a) for a in self._audio),
        )

    def _rewind(self) -> None:
        # Where seeking to the start is not possible, neither is any other seek: then reading goes on from here.
        try:
            self._container.seek(self._container.start_time or 0)
        except (FFmpegError, OSError):
            return

    def _see(self, packets: Iterable[Packet[Stream]], *, whole: bool) -> None:
        count = spent = 0
        try:
            for packet in packets:
                if packet.size == 0:
                    continue
                length = self._length if packet.stream is self._video else None
                if not packet.is_discard:
                    self._tracks[packet.stream.index].see(packet, length)
                spent += packet.size
                count += packet.stream is self._streams[0]
                if not whole and (count >= HEAD_PACKETS or spent >= HEAD_BYTES):
                    break
        except FFmpegError:
            return  # a damaged file ends where it can no longer be read

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
        """See the end of every stream. False when it cannot be reached."""
        duration = self._container.duration
        if duration is None:
            return False
        try:
            self._file.budget = TAIL_BUDGET
            self._container.seek((self._container.start_time or 0) + max(0, duration - TAIL_SECONDS * 1_000_000))
            self._see(self._container.demux(self._streams), whole=True)
        except (FFmpegError, OSError):
            return False
        finally:
            self._file.budget = None
        return True

    def _duration(self) -> Fraction:
        """Best guess so far, seconds."""
        starts = [min(t.times) for t in self._tracks.values() if t.times]
        ends = [t.end for t in self._tracks.values() if t.end is not None]
        seen = max(ends) - min(starts) if ends and starts else Fraction(0)
        return max(seen, Fraction(self._container.duration or 0, 1_000_000))

    def _video_info(self, first: list[VideoFrame]) -> VideoStream:
        video, frame = self._video, first[0]
        assert video is not None  # noqa: S101 - for the type checker: the caller has one
        times = self._tracks[video.index].times
        beat = self._cadence(times)
        start = seconds(frame.pts, frame.time_base)
        start = start if start is not None else min(times, default=Fraction(0))
        end = self._tracks[video.index].end or start
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
            interlaced=any(f.interlaced_frame for f in first),
            hdr=frame.color_trc in HDR_TRANSFERS,
        )

    def _cadence(self, times: list[Fraction]) -> Cadence:
        video = self._video
        assert video is not None  # noqa: S101 - for the type checker
        tick = video.time_base or Fraction(1, 1000)
        # The index of a MOV file lists every frame; those of other containers list keyframes only.
        every_frame = len(video.index_entries) >= video.frames > 0
        stamps = [e.timestamp * tick for e in video.index_entries] if every_frame else times
        hints = [Fraction(r) for r in (video.base_rate, video.average_rate, video.guessed_rate) if r]
        return cadence(stamps, tick, hints)

    def _audio_info(self, audio: AvAudio) -> AudioStream:
        track = self._tracks[audio.index]
        begin = seconds(audio.start_time, audio.time_base)
        start = min(track.times, default=begin if begin is not None else Fraction(0))
        declared = seconds(audio.duration, audio.time_base)
        end = max(track.end or start, start + declared if declared else start)
        return AudioStream(
            index=audio.index,
            codec=audio.codec_context.name,
            channels=audio.codec_context.channels,
            sampling_rate=audio.codec_context.sample_rate,
            start=start,
            end=end,
            language=audio.language or "und",
            title=audio.metadata.get("title", "")[:64],
        )


def _display_size(video: AvVideo, frame: VideoFrame) -> tuple[int, int]:
    """Size in square px: the height stays, the width follows the sample aspect ratio."""
    ratio = video.sample_aspect_ratio or video.codec_context.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 10) < ratio < 10:
        ratio = Fraction(1)  # nobody means such a ratio
    return max(1, round(frame.width * ratio)), frame.height
