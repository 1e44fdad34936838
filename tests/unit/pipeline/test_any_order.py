"""Queues deliver in any order, late and more than once: the outcome is always the same."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.domain.media_info import Access
from connector.domain.video import State
from connector.errors import ConnectorError, TaskCrashed
from connector.pipeline.complete import complete_upload
from connector.pipeline.steps import run_step
from tests.unit.pipeline.twin import INFO, Twin
from tests.unit.pipeline.world import an_app, drive, left_behind, output, state, timeless, uploaded, with_fault

PIECES = INFO.model_copy(update={"access": Access.PIECES})


@pytest.fixture(scope="module")
def expected():
    return {info.access: _run(info, drive) for info in (INFO, PIECES)}


def _run(info, deliver):
    app, twin = an_app(), Twin(info)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("connector.media.sandbox.run", twin)
        video = uploaded(app)
        deliver(app, complete_upload(app, video.id))
        row = app.storage.videos.get(video.id)
        return (
            row.state,
            row.plan,
            timeless(app.storage.tasks.of(video.id)),
            output(app, video),
            len(left_behind(app, video)),
        )


@pytest.mark.parametrize("info", [INFO, PIECES], ids=["seek", "pieces"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_messages_in_any_order_and_number(expected, info, data):
    def shuffled(app, messages):
        waiting, repeats = list(messages), 15
        while waiting:
            message = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
            if repeats and data.draw(st.booleans()):
                waiting.append(message)
                repeats -= 1
            waiting += run_step(app, message)

    assert _run(info, shuffled) == expected[info.access]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_storage_that_fails_now_and_then(expected, data):
    def troubled(app, messages):
        waiting, troubles = list(messages), 12
        while waiting:
            message = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
            if troubles:
                app_now = with_fault(app, data.draw(st.integers(1, 45)), after=data.draw(st.booleans()))
                troubles -= 1
            else:
                app_now = app
            try:
                waiting += run_step(app_now, message)
            except ConnectorError:
                waiting.append(message)

    assert _run(INFO, troubled) == expected[Access.SEEK]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_tasks_that_run_inside_each_other_and_crash(data):
    """A job is entered while another is under way, as on several workers; half of them die somewhere."""
    app, twin = an_app(), Twin()
    waiting, budget = [], [12]

    def meanwhile(job):
        if budget[0] and waiting and data.draw(st.booleans()):
            budget[0] -= 1
            deliver(waiting.pop(data.draw(st.integers(0, len(waiting) - 1))))
        if budget[0] and data.draw(st.booleans()):
            budget[0] -= 1
            raise TaskCrashed("the media process ended with signal SIGSEGV: no message")

    def deliver(message):
        if budget[0] and data.draw(st.booleans()):
            budget[0] -= 1
            waiting.append(message)
        try:
            waiting.extend(run_step(app, message))
        except ConnectorError:
            waiting.append(message)

    twin.before = twin.after = meanwhile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("connector.media.sandbox.run", twin)
        patch.setattr("connector.pipeline.run.HEARTBEAT_SECONDS", 0)
        twin.progress = (0.5,)
        video = uploaded(app)
        waiting += complete_upload(app, video.id)
        while waiting:
            deliver(waiting.pop(data.draw(st.integers(0, len(waiting) - 1))))
    assert state(app, video) is State.READY
    assert len(left_behind(app, video)) == 1
    assert all(t.done for t in app.storage.tasks.of(video.id))
