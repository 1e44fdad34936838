"""Makes the presentation of a video from the rows of its tasks. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self, TypeVar

from connector.domain.plan import Plan
from connector.domain.step import Step, TaskId
from connector.domain.task import EncodeOutput, SegmentOutput, Task
from connector.errors import BrokenOutput
from connector.isobmff.init import AudioInit, VideoInit, parse_init
from connector.manifests.presentation import (
    AudioTrack,
    EarlyTimeline,
    Presentation,
    Protection,
    Segment,
    Storyboard,
    VideoTrack,
)
from connector.security.segments import encrypted_size

F = TypeVar("F", VideoInit, AudioInit)

Name = tuple[str, int]
"""Kind and id of a rendition."""


@dataclass(frozen=True)
class Outputs:
    """The outputs of the tasks: chunks and audio tracks, each in their order. A running task has what it has finished
    so far.
    """

    chunks: tuple[EncodeOutput, ...]
    audio: tuple[EncodeOutput, ...]

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> Self:
        """Collects the outputs from all rows of a video, which may come in any order."""
        found = [(t.id.step, t.result.encode) for t in sorted(tasks, key=_id) if t.result and t.result.encode]
        chunks = tuple(output for step, output in found if step is Step.CHUNK)
        return cls(chunks, tuple(output for step, output in found if step is Step.AUDIO))


def _id(task: Task) -> TaskId:
    return task.id


def inits(outputs: Outputs) -> dict[Name, bytes]:
    """Returns the init segment of each rendition, by (kind, id). Raises BrokenOutput when chunks disagree on one."""
    found: dict[Name, str] = {}
    for kind, done in (("video", outputs.chunks), ("audio", outputs.audio)):
        for rendition in chain.from_iterable(output.renditions for output in done):
            if found.setdefault((kind, rendition.id), rendition.init) != rendition.init:
                raise BrokenOutput(f"chunks disagree on the init segment of {kind} {rendition.id}")
    try:
        return {key: bytes.fromhex(init) for key, init in found.items()}
    except ValueError:
        raise BrokenOutput("an init segment is not written in hex") from None


def presentation(
    plan: Plan, outputs: Outputs, storyboard: Storyboard | None, protection: Protection | None = None
) -> Presentation:
    """Returns the presentation of the whole video. Raises BrokenOutput when the outputs do not fit together."""
    if len(outputs.chunks) != len(plan.chunks) or len(outputs.audio) != len(plan.audio):
        raise BrokenOutput("not every task left an output")
    timelines = _timelines(outputs)
    for name in _names(plan):
        found = timelines.get(name, [])
        if not found or found[0].time != 0:
            raise BrokenOutput("the timeline does not begin at 0")
        if len(_unbroken(found)) != len(found):
            raise BrokenOutput("the timeline has a hole")
    if len({tuple((s.time, s.duration) for s in timelines["video", r.id]) for r in plan.renditions}) > 1:
        raise BrokenOutput("the renditions of the picture have different segments")
    # A part of an encrypted segment cannot be decrypted on its own.
    video, audio = _tracks(plan, outputs, timelines, protection, keyframes=protection is None)
    return Presentation(video, audio, storyboard, protection)


def early_presentation(
    plan: Plan, outputs: Outputs, protection: Protection | None, early: EarlyTimeline
) -> Presentation | None:
    """Returns what can be played so far: up to the first hole of any track; None when that is nothing.

    `outputs` may belong to tasks that are not finished.
    """
    all_found = _timelines(outputs)
    found = {name: _unbroken(all_found.get(name, [])) for name in _names(plan)}
    if not all(found.values()):
        return None
    # An audio segment ends with an AAC frame, so it may be up to one frame longer than its video segment.
    end = min(map(_end, found.values()))
    pictures = [_end([s for s in found[name] if s.time + s.duration <= end]) for name in found if name[0] == "video"]
    end = min(pictures, default=end)
    timelines = {name: [s for s in segments if s.time < end] for name, segments in found.items()}
    if not end:
        return None
    video, audio = _tracks(plan, outputs, timelines, protection, keyframes=False)
    return Presentation(video, audio, None, protection, early)


def _names(plan: Plan) -> list[Name]:
    return [*(("video", r.id) for r in plan.renditions), *(("audio", a.id) for a in plan.audio)]


def _timelines(outputs: Outputs) -> dict[Name, list[SegmentOutput]]:
    """Returns all finished segments of each rendition, in order of time."""
    found: dict[Name, list[SegmentOutput]] = {}
    for kind, done in (("video", outputs.chunks), ("audio", outputs.audio)):
        for rendition in chain.from_iterable(output.renditions for output in done):
            found.setdefault((kind, rendition.id), []).extend(rendition.segments)
    return {name: sorted(segments, key=lambda s: s.time) for name, segments in found.items()}


def _unbroken(segments: Sequence[SegmentOutput]) -> list[SegmentOutput]:
    """Returns the segments from 0 up to the first hole."""
    end, out = 0, []
    for segment in segments:
        if segment.time != end:
            break
        out.append(segment)
        end += segment.duration
    return out


def _end(segments: Sequence[SegmentOutput]) -> int:
    return segments[-1].time + segments[-1].duration if segments else 0


def _tracks(
    plan: Plan,
    outputs: Outputs,
    timelines: dict[Name, list[SegmentOutput]],
    protection: Protection | None,
    *,
    keyframes: bool,
) -> tuple[tuple[VideoTrack, ...], tuple[AudioTrack, ...]]:
    size = encrypted_size if protection else int
    init = inits(outputs)
    video, audio = [], []
    for rendition in plan.renditions:
        segments = timelines["video", rendition.id]
        picture = _facts(init, ("video", rendition.id), VideoInit)
        video.append(
            VideoTrack(
                id=rendition.id,
                codec=picture.codec,
                init_size=size(len(init["video", rendition.id])),
                segments=_stored(segments, size),
                width=rendition.width,
                height=rendition.height,
                frame_rate=plan.frame_rate,
                sps=picture.sps,
                pps=picture.pps,
                keyframes=tuple((0, s.keyframe) for s in segments) if keyframes else (),
            )
        )
    for track in plan.audio:
        sound = _facts(init, ("audio", track.id), AudioInit)
        audio.append(
            AudioTrack(
                id=track.id,
                codec=sound.codec,
                init_size=size(len(init["audio", track.id])),
                segments=_stored(timelines["audio", track.id], size),
                sampling_rate=sound.sampling_rate,
                channels=sound.channels,
                config=sound.config,
                language=track.language,
                name=track.name,
            )
        )
    return tuple(video), tuple(audio)


def _facts(init: dict[Name, bytes], name: Name, wanted: type[F]) -> F:
    """Returns what the init segment says. Raises BrokenOutput for one that is missing, or of another kind."""
    try:
        facts = parse_init(init[name])
    except (KeyError, ValueError):
        facts = None
    if not isinstance(facts, wanted):
        raise BrokenOutput(f"the init segment of {name[0]} {name[1]} cannot be read")
    return facts


def _stored(segments: Sequence[SegmentOutput], size: Callable[[int], int]) -> tuple[Segment, ...]:
    """Returns the segments with their sizes in storage; `size` computes that from the size that the task wrote."""
    return tuple(Segment(s.time, s.duration, size(s.size)) for s in segments)
