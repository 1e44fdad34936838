"""`python -m bench.quality`: bytes and CPU of our ladder against the first one, at equal VMAF, on the bench's clips.

Every clip is scaled down the ladder once, by the encoders' own scalers; each rendition is encoded with the first
options (`first_options`), with today's, and with today's at other CRFs (better ones with twice the highest rate) until
the first one's VMAF lies between two of them. The bytes that today's options need for that VMAF are interpolated there:
logarithm of bytes over VMAF. VMAF is libvmaf's default model over all frames, harmonic mean, after scaling up (bicubic)
to the source's size.

One more clip was scaled up before it came: what trimming its ladder saves, and costs.

What was measured of a clip is kept in .data/bench/quality and used again until `--afresh`.
"""

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import imageio_ffmpeg
from av.video.frame import PictureType, VideoFrame

from bench.clips import NAMES, PROJECT, make_clip, make_upscaled
from bench.results import write_section
from connector.domain.encoding import x264_options
from connector.domain.ladder import ladder
from connector.domain.plan import Rendition
from connector.domain.planner import Limits, make_plan
from connector.media.picture import Downscaler, Normalizer
from connector.settings import Settings
from tests.support.media_jobs import probed

PRESET = Settings.model_validate({"storage": "unused"}).encoder_preset
CACHE = PROJECT / ".data" / "bench" / "quality"
SEGMENT_SECONDS = 4
PLAN = Limits(segment_seconds=SEGMENT_SECONDS, chunk_seconds=30, max_lines=2160)
STEP = 2.0
"""Between two CRFs."""
FURTHEST = 6
"""Steps."""


@dataclass(frozen=True)
class Encoded:
    """`cpu`: user seconds of the encoder."""

    bytes: int
    cpu: float
    vmaf: float


@dataclass(frozen=True)
class Draft:
    """`bytes`: of its pictures, without the container. `cpu`: user seconds of the encoder."""

    path: Path
    bytes: int
    cpu: float


@dataclass(frozen=True)
class Rung:
    """`equal`: bytes of ours at the VMAF of the first one."""

    size: str
    first: Encoded
    ours: Encoded
    equal: float

    @property
    def vmaf_gain(self) -> float:
        """VMAF points."""
        return self.ours.vmaf - self.first.vmaf


@dataclass(frozen=True)
class Clip:
    """`scaling`: user seconds of all scalers together."""

    name: str
    scaling: float
    rungs: list[Rung]

    @property
    def bytes_saved(self) -> float:
        """Share of the whole ladder's bytes that is saved."""
        return 1 - sum(r.equal for r in self.rungs) / sum(r.first.bytes for r in self.rungs)

    @property
    def cpu_ratio(self) -> float:
        """CPU of scaling and encoding all renditions, against that of the first ladder."""
        first = self.scaling + sum(r.first.cpu for r in self.rungs)
        ours = self.scaling + sum(r.ours.cpu for r in self.rungs)
        return ours / first


def first_options(rendition: Rendition, gop: int) -> dict[str, str]:
    """What this project's first ladder told x264; sizes, CRF (23) and highest rates were the same."""
    return {
        "preset": "veryfast", "profile": "high", "crf": "23", "maxrate": str(rendition.maxrate),
        "bufsize": str(2 * rendition.maxrate), "keyint_min": str(gop), "sc_threshold": "0",
        "x264-params": "open-gop=0:stitchable=1",
    }  # fmt: skip


def measure(name: str, seconds: float) -> Clip:
    path = make_clip(name)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = Fraction(stream.average_rate or 30)
        renditions = ladder(stream.width, stream.height, rate, 2160)
        levels, scaling = scale_down(list(islice(container.decode(stream), round(seconds * rate))), renditions)
    gop = round(SEGMENT_SECONDS * rate)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        judge = Judge(path, renditions[0])
        rungs = []
        for rendition, pictures in zip(renditions, levels, strict=True):

            def at(crf: float, rendition: Rendition = rendition, pictures: list[VideoFrame] = pictures) -> Draft:
                # Better quality than ours has must not fail for want of bits: it would seem to cost nothing.
                most = rendition.maxrate * (1 if crf >= rendition.crf else 2)
                changed = rendition.model_copy(update={"crf": crf, "maxrate": most})
                options = x264_options(changed, gop, PRESET)
                return encode(pictures, options, gop, Path(folder) / f"{crf}.mp4")

            begin = encode(pictures, first_options(rendition, gop), gop, Path(folder) / "first.mp4")
            first, ours, beyond = judge.measure(begin, at(rendition.crf), at(rendition.crf + STEP))
            curve = [beyond, ours]
            for n in range(1, FURTHEST):
                if curve[0].vmaf <= first.vmaf <= curve[-1].vmaf:
                    break
                if curve[-1].vmaf < first.vmaf:
                    curve += judge.measure(at(rendition.crf - n * STEP))
                else:
                    curve = [*judge.measure(at(rendition.crf + (n + 1) * STEP)), *curve]
            size = f"{rendition.width}×{rendition.height}"
            rungs.append(Rung(size, first, ours, bytes_at(first.vmaf, [(e.vmaf, e.bytes) for e in curve])))
            print(name, rungs[-1], flush=True)
    return Clip(name, scaling, rungs)


