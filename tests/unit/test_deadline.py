"""A call of the API waits so long and no longer, on whatever thread it works."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from connector.deadline import carried, expire, left, limited, locked
from connector.errors import StorageTimeout
from connector.pipeline.concurrency import run_concurrently


def test_outside_of_calls_nothing_is_limited():
    assert left() is None
    expire()
    with locked(Lock()):
        assert left() is None


def test_a_call_has_what_is_left_of_its_time_and_never_less_than_nothing():
    with limited(60):
        assert 59 < left() <= 60
        with limited(0.01):
            time.sleep(0.02)
            assert left() == 0
        assert left() > 59
    assert left() is None


def test_other_threads_that_work_for_the_call_share_its_time():
    with ThreadPoolExecutor(1) as threads:
        with limited(60):
            assert threads.submit(left).result() is None
            assert threads.submit(carried(left)).result() > 59
            threads.submit(carried(expire)).result()
            assert left() == 0
        assert threads.submit(left).result() is None
    with limited(60):
        assert all(found > 59 for found in run_concurrently([left] * 10, 8))
    assert run_concurrently([left] * 10, 8) == [None] * 10


def test_a_lock_is_waited_for_no_longer_than_the_call_may_last():
    lock = Lock()
    with locked(lock), limited(0.05), pytest.raises(StorageTimeout), locked(lock):
        pass
    assert not lock.locked()
    with limited(0), locked(lock):
        assert lock.locked()
    assert not lock.locked()
