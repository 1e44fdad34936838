"""How large a source may be, and what it may cost: settings, and the refusals that follow from them. Pure."""

import math
from fractions import Fraction

from connector.domain.failures import refused
from connector.domain.media_info import MediaInfo
from connector.domain.plan import Plan
from connector.domain.types import Model


class SourceLimits(Model):
    """What a source may be. Each method raises MediaError for one that is more."""

    minutes: float
    pixels: int
    """Of a picture: width × height."""
    frame_rate: float
    """Frames per second."""
    tracks: int
    """Of sound."""

    def picture(self, width: int, height: int) -> None:
        if width * height > self.pixels:
            raise refused("PictureTooLarge", width=width, height=height, most=self.pixels)

    def rate(self, found: Fraction) -> None:
        if found > self.frame_rate:
            raise refused("FrameRateTooHigh", found=float(found), most=self.frame_rate)

    def sound(self, tracks: int) -> None:
        if tracks > self.tracks:
            raise refused("TooManyTracks", found=tracks, most=self.tracks)

    def length(self, info: MediaInfo) -> None:
        streams = [*((info.video,) if info.video else ()), *info.audio]
        seconds = max(s.end for s in streams) - min(s.start for s in streams)
        if seconds > self.minutes * 60:
            raise refused("TooLong", found=math.ceil(seconds / 60), most=self.minutes)


def output_minutes(plan: Plan) -> Fraction:
    """Of all renditions together: what encoding costs grows with it."""
    return plan.duration * (len(plan.renditions) + len(plan.audio)) / 60


def check_cost(plan: Plan, minutes: float) -> None:
    """Raises MediaError when all renditions together last longer than `minutes`; 0: no limit."""
    planned = output_minutes(plan)
    if minutes and planned > minutes:
        raise refused("TooMuchOutput", found=math.ceil(planned), most=minutes)