def scale_down(frames: list[VideoFrame], renditions: tuple[Rendition, ...]) -> tuple[list[list[VideoFrame]], float]:
    """The pictures of each rendition, and the user seconds they took."""
    top, *lower = renditions
    scalers = [Normalizer(top.width, top.height, 0), *(Downscaler(r.width, r.height) for r in lower)]
    before = user_seconds()
    levels = []
    for scaler in scalers:
        frames = [scaler.through(frame) for frame in frames]
        levels.append(frames)
    return levels, user_seconds() - before


def bytes_at(wanted: float, curve: list[tuple[float, int]]) -> float:
    """Of (VMAF, bytes) as they follow each other: between the two that enclose it; else most of them all."""
    for (a, low), (b, high) in pairwise(sorted(curve)):
        if a <= wanted <= b and a < b:
            share = (wanted - a) / (b - a)
            return math.exp(math.log(low) * (1 - share) + math.log(high) * share)
    return max(size for _, size in curve)


def encode(frames: list[VideoFrame], options: Mapping[str, str], gop: int, path: Path) -> Draft:
    rate = Fraction(gop, SEGMENT_SECONDS)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options=dict(options))
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        context = stream.codec_context
        context.gop_size, context.thread_count, context.time_base = gop, 1, 1 / rate
        context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1
        before = user_seconds()
        packets = []
        for n, frame in enumerate(frames):
            frame.pts, frame.time_base, frame.pict_type = n, 1 / rate, PictureType.NONE
            packets += stream.encode(frame)
        packets += stream.encode(None)
        cpu = user_seconds() - before
        size = sum(packet.size for packet in packets)
        container.mux(packets)
    return Draft(path, size, cpu)


def user_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


class Judge:
    """Compares with a clip, shown at `size`."""

    def __init__(self, source: Path, size: Rendition) -> None:
        self._source, self._size = source, size

    def measure(self, *drafts: Draft) -> list[Encoded]:
        """Measures all of them in one process, which decodes the clip once."""
        count = len(drafts)
        with tempfile.TemporaryDirectory() as folder:
            logs = [Path(folder) / f"{n}.json" for n in range(count)]
            graph = [f"[{count}:v]settb=1/30,setpts=N,split={count}" + "".join(f"[source{n}]" for n in range(count))]
            for n, log in enumerate(logs):
                graph += [
                    f"[{n}:v]settb=1/30,setpts=N,scale={self._size.width}:{self._size.height}:flags=bicubic[shown{n}]",
                    f"[shown{n}][source{n}]libvmaf=n_threads=1:shortest=1:log_fmt=json:log_path={log}",
                ]
            inputs = [part for path in (*(d.path for d in drafts), self._source) for part in ("-i", str(path))]
            program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *inputs]
            subprocess.run(
                [*program, "-lavfi", ";".join(graph), "-fps_mode", "passthrough", "-f", "null", "-"], check=True
            )
            found = [json.loads(log.read_text())["pooled_metrics"]["vmaf"]["harmonic_mean"] for log in logs]
        return [Encoded(d.bytes, d.cpu, float(value)) for d, value in zip(drafts, found, strict=True)]


@dataclass(frozen=True)
class Trimming:
    """The whole ladder of an upscaled clip against the one that begins where its detail ends."""

    lines: int
    bytes: tuple[int, int]
    cpu: tuple[float, float]
    vmaf: tuple[float, float]
    """Of the highest rendition."""


