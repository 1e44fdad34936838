import pytest

from bench.model.platform import FACTS
from bench.model.times import PATH, Line, Times
from bench.model.work import early_publication_writes, plan_of, work_of
from connector.domain.estimate import BEGIN_SECONDS, SOUND_SECONDS
from connector.domain.planner import tasks
from connector.domain.step import Step
from connector.settings import Settings

TIMES = Times.load(PATH)


@pytest.mark.parametrize("minutes", [1, 10, 60, 180])
def test_the_work_is_that_of_the_products_plan(minutes):
    work = work_of(minutes, TIMES)
    assert [task.id for task in work.tasks] == list(tasks(plan_of(minutes)))
    chunks = [task for task in work.tasks if task.step is Step.CHUNK]
    first, second, *_ = work.plan.chunks
    twice = len(first.frames) / work.plan.frame_rate if first.start == second.start else 0
    assert sum(task.source for task in chunks) == pytest.approx(60 * minutes + float(twice))
    assert work.tasks[0].source < max(task.source for task in chunks)


def test_every_segment_of_every_rendition_is_written_once():
    work = work_of(10, TIMES)
    plan = work.plan
    segments = plan.segments
    writes = sum(task.load.writes for task in work.tasks)
    blocks = sum(task.load.blocks for task in work.tasks)
    assert blocks == segments * 2
    least = segments * (len(plan.renditions) + 1) + blocks + 2 * len(plan.chunks) + len(plan.stills.thumbnails) + 1
    assert least <= writes <= least + len(plan.chunks) + early_publication_writes(plan)


def test_what_is_stored_and_read_grows_with_the_source():
    short, long = work_of(10, TIMES), work_of(20, TIMES)
    for amount in ("bytes_in", "bytes_out"):
        sums = [sum(getattr(task.load, amount) for task in work.tasks) for work in (short, long)]
        # What two tasks share is read twice, and the first segments are shorter than others.
        assert sums[1] == pytest.approx(2 * sums[0], rel=0.01)


def test_a_line_goes_through_exact_points():
    line = Line.through([(size, 1.5 + 0.25 * size) for size in (2, 4, 20)])
    assert (line.base, line.rate) == pytest.approx((1.5, 0.25))
    assert line.at(8) == pytest.approx(3.5)


@pytest.mark.parametrize(
    ("points", "line"),
    [([(1, 3.0), (2, 2.0)], (2.5, 0.0)), ([(1, 1.0), (3, 9.0)], (0.0, 2.8))],
    ids=["falling", "below 0 at first"],
)
def test_a_line_has_no_negative_number(points, line):
    found = Line.through(points)
    assert (found.base, found.rate) == pytest.approx(line)


@pytest.mark.parametrize("points", [[], [(4, 1.0), (4, 2.0)]], ids=["none", "one size"])
def test_a_line_takes_two_sizes(points):
    with pytest.raises(ValueError, match="one size"):
        Line.through(points)


def test_every_assumption_says_where_it_is_from():
    assert all(fact.says and fact.source for fact in FACTS.values())
    assert all(fact.value > 0 for fact in FACTS.values())


def test_what_estimates_count_with_is_near_what_was_measured():
    """If not, a machine like the one that was measured would be told wrong seconds: change the defaults."""
    default = Settings.model_fields["encode_seconds_per_gigapixel"].default
    assert default == pytest.approx(TIMES.chunk.rate, rel=0.5)
    assert TIMES.audio.rate / 2 < SOUND_SECONDS < 1.5 * TIMES.tone
    assert pytest.approx(TIMES.chunk.base, abs=0.7) == BEGIN_SECONDS
