"""Estimates what a video will use once it has a plan, and adds up what it did use from its task rows. Pure.

The estimate counts pixels, seconds and bits of the source. It cannot know how hard a picture is to encode:
bench/quote.py compares the estimate with what different pictures took.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from connector.domain.media_info import Access, MediaInfo, VideoStream
from connector.domain.plan import Plan, Rendition, Size
from connector.domain.task import Task
from connector.domain.usage import LEAST_SECONDS, STEP_SECONDS, Prices, Usage
from connector.domain.video import Video

DECODED = 0.3
"""Cost of decoding one source pixel, relative to encoding one output pixel."""
BEGIN_SECONDS = 0.6
"""Seconds that a task needs before it makes anything: for its rows, its child process and the head of the source."""
SOUND_SECONDS = 0.04
"""Seconds of encoding for each second of an audio track.

Hard sounds, such as a pure tone in one channel, take several times as much.
"""
SOUND_SEGMENT = 4
"""Approximate length of a segment in seconds, for a source without a picture."""
PACKAGE_SECONDS = 0.02
"""Seconds of packaging for each task whose output is packaged."""

SMALLER = 1.5
"""Exponent of the pixel ratio: a rendition's bitrate is that of the highest one times this power of the ratio."""
FILLED = 0.8
"""Seconds of its highest rate that a chunk may have beyond that rate: its decoder's buffer is full at the beginning."""
STILL_BYTES = 0.1
"""Bytes per pixel of a still."""


@dataclass(frozen=True, slots=True)
class Machine:
    seconds_per_gigapixel: float
    """Seconds of one core for 10^9 pixels (see `gigapixels`): decoding, scaling and encoding."""
    threads: int
    """Threads of a task; the estimate assumes one core for each."""


@dataclass(frozen=True, slots=True)
class EstimateParameters:
    """Holds the machine and the prices that a deployment's estimates are based on."""

    machine: Machine
    prices: Prices


def planned(video: Video, machine: Machine) -> Usage:
    """Returns what a video with a plan is expected to use."""
    info, plan = video.planned()
    seconds = [*_chunks(info, plan, machine), *_sound(plan)]
    if info.access is Access.PIECES:
        seconds.append(BEGIN_SECONDS)
    seconds += [BEGIN_SECONDS, BEGIN_SECONDS + PACKAGE_SECONDS * len(seconds)]
    # Billing rounds each execution up, which adds half a step on average.
    paid = sum(max(LEAST_SECONDS, s + STEP_SECONDS / 2) for s in seconds)
    protected = video.key_id is not None
    return Usage(
        seconds=paid,
        executions=len(seconds),
        writes=writes(plan, protected=protected),
        size=video.size + round(_output(plan, video.size, protected=protected)),
    )


def _chunks(info: MediaInfo, plan: Plan, machine: Machine) -> list[float]:
    """Returns the seconds of each chunk task. They are equal, because only their sum counts."""
    if info.video is None:
        return []
    count = len(plan.chunks)
    each = (
        gigapixels(info.video, plan.renditions, plan.frames) * machine.seconds_per_gigapixel / machine.threads / count
    )
    return [BEGIN_SECONDS + each] * count


def gigapixels(source: VideoStream, renditions: Iterable[Rendition], frames: int) -> float:
    """Returns the work of making `frames` frames of these renditions, in 10^9 pixels of output."""
    picture = DECODED * source.width * source.height + sum(r.width * r.height for r in renditions)
    return frames * picture / 1e9


def _sound(plan: Plan) -> list[float]:
    return [BEGIN_SECONDS + SOUND_SECONDS * float(plan.duration)] * len(plan.audio)


def writes(plan: Plan, *, protected: bool, watched: bool = False) -> int:
    """Returns the number of requests that write to blobs, those that stage blocks included.

    `watched`: somebody played the video while it was being encoded.
    """
    tracks, chunks = len(plan.renditions) + len(plan.audio), len(plan.chunks)
    segments = plan.segments if plan.frames else math.ceil(plan.duration / SOUND_SEGMENT)
    progressive = 0 if protected else segments * (bool(plan.renditions) + bool(plan.audio)) + 2
    # A chunk has a sample table, a poster candidate and a strip of tiles; the sound has a sample table.
    stills = len(plan.stills.thumbnails) + 3 if plan.stills else 0
    beside = 3 * chunks + bool(plan.audio) + stills
    manifests = 2 * tracks + len(plan.renditions) + 3
    # The beginning is published with its init segments; later chunks only if somebody watches.
    early = tracks + early_writes(plan) * (chunks - 1 if watched else 1) if chunks > 1 else 0
    return segments * tracks + progressive + beside + manifests + early


def early_writes(plan: Plan) -> int:
    """Returns the number of requests that publish what is playable so far: playlists, DASH manifest and master."""
    return len(plan.renditions) + len(plan.audio) + 2


def _output(plan: Plan, upload: int, *, protected: bool) -> float:
    """Returns the bytes of everything that is made from the upload."""
    rates = _rates(plan, upload)
    sound = [track.bitrate for track in plan.audio]
    bits = sum(rates.values()) + sum(sound)
    if not protected:  # the progressive file repeats one rendition and one track
        bits += rates.get(plan.progressive, 0) + sum(sound[:1])
    return bits / 8 * float(plan.duration) + _stills(plan)


def _rates(plan: Plan, upload: int) -> dict[int, float]:
    """Returns the bit/s of each rendition, by id.

    The highest rendition gets its highest rate, unless the source has less: an encoder cannot make use of more. Easy
    pictures of a generous source take less than this.
    """
    if not plan.renditions:
        return {}
    duration, top = float(plan.duration), plan.renditions[0]
    # Two tasks with the same start make different renditions, so a start counts once.
    fuller = 1 + FILLED * len({chunk.start for chunk in plan.chunks}) / duration
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
    """Returns what a video used whose tasks are all done; `package` is the time of the packaging.

    It counts the time of each task's last attempt and the bytes of all segments. Requests come from the plan. Stills
    count with their estimated size, manifests with nothing.
    """
    plan, protected = video.planned().plan, video.key_id is not None
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