def measure_trimming(seconds: float) -> Trimming:
    path = make_upscaled()
    info = probed(path)
    assert info.video is not None
    whole, cut = (
        make_plan(info.model_copy(update={"video": video}), PLAN)
        for video in (info.video.model_copy(update={"detail_lines": None}), info.video)
    )
    found = []
    for plan in (whole, cut):
        with av.open(str(path)) as container, tempfile.TemporaryDirectory(dir=CACHE) as folder:
            frames = list(islice(container.decode(video=0), round(seconds * plan.frame_rate)))
            levels, cpu = scale_down(frames, plan.renditions)
            drafts = [
                encode(pictures, x264_options(r, plan.gop, PRESET), plan.gop, Path(folder) / f"{r.id}.mp4")
                for r, pictures in zip(plan.renditions, levels, strict=True)
            ]
            top = Judge(path, whole.renditions[0]).measure(drafts[0])[0]
            found.append((sum(d.bytes for d in drafts), cpu + sum(d.cpu for d in drafts), top.vmaf))
    sizes, cpus, values = zip(*found, strict=True)
    return Trimming(info.video.detail_lines or 0, sizes, cpus, values)


def load_or_measure(name: str, seconds: float, *, afresh: bool) -> Clip:
    path = CACHE / f"{name}-{seconds:g}.json"
    if afresh or not path.exists():
        path.write_text(json.dumps(asdict(measure(name, seconds))))
    facts = json.loads(path.read_text())
    rungs = [Rung(r["size"], Encoded(**r["first"]), Encoded(**r["ours"]), r["equal"]) for r in facts["rungs"]]
    return Clip(facts["name"], facts["scaling"], rungs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", default=NAMES, help=f"of {', '.join(NAMES)}")
    parser.add_argument("--seconds", type=float, default=SEGMENT_SECONDS, help="of each clip; at most a segment")
    parser.add_argument("--afresh", action="store_true", help="measure again what was measured before")
    arguments = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    clips = [load_or_measure(name, arguments.seconds, afresh=arguments.afresh) for name in arguments.clips]
    if tuple(arguments.clips) == NAMES:
        text = report(clips, arguments.seconds) + "\n\n" + report_trimming(measure_trimming(arguments.seconds))
        write_section(PROJECT / "bench" / "RESULTS.md", "Quality for bytes", text)
    else:
        print(report(clips, arguments.seconds))
    return 0


def report_trimming(found: Trimming) -> str:
    size, cpu = (after / before - 1 for before, after in (found.bytes, found.cpu))
    return (
        f"`bunny`, scaled up to 1920×1080 and coded at CRF 18: the probe finds {found.lines} lines in it. A ladder\n"
        f"that begins there takes {size:+.0%} bytes and {cpu:+.0%} CPU; VMAF of the highest rendition against the\n"
        f"upscaled source: {found.vmaf[0]:.1f} → {found.vmaf[1]:.1f}."
    )


def report(clips: list[Clip], seconds: float) -> str:
    worst = min((rung.vmaf_gain, clip.name, rung.size) for clip in clips for rung in clip.rungs)
    first = sum(r.first.bytes for c in clips for r in c.rungs)
    ours = sum(r.ours.bytes for c in clips for r in c.rungs)
    median = statistics.median(c.bytes_saved for c in clips)
    saved, cost = statistics.mean(c.bytes_saved for c in clips), statistics.mean(c.cpu_ratio for c in clips)
    text = [
        f"`python -m bench.quality --seconds {seconds:g}`, preset {PRESET}, against the first ladder (veryfast, CRF",
        f"23, the same highest rates), on {len(clips)} clips of {seconds:g} s (`bench/clips.py`), one keyframe each,",
        "one thread. Bytes at equal VMAF: of the whole ladder, each rendition at the VMAF that the first ladder's had,",
        "interpolated over today's options at CRFs 2 apart. As shipped: at today's CRFs. VMAF: libvmaf's default",
        "model, scaled up to the source's size, harmonic mean over all frames.",
        "",
        f"- bytes at equal VMAF, mean of the clips: **{-saved:+.1%}** (allowed: -15%), median {-median:+.1%}",
        f"- worst rendition as shipped: **{worst[0]:+.2f}** VMAF points ({worst[1]}, {worst[2]}; allowed: -2)",
        f"- bytes as shipped, all clips together: {ours / first - 1:+.1%}; CPU of scaling and encoding the whole",
        f"  ladder, mean of the clips: **{cost:.2f} ×** (allowed: 1.25)",
        "",
        "| clip | bytes at equal VMAF | CPU | per rendition: VMAF then → now (bytes as shipped) |",
        "|---|---|---|---|",
    ]
    for each in clips:
        rungs = "; ".join(
            f"{r.size} {r.first.vmaf:.1f} → {r.ours.vmaf:.1f} ({r.ours.bytes / r.first.bytes - 1:+.0%})"
            for r in each.rungs
        )
        text.append(f"| {each.name} | {-each.bytes_saved:+.1%} | {each.cpu_ratio:.2f} × | {rungs} |")
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
