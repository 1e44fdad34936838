"""Turns what a survey saw of a stream into what the plan needs to know of it."""

from fractions import Fraction
from itertools import islice

from av.audio.stream import AudioStream as AvAudio
from av.video.frame import VideoFrame
from av.video.stream import VideoStream as AvVideo

from connector.domain.media_info import AudioStream, VideoStream
from connector.domain.timing import Cadence, cadence
from connector.media.picture import HDR_TRANSFERS
from connector.media.source import decode_times_only, seconds
from connector.media.survey import Survey, Track, lists_every_frame

CADENCE_FRAMES = 100_000
"""Number of frames whose timestamps tell the cadence, of a longer video as well."""


def cadence_of(survey: Survey, video: AvVideo) -> Cadence:
    tick = video.time_base or Fraction(1, 1000)
    if lists_every_frame(video):
        stamps = [entry.timestamp for entry in islice(video.index_entries, CADENCE_FRAMES)]
    else:
        stamps = [round(time / tick) for time in islice(survey.tracks[video.index].times, CADENCE_FRAMES)]
    hints = [Fraction(r) for r in (video.base_rate, video.average_rate, video.guessed_rate) if r]
    return cadence(stamps, tick, hints)


def video_stream(survey: Survey, video: AvVideo, beat: Cadence) -> VideoStream:
    """Returns the facts of the video stream, from a survey that decoded a picture."""
    track, frame = survey.tracks[video.index], survey.first_frames[0]
    reorder = _reorder(survey, track)
    start = seconds(frame.pts, frame.time_base)
    if start is None or reorder is not None:
        start = min(track.times, default=Fraction(0))
    end = _end(survey, video)
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
        interlaced=any(f.interlaced_frame for f in survey.first_frames),
        hdr=frame.color_trc in HDR_TRANSFERS,
        reorder=reorder,
    )


def audio_stream(survey: Survey, audio: AvAudio) -> AudioStream:
    track = survey.tracks[audio.index]
    begin = seconds(audio.start_time, audio.time_base) or Fraction(0)
    start = survey.first_sound.get(audio.index, min(track.times, default=begin))
    end = _end(survey, audio)
    return AudioStream(
        index=audio.index,
        codec=audio.codec_context.name,
        channels=audio.codec_context.channels,
        sampling_rate=audio.codec_context.sample_rate,
        start=start,
        end=start if end is None else max(start, end),
        language=audio.language or "und",
        # MP4 and MOV call the title `name`.
        title=audio.metadata.get("title") or audio.metadata.get("name", ""),
    )


def _reorder(survey: Survey, track: Track) -> Fraction | None:
    """Returns the value of `VideoStream.reorder`."""
    if not decode_times_only(survey.container) or not track.times:
        return None
    first = survey.first_frames[0]
    out = seconds(first.dts, first.time_base)
    return Fraction(0) if out is None else out - track.times[0]


def _end(survey: Survey, stream: AvVideo | AvAudio) -> Fraction | None:
    """Returns the end by what was seen and what the container declares. Either may be missing or wrong."""
    track = survey.tracks[stream.index]
    declared = seconds(stream.duration, stream.time_base)
    if declared is None:
        return track.end
    until = (seconds(stream.start_time, stream.time_base) or 0) + declared
    if track.last is None or track.end is None:
        return until
    if until <= track.last:
        return track.end
    if not survey.complete:
        return until
    # Without an index, a declared length may be an estimate.
    return min(track.end, until) if survey.indexed else track.end


def _display_size(video: AvVideo, frame: VideoFrame) -> tuple[int, int]:
    """Returns the size in square px: the height stays, the width follows the sample aspect ratio."""
    ratio = video.sample_aspect_ratio or video.codec_context.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 10) < ratio < 10:
        ratio = Fraction(1)  # such a ratio is a mistake
    return max(1, round(frame.width * ratio)), frame.height
