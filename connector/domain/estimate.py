"""What a video will take, said as soon as there is a plan; and what it took, from the rows of its tasks. Pure.

The estimate counts pixels, seconds and bits of the source. How hard a picture is to encode, it cannot know:
bench/quote.py holds it against what different pictures took.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from connector.domain.media_info import Access, MediaInfo, VideoStream
from connector.domain.plan import Plan, Rendition, Size
from connector.domain.planner import tasks
from connector.domain.task import Task
from connector.domain.usage import LEAST_SECONDS, STEP_SECONDS, Prices, Usage
from connector.domain.video import Video

DECODED = 0.3
"""What a pixel of the source takes, beside one that is encoded."""
BEGIN_SECONDS = 0.6
"""Before a task makes anything: its rows, its child process, the head of the source."""
SOUND_SECONDS = 0.04
"""For a second of a track. Hard sounds, such as a pure tone of one channel, take several times as much."""
SOUND_SEGMENT = 4
"""Seconds, about, where no picture says how long a segment is."""
PACKAGE_SECONDS = 0.02
"""For each task whose output is packed."""

SMALLER = 1.5
"""Bits fall with the picture's size, but not as fast: by this power of the pixels' share."""
FILLED = 0.8
"""Seconds of its highest rate that a chunk may have beyond that rate: the decoder's buffer is full at its begin."""
STILL_BYTES = 0.1
"""Of a still, for each pixel."""


@dataclass(frozen=True, slots=True)
class Machine:
    gigapixel: float
    """Seconds of one core for 10^9 pixels (`gigapixels`): decoding, scaling, encoding."""
    threads: int
    """Of a task; each is taken to have a core."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a deployment counts with."""

    machine: Machine
    prices: Prices


def planned(video: Video, machine: Machine) -> Usage:
    """What a video with a plan is expected to take."""
    assert video.info  # noqa: S101 - who has a plan has both
    assert video.plan  # noqa: S101
    seconds = [*_chunks(video.info, video.plan, machine), *_sound(video.plan)]
    if video.info.access is Access.PIECES:
        seconds.append(BEGIN_SECONDS)
    seconds += [BEGIN_SECONDS, BEGIN_SECONDS + PACKAGE_SECONDS * len(seconds)]
    # Rounding up adds half a step on average.
    paid = sum(max(LEAST_SECONDS, s + STEP_SECONDS / 2) for s in seconds)
    plan, protected = video.plan, video.key_id is not None
    return Usage(
        seconds=paid,
        executions=len(seconds),
        writes=writes(plan, protected=protected),
        size=video.size + round(_output(plan, video.size, protected=protected)),
    )


def _chunks(info: MediaInfo, plan: Plan, machine: Machine) -> list[float]:
    """Seconds of each: equal ones, for only their sum counts."""
    if info.video is None:
        return []
    count = sum(step == "chunk" for step, _ in tasks(plan))
    each = gigapixels(info.video, plan.renditions, plan.frames) * machine.gigapixel / machine.threads / count
    return [BEGIN_SECONDS + each] * count


def gigapixels(source: VideoStream, made: Iterable[Rendition], frames: int) -> float:
    """What making so many frames of these renditions is, counted in pixels of output."""
    picture = DECODED * source.width * source.height + sum(r.width * r.height for r in made)
    return frames * picture / 1e9


def _sound(plan: Plan) -> list[float]:
    return [BEGIN_SECONDS + SOUND_SECONDS * float(plan.duration)] * len(plan.audio)


def writes(plan: Plan, *, protected: bool, watched: bool = False) -> int:
    """Requests that write to blobs, those of blocks among them. `watched`: while it was encoded."""
    tracks, chunks = len(plan.renditions) + len(plan.audio), len(plan.chunks)
    segments = plan.segments if plan.frames else math.ceil(plan.duration / SOUND_SEGMENT)
    progressive = 0 if protected else segments * (bool(plan.renditions) + bool(plan.audio)) + 2
    # Of a chunk: sample table, candidate for the poster, strip of tiles. Of the sound: the table.
    stills = len(plan.stills.thumbnails) + 3 if plan.stills else 0
    beside = 3 * chunks + bool(plan.audio) + stills
    manifests = 2 * tracks + len(plan.renditions) + 3
    # The beginning is published with its init segments, all further chunks only if somebody watches.
    early = tracks + growing(plan) * (chunks - 1 if watched else 1) if chunks > 1 else 0
    return segments * tracks + progressive + beside + manifests + early


def growing(plan: Plan) -> int:
    """Requests that publish what can be played so far: playlists, the DASH manifest and the master."""
    return len(plan.renditions) + len(plan.audio) + 2


def _output(plan: Plan, upload: int, *, protected: bool) -> float:
    """Bytes of what is made."""
    rates = _rates(plan, upload)
    sound = [track.bitrate for track in plan.audio]
    bits = sum(rates.values()) + sum(sound)
    if not protected:  # the progressive file holds one rendition and one track again
        bits += rates.get(plan.progressive, 0) + sum(sound[:1])
    return bits / 8 * float(plan.duration) + _stills(plan)


def _rates(plan: Plan, upload: int) -> dict[int, float]:
    """Bits for a second of each rendition, by id. The highest has the most that it may have, unless the source has
    less: an encoder finds nothing to do with more. Easy pictures of a generous source take less than is said here.
    """
    if not plan.renditions:
        return {}
    duration, top = float(plan.duration), plan.renditions[0]
    # Of two tasks that share a segment, each makes other renditions.
    fuller = 1 + FILLED * len(set(plan.chunks)) / duration
    best = min(top.maxrate * fuller, 8 * upload / duration)
    shares = {r.id: (r.width * r.height / (top.width * top.height)) ** SMALLER for r in plan.renditions}
    return {r.id: min(r.maxrate * fuller, best * shares[r.id]) for r in plan.renditions}


def _stills(plan: Plan) -> float:
    stills = plan.stills
    if stills is None:
        return 0.0
    sizes: list[tuple[Size, int]] = [
        (stills.thumbnail, len(stills.thumbnails)),
        (stills.poster, 1),
        (stills.tile, stills.count),
    ]
    return STILL_BYTES * sum(size.width * size.height * count for size, count in sizes)


def spent(video: Video, rows: Iterable[Task], package: timedelta) -> Usage:
    """What a video took whose tasks are all done: the time of each one's last attempt, and the bytes of all segments.
    Requests are counted by the plan; stills are taken for as large as they were estimated, manifests for nothing.
    """
    assert video.plan  # noqa: S101 - who has tasks has a plan
    plan, protected = video.plan, video.key_id is not None
    times, sizes = [package], Counter[int]()
    for row in rows:
        if row.result is None or row.finished is None:
            continue
        times.append(row.finished - row.started)
        for made in row.result.encode.renditions if row.result.encode else ():
            sizes[made.id] += sum(segment.size for segment in made.segments)
    again = set() if protected else {plan.progressive, *(track.id for track in plan.audio[:1])}
    made_of_it = sizes.total() + sum(sizes[rendition] for rendition in again) + round(_stills(plan))
    wrote = writes(plan, protected=protected, watched=video.watched is not None)
    return replace(video.used.ran(*times), writes=wrote, size=video.size + made_of_it)
