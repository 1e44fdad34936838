"""The row of a task, which its worker, other deliveries of its message and the timer write to."""

from datetime import UTC, datetime

from connector.domain.step import Step, TaskId
from connector.domain.task import TaskResult
from connector.domain.video import new_id
from connector.pipeline.rows import begin, load_row

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TASK = TaskId(Step.CHUNK, 1)


def _stored(app, row):
    return app.storage.tasks.get(row.task.video_id, TASK)


def test_a_row_that_nobody_else_writes_is_not_read_again(app, clock, monkeypatch):
    row = begin(app, new_id(), TASK)
    monkeypatch.setattr(app.storage.tasks, "get", None)
    clock.moment = NOW
    assert row.report(0.5, None)
    assert row.count_failure("ProcessingFailed", "Storage is busy.")
    monkeypatch.undo()
    assert _stored(app, row) == row.task
    assert (row.task.progress, row.task.heartbeat, row.task.error) == (0.5, NOW, "Storage is busy.")
    assert row.task.failures == 1


def test_what_somebody_else_wrote_stays(app, clock):
    row = begin(app, new_id(), TASK)
    clock.moment = NOW
    assert load_row(app, row.task.video_id, TASK).mark_driven()
    assert row.report(0.5, None)
    assert (_stored(app, row).driven, _stored(app, row).progress) == (NOW, 0.5)


def test_what_another_delivery_has_finished_is_not_taken_back(app):
    row = begin(app, new_id(), TASK)
    other = begin(app, row.task.video_id, TASK)
    assert other.finish(other.task, TaskResult())
    assert not row.report(0.5, None)
    assert not row.report(0.6, None)
    assert not row.finish(row.task, TaskResult())
    assert not row.count_failure("ProcessingFailed", "It was too slow.")
    assert not row.count_loss(NOW)
    assert not row.mark_driven()
    assert _stored(app, row) == other.task


def test_a_row_that_was_deleted_does_not_come_back(app):
    row = begin(app, new_id(), TASK)
    app.storage.tasks.delete(row.task.video_id)
    assert not row.report(0.5, None)
    assert _stored(app, row) is None
    assert load_row(app, row.task.video_id, TASK) is None
