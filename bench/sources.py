"""The sources that are measured with: made by FFmpeg, the same bytes on every machine with the same FFmpeg.

All are 1080p30, but what is in them takes an encoder more or less work: a name says which.
"""

from dataclasses import dataclass
from pathlib import Path

from bench.pipeline import PROJECT, RATE, SIZE, run_ffmpeg

FOLDER = PROJECT / ".data" / "bench"

TEST = "testsrc2=size={width}x{height}:rate={rate}:duration={seconds}"
CELLS = (
    "life=size=480x270:rate={rate}:mold=20:ratio=0.3:seed=3,trim=duration={seconds},"
    "scale={width}:{height}:flags=bicubic,format=yuv420p,gblur=sigma=3"
)
PINK = "anoisesrc=color=pink:sample_rate=48000:seed=1:duration={seconds}"
SINE = "sine=frequency=440:sample_rate=48000:duration={seconds}"


@dataclass(frozen=True)
class Kind:
    picture: str
    bitrate: str
    sound: str
    channels: int
    says: str


KINDS = {
    "noise": Kind(f"{TEST},noise=alls=6:allf=t", "12M", PINK, 2, "motion, detail, a little grain; pink noise"),
    "tone": Kind(f"{TEST},noise=alls=6:allf=t", "12M", SINE, 1, "the same picture; a pure tone of one channel"),
    "easy": Kind(TEST, "4M", PINK, 2, "the same without grain, at a third of the bits; pink noise"),
    "hard": Kind(CELLS, "8M", PINK, 2, "cells that live and die everywhere; pink noise"),
}


@dataclass(frozen=True)
class Source:
    kind: str
    seconds: int

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.seconds}"

    def make_file(self) -> Path:
        """Makes the file unless it is there. It is coded as cameras do: H.264, keyframes 2 s apart."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{self.name}.mp4"
        if not path.exists():
            kind = KINDS[self.kind]
            facts = {"width": SIZE[0], "height": SIZE[1], "rate": RATE, "seconds": self.seconds}
            inputs = [
                "-f",
                "lavfi",
                "-i",
                kind.picture.format(**facts),
                "-f",
                "lavfi",
                "-i",
                kind.sound.format(**facts),
            ]
            codecs = ["-c:v", "libx264", "-preset", "veryfast", "-b:v", kind.bitrate, "-g", "60", "-pix_fmt", "yuv420p"]
            draft = FOLDER / f"draft-{self.name}.mp4"
            run_ffmpeg([*inputs, *codecs, "-c:a", "aac", "-ac", str(kind.channels), str(draft)])
            draft.replace(path)
        return path
