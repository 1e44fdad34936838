"""Limits how large a source may be and what it may cost: settings, and the refusals that follow from them. Pure."""

import math
from fractions import Fraction

from connector.domain.failures import media_error
from connector.domain.media_info import MediaInfo
from connector.domain.plan import Plan
from connector.domain.planner import sound_segments
from connector.domain.types import Model

MAX_BLOCKS = 50_000
"""Blocks that one blob, and so the progressive file, can have:
https://learn.microsoft.com/azure/storage/blobs/scalability-targets#scale-targets-for-blob-storage
"""


class JobLimits(Model):
    """Holds what the operating system grants to a media job."""

    seconds: int
    """Wall time in seconds. The limit of processor time is this multiplied by `threads` + 1."""
    memory: int
    """Bytes of address space."""
    threads: int


class SourceLimits(Model):
    """Holds the limits of a source. Each method raises MediaError for a source that exceeds one of them."""

    minutes: float
    pixels: int
    """Pixels of a picture: width × height."""
    frame_rate: float
    """Frames per second."""
    tracks: int
    """Number of audio tracks."""

    def picture(self, width: int, height: int) -> None:
        if width * height > self.pixels:
            raise media_error("PictureTooLarge", width=width, height=height, most=self.pixels)

    def rate(self, found: Fraction) -> None:
        if found > self.frame_rate:
            raise media_error("FrameRateTooHigh", found=float(found), most=self.frame_rate)

    def sound(self, tracks: int) -> None:
        if tracks > self.tracks:
            raise media_error("TooManyTracks", found=tracks, most=self.tracks)

    def length(self, info: MediaInfo) -> None:
        streams = [*((info.video,) if info.video else ()), *info.audio]
        seconds = max(s.end for s in streams) - min(s.start for s in streams)
        if seconds > self.minutes * 60:
            raise media_error("TooLong", found=math.ceil(seconds / 60), most=self.minutes)


def output_minutes(plan: Plan) -> Fraction:
    """Returns the minutes of all renditions added up. The cost of encoding grows with them."""
    return plan.duration * (len(plan.renditions) + len(plan.audio)) / 60


def check_cost(plan: Plan, minutes: float) -> None:
    """Raises MediaError when all renditions together last longer than `minutes`; 0 means no limit."""
    planned = output_minutes(plan)
    if minutes and planned > minutes:
        raise media_error("TooMuchOutput", found=math.ceil(planned), most=minutes)


def progressive_blocks(plan: Plan, segment_seconds: float) -> int:
    """Returns the number of blocks of the progressive file: one per picture and audio segment, and its head."""
    head, length = sound_segments(plan, segment_seconds)
    sound = 1 + max(0, math.ceil((plan.duration - head) / length))
    return 1 + (plan.segments if plan.frames else 0) + (sound if plan.audio else 0)


def check_blocks(plan: Plan, segment_seconds: float) -> None:
    """Raises MediaError when the progressive file would have more blocks than a blob can have."""
    if progressive_blocks(plan, segment_seconds) <= MAX_BLOCKS:
        return
    head, length = sound_segments(plan, segment_seconds)
    each = (MAX_BLOCKS - 1) // (bool(plan.frames) + bool(plan.audio))
    most = head + (each - 1) * length
    raise media_error("TooLong", found=math.ceil(plan.duration / 60), most=math.floor(most / 60))
