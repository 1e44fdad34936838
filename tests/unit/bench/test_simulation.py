from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from bench.model.platform import FAST, SLOW, Platform
from bench.model.simulation import Limit, simulate
from bench.model.times import Line, Times
from bench.model.work import work_of

TIMES = Times(
    chunk=Line(1.0, 20.0),
    audio=Line(0.5, 0.02),
    tone=0.1,
    probe=0.5,
    package=Line(0.5, 0.01),
    source_bytes=1.5e6,
    stored_bytes=1.6e6,
    measured_by="the test",
)
INSTANT = {"latency": 0.0, "send": 0.0, "poll": 1e-3, "stream": 1e12}
"""A platform on which only work takes time."""


def _ready(minutes, platform, times=TIMES):
    return simulate([(0.0, work_of(minutes, times))], platform).videos[0].ready


@pytest.mark.parametrize("ramp", [None, FAST, SLOW], ids=["running", "fast", "slow"])
@pytest.mark.parametrize("instances", [1, 7, 1000])
def test_every_task_of_every_video_is_done_once(instances, ramp):
    works = [work_of(minutes, TIMES) for minutes in (1, 3, 10)]
    result = simulate([(5.0 * n, work) for n, work in enumerate(works)], Platform(instances, ramp))
    planned = Counter((n, task.id) for n, work in enumerate(works) for task in work.tasks)
    assert Counter(result.finished) == planned
    assert result.executions == sum(planned.values()) + 2 * len(works)
    assert all(video.arrived < video.playable < video.ready for video in result.videos)
    assert result.instances <= instances


def test_one_instance_takes_the_sum_of_the_work():
    work = work_of(10, TIMES)
    result = simulate([(0.0, work)], Platform(1, **INSTANT))
    rows = len(work.tasks) ** 2 / Platform(1).partition_entities
    total = sum(task.cpu for task in (work.probe, *work.tasks, work.package)) + rows
    assert result.makespan == pytest.approx(total, abs=0.5)
    assert result.busy == pytest.approx(sum(task.cpu for task in work.tasks) + rows, abs=0.5)


def test_as_many_instances_as_tasks_take_as_long_as_the_longest_task():
    work = work_of(10, TIMES)
    platform = Platform(1000, **INSTANT, partition_entities=1e9)
    total = work.probe.cpu + max(task.cpu for task in work.tasks) + work.package.cpu
    assert _ready(10, platform) == pytest.approx(total, abs=0.1)


@pytest.mark.parametrize("minutes", [1, 10, 60])
@pytest.mark.parametrize("ramp", [None, FAST], ids=["running", "fast"])
def test_more_instances_are_not_slower(minutes, ramp):
    times = [_ready(minutes, Platform(n, ramp)) for n in (1, 2, 5, 10, 50, 100, 500)]
    # Which instance polls first moves a little with their number.
    assert all(more <= fewer + Platform(1).poll for fewer, more in pairwise(times))


def test_efficiency_is_a_share_of_what_was_there():
    work = work_of(60, TIMES)
    found = [simulate([(0.0, work)], Platform(n)).efficiency(n) for n in (1, 10, 100, 1000)]
    assert 1 > found[0] > found[1] > found[2] > found[3] > 0


def test_slow_growth_delays_and_running_instances_do_not_wait():
    running, fast, slow = (_ready(60, Platform(100, ramp)) for ramp in (None, FAST, SLOW))
    assert running < fast < slow


def test_documented_growth_adds_four_instances_at_a_time():
    platform = Platform(1000, SLOW, **INSTANT)
    result = simulate([(0.0, work_of(1, replace(TIMES, chunk=Line(0.0, 8.0))))], platform)
    # Eight chunks and the sound: four instances are enough until they come free, before the next four could be there.
    assert result.instances == 4


@pytest.mark.parametrize(
    ("limit", "name"),
    [
        ({"account_requests": 2.0}, "account requests"),
        ({"ingress": 1e6}, "account ingress"),
        ({"egress": 1e6}, "account egress"),
        ({"queue_messages": 0.05}, "messages of the queue encode"),
        ({"partition_entities": 2.0}, "rows of a video's tasks"),
        ({"blob_requests": 0.5}, "requests to an upload"),
    ],
    ids=["requests", "ingress", "egress", "messages", "rows", "blob"],
)
def test_a_low_limit_is_what_everything_waits_for(limit, name):
    work = work_of(10, TIMES)
    free = simulate([(0.0, work)], Platform(100))
    bound = simulate([(0.0, work)], Platform(100, **limit))
    assert bound.makespan > 1.2 * free.makespan
    assert bound.longest_wait[0] == name


def test_too_few_instances_let_uploads_pile_up():
    work = work_of(1, TIMES)
    result = simulate([(10.0 * n, work) for n in range(30)], Platform(5))
    taken = [video.ready - video.arrived for video in result.videos]
    assert taken[-1] > 5 * taken[0]


def test_two_runs_are_the_same():
    arrivals = [(0.7 * n, work_of(3, TIMES)) for n in range(20)]
    first, second = (simulate(arrivals, Platform(40, FAST)) for _ in range(2))
    assert first.videos == second.videos
    assert first.finished == second.finished


def test_a_limit_lets_pass_what_it_can_and_makes_the_rest_wait():
    limit = Limit(10.0)
    assert limit.reserve(0.0, 5) == 0.5
    assert limit.reserve(0.0, 5) == 1.0
    assert limit.reserve(3.0, 10) == 4.0
    assert (limit.used, limit.longest) == (20, 1.0)
