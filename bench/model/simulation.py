"""Videos through the pipeline, event by event: queues, instances that come and go to work, and the limits of storage.

A heap of (time, number, what happens then) is all the machinery. Nothing is random: two runs are the same.
"""

import heapq
import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from bench.model.platform import Platform
from bench.model.work import PAGE, Load, Task, Work, early_publication_requests
from connector.domain.step import Step, TaskId

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, spread evenly however many there are: the moments at which instances poll."""


ROUNDING = 1e-6
SLICE = 30.0
"""Seconds of a task whose requests are counted together."""
REQUESTS = "account requests"


@dataclass
class Limit:
    """Lets only so much pass per second: what comes while others wait, waits behind them."""

    rate: float
    free: float = 0.0
    used: float = 0.0
    longest: float = 0.0
    """Seconds that something took to pass, at most."""

    def reserve(self, now: float, amount: float) -> float:
        """Lets an amount pass that comes now, and returns the moment at which all of it has passed."""
        self.free = max(self.free, now) + amount / self.rate
        self.used += amount
        self.longest = max(self.longest, self.free - now)
        return self.free


@dataclass
class Done:
    """What became of a video, in seconds from the beginning of the simulation."""

    arrived: float
    playable: float = math.inf
    """The first chunk of every rendition and the sound beside it are there."""
    ready: float = math.inf


@dataclass
class Result:
    videos: list[Done]
    executions: int
    busy: float
    """Seconds of encoding instances at work; what is billed, but for rounding."""
    ideal: float
    instances: int
    """Encoding instances that were started."""
    limits: dict[str, Limit]
    finished: list[tuple[int, TaskId]]
    """Number of the video and task, in the order in which the tasks ended."""

    @property
    def makespan(self) -> float:
        return max(video.ready for video in self.videos) - min(video.arrived for video in self.videos)

    def efficiency(self, instances: int) -> float:
        """Ideal CPU time ÷ (instances × makespan)."""
        return self.ideal / (instances * self.makespan)

    @property
    def longest_wait(self) -> tuple[str, float]:
        """The limit of storage that things waited for longest, and how long."""
        name = max(self.limits, key=lambda n: self.limits[n].longest)
        return name, self.limits[name].longest


@dataclass
class _Video:
    number: int
    work: Work
    done: Done
    rows: Limit
    source: Limit
    progressive: Limit
    left: int
    packaging: bool = False
    audio_ready: float = 0.0
    """When every track has as much sound as the first chunk has picture."""
    chunks: set[int] = field(default_factory=set)
    """Those that are finished."""
    first_chunk: float = 0.0


@dataclass
class _Pool:
    """The instances of one function; each works on one message at a time."""

    most: int
    run: Callable[[_Video, Task, Callable[[], None]], None]
    """Begins a task; calls what it was given when the task is over."""
    running: int = 0
    starting: int = 0
    busy: float = 0.0
    executions: int = 0
    next_addition: float = 0.0
    """Before this moment no instances are added."""
    addition_planned: bool = False
    poll_planned: bool = False
    idle: list[float] = field(default_factory=list)
    """Phase of each idle instance: when in the interval it polls."""
    waiting: deque[tuple[_Video, Task]] = field(default_factory=deque)


def simulate(arrivals: Iterable[tuple[float, Work]], platform: Platform) -> Result:
    """`arrivals`: when uploads are complete, and what there is to do for each."""
    return _Simulation(platform).run(list(arrivals))


class _Simulation:
    def __init__(self, platform: Platform) -> None:
        self.platform = p = platform
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self.limits = {
            REQUESTS: Limit(p.account_requests),
            "account ingress": Limit(p.ingress),
            "account egress": Limit(p.egress),
            "messages of the queue encode": Limit(p.queue_messages),
            "messages of the queue advance": Limit(p.queue_messages),
            "rows of a video's tasks": Limit(p.partition_entities),
            "requests to an upload": Limit(p.blob_requests),
            "requests to a progressive file": Limit(p.blob_requests),
        }
        self.finished: list[tuple[int, TaskId]] = []
        self.advance = _Pool(p.advance_instances, self._advance)
        self.encode = _Pool(p.instances, self._encode)
        for pool in (self.advance, self.encode):
            if p.ramp is None:
                pool.running = pool.most
                pool.idle = sorted(n * GOLDEN % 1 * p.poll for n in range(pool.most))

    def run(self, arrivals: list[tuple[float, Work]]) -> Result:
        videos = []
        for number, (moment, work) in enumerate(arrivals):
            rows = Limit(self.platform.partition_entities)
            blobs = Limit(self.platform.blob_requests), Limit(self.platform.blob_requests)
            video = _Video(number, work, Done(moment), rows, *blobs, left=len(work.tasks))
            videos.append(video)
            self._at(moment, partial(self._send, self.advance, video, [work.probe]))
        while self._events:
            self.now, _, happens = heapq.heappop(self._events)
            happens()
        for video in videos:
            first = max(video.first_chunk, video.audio_ready)
            video.done.playable = first + early_publication_requests(video.work.plan) * self.platform.latency
            for name, limit in (
                ("rows of a video's tasks", video.rows),
                ("requests to an upload", video.source),
                ("requests to a progressive file", video.progressive),
            ):
                whole = self.limits[name]
                whole.used = max(whole.used, limit.used)
                whole.longest = max(whole.longest, limit.longest)
        return Result(
            videos=[video.done for video in videos],
            executions=self.encode.executions + self.advance.executions,
            busy=self.encode.busy,
            ideal=sum(video.work.ideal for video in videos),
            instances=self.encode.running,
            limits=self.limits,
            finished=self.finished,
        )

    def _at(self, moment: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), happens))

    # Messages and instances

    def _send(self, pool: _Pool, video: _Video, tasks: Iterable[Task]) -> None:
        """One after the other, as the host writes what a function returned."""
        queue = self.limits[f"messages of the queue {'encode' if pool is self.encode else 'advance'}"]
        for n, task in enumerate(tasks):
            seen = queue.reserve(self.now + (n + 1) * self.platform.send, 1)
            self._at(seen, partial(self._arrive, pool, video, task))

    def _arrive(self, pool: _Pool, video: _Video, task: Task) -> None:
        pool.waiting.append((video, task))
        self._plan_poll(pool)
        self._plan_addition(pool)

    def _plan_poll(self, pool: _Pool) -> None:
        """The next idle instance to look into the queue finds something."""
        if pool.poll_planned or not pool.waiting or not pool.idle:
            return
        pool.poll_planned = True
        interval = self.platform.poll
        begin = math.floor(self.now / interval) * interval
        place = bisect_left(pool.idle, self.now - begin)
        phase = pool.idle[place] if place < len(pool.idle) else interval + pool.idle[0]
        self._at(begin + phase, partial(self._poll, pool))

    def _poll(self, pool: _Pool) -> None:
        pool.poll_planned = False
        if pool.waiting and pool.idle:
            place = bisect_left(pool.idle, self.now % self.platform.poll - ROUNDING) % len(pool.idle)
            self._take(pool, pool.idle.pop(place))
            self._plan_poll(pool)

    def _take(self, pool: _Pool, phase: float) -> None:
        """The instance runs the first message; when it is done it looks for another at once."""
        if not pool.waiting:
            insort(pool.idle, phase)
            return
        video, task = pool.waiting.popleft()
        begun = self.now

        def over() -> None:
            pool.busy += self.now - begun
            pool.executions += 1
            self._take(pool, phase)

        pool.run(video, task, over)

    def _plan_addition(self, pool: _Pool) -> None:
        """The platform wants an instance per message, waiting or at work, and adds them as fast as it may."""
        if self.platform.ramp is None or pool.addition_planned or not self._missing_instances(pool):
            return
        pool.addition_planned = True
        self._at(max(self.now + self.platform.look, pool.next_addition), partial(self._add, pool))

    def _missing_instances(self, pool: _Pool) -> int:
        there = pool.running + pool.starting
        working = pool.running - len(pool.idle)
        return min(pool.most, len(pool.waiting) + working) - there

    def _add(self, pool: _Pool) -> None:
        ramp = self.platform.ramp
        assert ramp
        pool.addition_planned = False
        more = max(0, min(ramp.step, self._missing_instances(pool)))
        pool.starting += more
        pool.next_addition = self.now + ramp.period
        for _ in range(more):
            self._at(self.now + self.platform.cold_start, partial(self._begin_instance, pool))
        if self._missing_instances(pool) > 0:
            pool.addition_planned = True
            self._at(pool.next_addition, partial(self._add, pool))

    def _begin_instance(self, pool: _Pool) -> None:
        pool.starting -= 1
        pool.running += 1
        self._take(pool, pool.running * GOLDEN % 1 * self.platform.poll)

    # Steps

    def _advance(self, video: _Video, task: Task, over: Callable[[], None]) -> None:
        end = self._end_with_storage(video, task.load, 1, self.now + task.cpu / self.platform.speed)
        if task.step is Step.PACKAGE:
            end = max(end, video.rows.reserve(self.now, len(video.work.tasks)))

        def finish() -> None:
            if task.step is Step.PROBE:
                self._send(self.encode, video, video.work.tasks)
            else:
                video.done.ready = self.now
            over()

        self._at(end, finish)

    def _encode(self, video: _Video, task: Task, over: Callable[[], None]) -> None:
        p = self.platform
        speed = p.speed * (p.cores if task.step is Step.CHUNK else 1)
        waited = self.now + task.load.in_a_row * p.latency
        reading = task.load.bytes_out / p.stream
        if task.step is Step.AUDIO:
            # As much sound as there is picture in the first chunk.
            first = video.work.tasks[0].source / task.source
            heard = waited + (task.begin + max((task.cpu - task.begin) * first, reading * first * speed)) / speed
            video.audio_ready = max(video.audio_ready, heard)
        # Reading is ahead of the work, so that the longer of the two counts.
        seconds = waited - self.now + max(task.cpu / speed, reading)
        slices = math.ceil(seconds / SLICE)

        def go_on(left: int) -> None:
            if not left:
                self._look_at_rows(video, task, over)
                return
            end = self._end_with_storage(video, task.load, 1 / slices, self.now + seconds / slices)
            self._at(end, partial(go_on, left - 1))

        go_on(slices)

    def _end_with_storage(self, video: _Video, load: Load, share: float, worked: float) -> float:
        """When a share of a task ends that begins now, and would end at `worked` if storage had no limits."""
        limits, now = self.limits, self.now
        # Nobody waits for heartbeats, but they stand in the way of others.
        video.rows.reserve(now, (load.table_reads + load.table_writes) * share)
        return max(
            worked,
            limits[REQUESTS].reserve(now, load.requests * share),
            limits["account ingress"].reserve(now, load.bytes_in * share),
            limits["account egress"].reserve(now, load.bytes_out * share),
            video.source.reserve(now, load.source_reads * share),
            video.progressive.reserve(now, load.blocks * share),
        )

    def _look_at_rows(self, video: _Video, task: Task, over: Callable[[], None]) -> None:
        """The task's row is there. Now all rows of the video are looked at."""
        video.left -= 1
        self.finished.append((video.number, task.id))
        chunk = task.step is Step.CHUNK
        index = task.id.index
        first = chunk and video.work.plan.chunks[index].start == 0
        rows = len(video.work.tasks)
        seen = video.rows.reserve(self.now, rows) + math.ceil(rows / PAGE) * self.platform.latency
        # Who comes next to what can be played looks once more, and publishes it.
        if chunk and (index == 0 or index - 1 in video.chunks):
            seen = video.rows.reserve(seen, rows) + early_publication_requests(video.work.plan) * self.platform.latency
        if chunk:
            video.chunks.add(index)

        def look() -> None:
            if first:
                video.first_chunk = self.now
            if video.left == 0 and not video.packaging:
                video.packaging = True
                self._send(self.advance, video, [video.work.package])
            over()

        self._at(seen, look)
