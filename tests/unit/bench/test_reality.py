"""The model against real runs that `python -m bench.scale --validate` recorded.

Record anew, on a quiet machine, when the planner, the model or the steps have changed so that a test here fails; or
when tasks have become so much faster that the page should say so. A model that is wrong fails as well, and recording
does not help it: both the runs and the tasks' times that the model is fed with are measured.
"""

from dataclasses import replace

import pytest

from bench.model.times import Line
from bench.reality import ALLOWED, ENCODERS, load_runs

RUNS = load_runs()


@pytest.mark.skipif(not RUNS[0].quiet, reason="others were busy when bench/real_runs.json was recorded: record anew")
@pytest.mark.parametrize("runs", RUNS, ids=lambda runs: f"{runs.encoders} encoders")
def test_the_model_says_what_real_runs_took(runs):
    assert abs(runs.deviation) <= ALLOWED, f"model {runs.simulated_ready:.1f} s, real runs {runs.ready}"


def test_both_numbers_of_encoders_were_run_several_times():
    assert [runs.encoders for runs in RUNS] == list(ENCODERS)
    assert all(len(runs.ready) >= 2 for runs in RUNS)


@pytest.mark.skipif(not RUNS[0].quiet, reason="others were busy when bench/real_runs.json was recorded: record anew")
@pytest.mark.parametrize("runs", RUNS, ids=lambda runs: f"{runs.encoders} encoders")
def test_a_model_that_is_wrong_is_noticed(runs):
    chunk = runs.times.chunk
    slow = replace(runs, times=replace(runs.times, chunk=Line(2 * chunk.base, 2 * chunk.rate)))
    assert abs(slow.deviation) > ALLOWED
    other = replace(runs, encoders=3 - runs.encoders)
    assert abs(other.deviation) > ALLOWED
