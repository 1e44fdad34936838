"""From the rows of the tasks to the presentation: pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Self

from connector.domain.plan import Plan
from connector.domain.task import EncodeOutput, RenditionOutput, SegmentOutput, Task
from connector.errors import BrokenOutput
from connector.isobmff.init import AudioInit, VideoInit, parse_init
from connector.manifests.presentation import AudioTrack, Presentation, Protection, Segment, Storyboard, VideoTrack
from connector.security.segments import encrypted_size


@dataclass(frozen=True)
class Outputs:
    """What the tasks left, chunks and audio tracks each in their order."""

    chunks: tuple[EncodeOutput, ...]
    audio: tuple[EncodeOutput, ...]

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> Self:
        """From all rows of a video, in any order."""
        by_kind: dict[str, list[EncodeOutput]] = {"chunk": [], "audio": []}
        for task in sorted(tasks, key=lambda t: t.name):
            if task.result and task.result.encode:
                by_kind[task.name.partition("-")[0]].append(task.result.encode)
        return cls(tuple(by_kind["chunk"]), tuple(by_kind["audio"]))


def inits(outputs: Outputs) -> dict[tuple[str, int], bytes]:
    """The init segment of each rendition, by (kind, id). Raises BrokenOutput when chunks disagree on one."""
    found: dict[tuple[str, int], str] = {}
    for kind, done in (("video", outputs.chunks), ("audio", outputs.audio)):
        for rendition in chain.from_iterable(output.renditions for output in done):
            if found.setdefault((kind, rendition.id), rendition.init) != rendition.init:
                raise BrokenOutput(f"chunks disagree on the init segment of {kind} {rendition.id}")
    return {key: bytes.fromhex(init) for key, init in found.items()}


def presentation(
    plan: Plan, outputs: Outputs, storyboard: Storyboard | None, protection: Protection | None = None
) -> Presentation:
    """Raises BrokenOutput when a chunk or a segment is missing."""
    size = encrypted_size if protection else int
    if len(outputs.chunks) != len(plan.chunks) or len(outputs.audio) != len(plan.audio):
        raise BrokenOutput("not every task left an output")
    init = inits(outputs)
    video, audio = [], []
    for rendition in plan.renditions:
        segments = _segments(o for c in outputs.chunks for o in c.renditions if o.id == rendition.id)
        facts = parse_init(init["video", rendition.id])
        assert isinstance(facts, VideoInit)  # noqa: S101 - the chunk tasks write no other
        video.append(
            VideoTrack(
                id=rendition.id,
                codec=facts.codec,
                init_size=size(len(init["video", rendition.id])),
                segments=_stored(segments, size),
                width=rendition.width,
                height=rendition.height,
                frame_rate=plan.frame_rate,
                sps=facts.sps,
                pps=facts.pps,
                # A part of an encrypted segment cannot be decrypted on its own.
                keyframes=() if protection else tuple((0, s.keyframe) for s in segments),
            )
        )
    for track, output in zip(plan.audio, outputs.audio, strict=True):
        facts = parse_init(init["audio", track.id])
        assert isinstance(facts, AudioInit)  # noqa: S101 - the audio tasks write no other
        audio.append(
            AudioTrack(
                id=track.id,
                codec=facts.codec,
                init_size=size(len(init["audio", track.id])),
                segments=_stored(_segments(output.renditions), size),
                sampling_rate=facts.sampling_rate,
                channels=facts.channels,
                config=facts.config,
                language=track.language,
                name=track.name,
            )
        )
    return Presentation(tuple(video), tuple(audio), storyboard, protection)


def _segments(outputs: Iterable[RenditionOutput]) -> list[SegmentOutput]:
    """Of one rendition over all chunks. Raises BrokenOutput unless each begins where the one before it ends."""
    segments = [segment for output in outputs for segment in output.segments]
    if not segments or segments[0].time != 0:
        raise BrokenOutput("the timeline does not begin at 0")
    if any(a.time + a.duration != b.time for a, b in pairwise(segments)):
        raise BrokenOutput("the timeline has a hole")
    return segments


def _stored(segments: Sequence[SegmentOutput], size: Callable[[int], int]) -> tuple[Segment, ...]:
    """With the sizes of the blobs that `size` makes of the tasks'."""
    return tuple(Segment(s.time, s.duration, size(s.size)) for s in segments)
