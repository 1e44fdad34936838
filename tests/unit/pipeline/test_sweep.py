"""The timer: what stalled goes on, what moves is left alone, and queues do not fill up."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.layout import UPLOADS
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.video import RECENT, State
from connector.errors import NotFound, StorageUnavailable
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.delete import delete
from connector.pipeline.orphans import windows
from connector.pipeline.rows import load_row
from connector.pipeline.steps import run_step
from connector.pipeline.sweep import LOST, SILENT, sweep
from tests.support.world import all_encoded, drive, encoding, state, uploaded

MINUTE = timedelta(minutes=1)


def test_what_moved_a_moment_ago_is_left_alone(app, clock):
    for stage in (uploaded, encoding, all_encoded):
        stage(app)
    clock.ahead = app.options.stall - MINUTE
    assert sweep(app) == []


def test_a_probe_that_never_began_is_started_again(app, clock):
    video = uploaded(app)
    messages = complete_upload(app, video.id)
    clock.ahead = app.options.stall + MINUTE
    assert sweep(app) == messages
    drive(app, messages)
    assert state(app, video) is State.READY


def test_tasks_that_were_begun_and_fell_silent_are_started_again(app, clock, media):
    _video, messages = encoding(app)

    def die(job):
        raise OSError

    media.before = die
    for message in messages[1:3]:
        with pytest.raises(OSError):
            run_step(app, message)
    clock.ahead = SILENT - timedelta(seconds=5)
    assert sweep(app) == []
    clock.ahead = SILENT + timedelta(seconds=1)
    assert sweep(app) == messages[1:3]
    assert sweep(app) == [], "they were just sent"


def test_a_silent_task_is_sent_again_while_others_go_on(app, clock, media):
    video, messages = encoding(app)
    name = messages[0].task

    def die(job):
        raise OSError

    media.before = die
    for message in messages[:2]:
        with pytest.raises(OSError):
            run_step(app, message)
    clock.ahead = 2 * SILENT
    assert load_row(app, video.id, messages[1].task).report(0.5, None)
    assert sweep(app) == messages[:1]
    assert app.storage.tasks.get(video.id, name).driven


def test_tasks_that_stand_in_a_long_queue_are_not_sent_again_before_they_count_as_lost(app, clock):
    _, messages = encoding(app)
    clock.ahead = LOST - MINUTE
    assert sweep(app) == []
    clock.ahead = LOST + MINUTE
    assert sweep(app) == messages


def test_tasks_that_nobody_began_are_sent_again_when_others_of_the_video_were_begun_long_ago(app, clock):
    _, messages = encoding(app)
    run_step(app, messages[0])
    clock.ahead = app.options.stall - MINUTE
    assert sweep(app) == []
    clock.ahead = app.options.stall + MINUTE
    assert sweep(app) == messages[1:]
    assert sweep(app) == [], "they were just sent"


def test_finished_tasks_without_packaging_are_packaged(app, clock):
    video, message = all_encoded(app)
    clock.ahead = app.options.stall + MINUTE
    assert sweep(app) == [message]
    drive(app, [message])
    assert state(app, video) is State.READY


def test_packaging_that_broke_off_is_started_again(app, clock):
    video, message = all_encoded(app)
    row = app.storage.videos.get(video.id)
    app.storage.videos.save(row.to(State.PACKAGING, row.modified))
    clock.ahead = app.options.stall + MINUTE
    assert sweep(app) == [message]


@pytest.mark.parametrize("stage", ["QUEUED", "ENCODING", "PACKAGING"])
def test_messages_do_not_multiply_however_long_the_queue_is(app, clock, stage):
    if stage == "QUEUED":
        complete_upload(app, uploaded(app).id)
    elif stage == "ENCODING":
        encoding(app)
    else:
        all_encoded(app)
    sent: Counter[Message] = Counter()
    for minute in range(24 * 60):
        clock.ahead = minute * MINUTE
        sent.update(sweep(app))
    # The pauses double: 5, 10, 20 … 1280 minutes.
    assert 1 <= max(sent.values()) <= 9


def test_finished_and_failed_videos_are_left_alone(app, clock):
    video, message = all_encoded(app)
    run_step(app, message)
    clock.ahead = timedelta(days=30)
    assert sweep(app) == []
    assert state(app, video) is State.READY


def test_an_upload_that_nobody_began_expires(app, clock):
    video = create(app, "a.mp4").video
    clock.ahead = app.options.upload_lifetime - MINUTE
    sweep(app)
    assert state(app, video) is State.AWAITING_UPLOAD
    clock.ahead = app.options.upload_lifetime + MINUTE
    assert sweep(app) == []
    row = app.storage.videos.get(video.id)
    assert (row.state, row.failure.code) == (State.FAILED, "UploadExpired")


@pytest.mark.parametrize("wait", ["stall", "upload_lifetime"])
def test_an_upload_that_nobody_completed_is_completed(app, clock, wait):
    video = uploaded(app)
    clock.ahead = getattr(app.options, wait) + MINUTE
    assert sweep(app) == [Message(step=Step.PROBE, video_id=video.id)]
    assert state(app, video) is State.QUEUED


def test_uploads_are_looked_for_less_and_less_often(app, clock, monkeypatch):
    create(app, "a.mp4")
    take, looks = app.storage.blobs.take_snapshot, []
    monkeypatch.setattr(app.storage.blobs, "take_snapshot", lambda *name: (looks.append(name), take(*name)))
    for minute in range(24 * 60):
        clock.ahead = minute * MINUTE
        sweep(app)
    assert 5 < len(looks) < 10


def test_a_video_that_moves_on_or_goes_while_it_is_looked_at_is_left_alone(app, clock, monkeypatch):
    moving, going, awaited = uploaded(app), uploaded(app), create(app, "a.mp4").video
    complete_upload(app, moving.id)
    complete_upload(app, going.id)
    clock.ahead = timedelta(days=2)
    overview = app.storage.tasks.overview

    def meanwhile(video_id):
        if video_id == moving.id:
            app.storage.videos.save(replace(app.storage.videos.get(video_id), size=1))
        elif video_id == going.id:
            delete(app, video_id)
        return overview(video_id)

    monkeypatch.setattr(app.storage.tasks, "overview", meanwhile)
    monkeypatch.setattr(app.storage.blobs, "properties", lambda c, n: (delete(app, awaited.id), properties(c, n))[1])
    properties = type(app.storage.blobs).properties.__get__(app.storage.blobs)
    assert sweep(app) == []


def test_trouble_with_one_video_does_not_keep_the_others(app, clock, monkeypatch, caplog):
    videos = [uploaded(app) for _ in range(3)]
    for video in videos:
        complete_upload(app, video.id)
    overview = app.storage.tasks.overview

    def trouble(video_id):
        if video_id == videos[1].id:
            raise StorageUnavailable("Storage answered 503 ServerBusy.")
        return overview(video_id)

    monkeypatch.setattr(app.storage.tasks, "overview", trouble)
    clock.ahead = app.options.stall + MINUTE
    assert {m.video_id for m in sweep(app)} == {videos[0].id, videos[2].id}
    assert app.storage.blobs.exists(UPLOADS, videos[1].blob_name)
    assert "could not be looked after" in caplog.text


def test_an_old_video_that_is_not_finished_is_looked_for_in_one_hour_of_the_day(app, clock):
    """Nothing takes so long but by accident. Looking for it reads the whole table."""
    clock.moment = datetime(2030, 1, 1, 12, tzinfo=UTC)
    video = uploaded(app)
    complete_upload(app, video.id)
    clock.moment += RECENT + timedelta(hours=1)
    assert sweep(app) == []
    clock.moment = clock.moment.replace(hour=0, minute=5) + timedelta(days=1)
    assert sweep(app) == [Message(step=Step.PROBE, video_id=video.id)]


def test_without_a_table_of_videos_nothing_is_taken_for_an_orphan(app, clock, monkeypatch, caplog):
    def missing(states, before, after):
        raise NotFound("Storage answered 404 TableNotFound.")

    looked = []
    keys = app.storage.keys.named
    monkeypatch.setattr(app.storage.keys, "named", lambda prefix: looked.append("keys") or keys(prefix))
    clock.moment = datetime(2030, 1, 1, tzinfo=UTC)  # orphans are due
    assert sweep(app) == []
    assert looked.count("keys") == len(windows(clock.moment))
    monkeypatch.setattr(app.storage.videos, "in_states", missing)
    assert sweep(app) == []
    assert looked.count("keys") == len(windows(clock.moment)), "too bold"
    assert "could not look after everything" in caplog.text
