from functools import partial
from threading import Barrier, Event

import pytest

from connector.pipeline.concurrency import run_concurrently

THREADS = 8


def test_answers_come_in_the_order_of_the_calls():
    second = Event()

    def slow():
        assert second.wait(10)
        return 1

    def quick():
        second.set()
        return 2

    assert run_concurrently([slow, quick], THREADS) == [1, 2]


def test_as_many_as_allowed_run_at_the_same_time():
    met = Barrier(THREADS)
    run_concurrently([partial(met.wait, 10) for _ in range(THREADS)], THREADS)


@pytest.mark.parametrize("count", [0, 1])
def test_few_are_simply_called(count):
    assert run_concurrently([lambda: "here"] * count, THREADS) == ["here"] * count


def test_of_a_failure_is_told_when_nothing_runs_any_more():
    begun, failed, ended = Event(), Event(), []

    def fail():
        assert begun.wait(10)
        failed.set()
        raise OSError("no")

    def other():
        begun.set()
        assert failed.wait(10)
        ended.append(True)

    with pytest.raises(OSError, match="no"):
        run_concurrently([fail, other], THREADS)
    assert ended == [True]
