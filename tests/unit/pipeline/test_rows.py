"""The row of a task, which its worker, twins of that and the timer write to."""

from datetime import UTC, datetime

import pytest

from connector.domain.video import new_id
from connector.pipeline.rows import begin, row_of
from tests.unit.pipeline.world import an_app

NOW = datetime(2026, 1, 2, tzinfo=UTC)
NAME = "chunk-000001"


@pytest.fixture
def app():
    return an_app()


def _kept(app, row):
    return app.storage.tasks.get(row.task.video_id, NAME)


def test_a_row_that_nobody_else_writes_is_not_read_again(app, monkeypatch):
    row = begin(app, new_id(), NAME)
    monkeypatch.setattr(app.storage.tasks, "get", None)
    assert row.change(progress=0.5)
    assert row.change(heartbeat=NOW)
    monkeypatch.undo()
    assert _kept(app, row) == row.task
    assert (row.task.progress, row.task.heartbeat) == (0.5, NOW)


def test_what_somebody_else_wrote_stays(app):
    row = begin(app, new_id(), NAME)
    assert row_of(app, row.task.video_id, NAME).change(driven=NOW)
    assert row.change(progress=0.5)
    assert (_kept(app, row).driven, _kept(app, row).progress) == (NOW, 0.5)


def test_what_a_twin_has_finished_is_not_taken_back(app):
    row = begin(app, new_id(), NAME)
    twin = begin(app, row.task.video_id, NAME)
    assert twin.change(finished=NOW)
    assert not row.change(progress=0.5)
    assert not row.change(progress=0.6)
    assert _kept(app, row) == twin.task


def test_a_row_that_was_deleted_does_not_come_back(app):
    row = begin(app, new_id(), NAME)
    app.storage.tasks.delete(row.task.video_id)
    assert not row.change(progress=0.5)
    assert _kept(app, row) is None
    assert row_of(app, row.task.video_id, NAME) is None
