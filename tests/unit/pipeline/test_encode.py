"""The tasks: repeated, overlapping, crashing, too late."""

from threading import Event

import pytest
from pydantic import ValidationError

from connector.domain.layout import output_container
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.video import State
from connector.errors import BrokenOutput, MediaError, StorageUnavailable, TaskCrashed
from connector.pipeline.attempts import fail_or_wait, record_failure
from connector.pipeline.complete import complete_upload
from connector.pipeline.context import Pace
from connector.pipeline.delete import delete
from connector.pipeline.fail import fail
from connector.pipeline.steps import handle_poison, run_step
from tests.support.apps import quick_app
from tests.support.world import all_encoded, drive, encoding, left_behind, output, state, uploaded, with_fault


def _package(video):
    return [Message(step=Step.PACKAGE, video_id=video.id)]


def test_a_task_leaves_a_finished_row(app):
    video, messages = encoding(app)
    assert run_step(app, messages[0]) == []
    row = app.storage.tasks.get(video.id, messages[0].task)
    assert (row.done, row.attempts, row.progress, row.error) == (True, 1, 1.0, "")
    assert [r.id for r in row.result.encode.renditions] == [r.id for r in video.plan.renditions]
    assert ":" in row.worker


def test_a_finished_task_is_not_done_again(app, media):
    video, messages = encoding(app)
    run_step(app, messages[0])
    row = app.storage.tasks.get(video.id, messages[0].task)
    assert run_step(app, messages[0]) == []
    assert media.counts["chunk-0"] == 1
    assert app.storage.tasks.get(video.id, messages[0].task) == row


@pytest.mark.parametrize("backwards", [False, True])
def test_the_last_finisher_sends_on_whichever_it_is(app, backwards):
    video, messages = encoding(app)
    *others, last = reversed(messages) if backwards else messages
    assert [run_step(app, m) for m in others] == [[]] * len(others)
    assert run_step(app, last) == _package(video)


def test_a_repeated_last_task_sends_on_again(app):
    video, message = all_encoded(app)
    assert run_step(app, Message(step=Step.CHUNK, video_id=video.id, index=1)) == [message]


def test_of_two_that_finish_at_the_same_time_at_least_one_sends_on(app, media):
    video, messages = encoding(app)
    *others, one, two = messages
    drive(app, others)
    sent = []

    def other(job):
        media.after = lambda job: None
        sent.append(run_step(app, two))

    media.after = other
    sent.append(run_step(app, one))
    assert _package(video) in sent


def test_a_second_delivery_that_runs_on_does_not_take_back_a_finished_row(app, media):
    video, messages = encoding(app)
    media.progress = (0.5,)

    def other_first(job):
        media.before = lambda job: None
        run_step(app, messages[0])
        seen.append(app.storage.tasks.get(video.id, messages[0].task))

    seen = []
    media.before = other_first
    run_step(app, messages[0])
    assert seen[0].done
    assert app.storage.tasks.get(video.id, messages[0].task) == seen[0]


def test_of_two_deliveries_the_one_that_begins_late_does_nothing(app, media, monkeypatch):
    _, messages = encoding(app)
    put = app.storage.tasks.put

    def overtaken(task):
        monkeypatch.setattr(app.storage.tasks, "put", put)
        run_step(app, messages[0])
        put(task)

    monkeypatch.setattr(app.storage.tasks, "put", overtaken)
    run_step(app, messages[0])
    assert media.counts["chunk-0"] == 1, "the slower one sees that it is done"


def test_a_task_that_comes_when_all_is_packaged_does_nothing(app, media):
    video, message = all_encoded(app)
    with pytest.raises(StorageUnavailable):
        run_step(with_fault(app, 8, after=False), message)
    assert state(app, video) is State.PACKAGING
    ran = list(media.ran)
    assert run_step(app, Message(step=Step.CHUNK, video_id=video.id)) == []
    assert media.ran == ran


def test_heartbeat_and_progress_reach_the_row(app, media):
    video, messages = encoding(app)
    media.progress = (0.25, 0.5)
    media.after = lambda job: seen.append(app.storage.tasks.get(video.id, messages[0].task))
    seen = []
    run_step(app, messages[0])
    assert (seen[0].progress, seen[0].done) == (0.5, False)
    assert seen[0].heartbeat > seen[0].started


def test_the_heart_beats_while_a_job_says_nothing(media, monkeypatch):
    app = quick_app(media=media, pace=Pace(heartbeat_seconds=0.01))
    video, messages = encoding(app)
    beaten = Event()
    put = app.storage.tasks.put

    def watch(task):
        written = put(task)
        if not task.done and task.heartbeat > task.started:
            beaten.set()
        return written

    monkeypatch.setattr(app.storage.tasks, "put", watch)
    media.before = lambda job: beaten.wait(60)
    run_step(app, messages[0])
    assert beaten.is_set()
    assert app.storage.tasks.get(video.id, messages[0].task).done


def test_a_heartbeat_that_cannot_be_written_costs_nothing(app, media, monkeypatch, caplog):
    _video, messages = encoding(app)
    media.progress = (0.5,)
    put = app.storage.tasks.put

    def trouble(_task):
        monkeypatch.setattr(app.storage.tasks, "put", put)
        raise StorageUnavailable("Storage answered 503 ServerBusy.")

    media.before = lambda job: monkeypatch.setattr(app.storage.tasks, "put", trouble)
    run_step(app, messages[0])
    assert media.counts["chunk-0"] == 1
    assert "a heartbeat was not written" in caplog.text


def test_media_at_fault_fails_the_video_and_removes_what_was_made(app, media):
    video, messages = encoding(app)

    def refuse(job):
        raise MediaError("UndecodableVideo", "The video could not be decoded.")

    run_step(app, messages[0])
    media.before = refuse
    assert run_step(app, messages[1]) == []
    row = app.storage.videos.get(video.id)
    assert (row.state, row.failure.code) == (State.FAILED, "UndecodableVideo")
    assert left_behind(app, video) == []
    assert app.storage.tasks.get(video.id, messages[1].task).error == "The video could not be decoded."


def test_a_crash_is_told_to_the_queue_and_kept_in_the_row(app, media):
    video, messages = encoding(app)

    def crash(job):
        raise TaskCrashed('the media process ended with status 1: File "/srv/x.py", line 3')

    media.before = crash
    for attempt in range(1, app.options.pace.max_failures + 1):
        with pytest.raises(TaskCrashed):
            run_step(app, messages[0])
        row = app.storage.tasks.get(video.id, messages[0].task)
        assert (row.attempts, row.failures, row.done) == (attempt, attempt, False)
        assert row.error.startswith("the media process ended with status 1")
    fail_or_wait(app, messages[0])
    failure = app.storage.videos.get(video.id).failure
    assert failure.code == "MediaProcessCrashed"
    assert "encoding (chunk 0): the media process ended with status 1." in failure.message
    assert "/srv" not in failure.message


def test_foreign_errors_keep_their_text_to_themselves(app, media):
    video, messages = encoding(app)

    def crash(job):
        raise ValueError("sig=secret")

    media.before = crash
    with pytest.raises(ValueError, match="secret"):
        run_step(app, messages[0])
    assert app.storage.tasks.get(video.id, messages[0].task).error == "ValueError"


def test_after_a_crash_another_attempt_finishes_the_task(app, media):
    video, messages = encoding(app)

    def crash(job):
        media.before = lambda job: None
        raise TaskCrashed("540 s were not enough")

    media.before = crash
    with pytest.raises(TaskCrashed):
        run_step(app, messages[0])
    run_step(app, messages[0])
    row = app.storage.tasks.get(video.id, messages[0].task)
    assert (row.done, row.attempts, row.error) == (True, 2, "")


@pytest.mark.parametrize("step", Step)
def test_messages_of_a_deleted_video_are_dropped(app, step):
    video, _ = encoding(app)
    delete(app, video.id)
    assert run_step(app, Message(step=step, video_id=video.id)) == []
    assert left_behind(app, video) == []
    assert app.storage.tasks.of(video.id) == []


@pytest.mark.parametrize("step", Step)
def test_messages_of_a_failed_video_are_dropped(app, media, step):
    video, _ = encoding(app)
    fail(app, video.id, MediaError("Code", "Reason."))
    ran = list(media.ran)
    assert run_step(app, Message(step=step, video_id=video.id)) == []
    assert media.ran == ran


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_video_that_is_deleted_while_it_is_encoded_leaves_nothing(app, media, moment):
    video, messages = encoding(app)
    setattr(media, moment, lambda job: delete(app, video.id))
    assert run_step(app, messages[0]) == []
    assert left_behind(app, video) == []
    assert app.storage.tasks.of(video.id) == []


@pytest.mark.parametrize("index", [0, -1], ids=["chunk", "last"])
def test_the_deletion_of_a_video_stops_what_is_being_encoded(app, media, index):
    video, messages = encoding(app)

    def shares():
        yield 0.1
        assert not media.stopped
        delete(app, video.id)
        yield 0.2
        assert media.stopped

    media.progress = shares()
    assert run_step(app, messages[index]) == []
    assert media.stopped
    assert left_behind(app, video) == []
    assert app.storage.tasks.of(video.id) == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_task_of_a_video_that_fails_meanwhile_is_dropped(app, media, moment):
    video, messages = encoding(app)
    setattr(media, moment, lambda job: fail(app, video.id, MediaError("Code", "Reason.")))
    assert run_step(app, messages[0]) == []
    assert left_behind(app, video) == []


def test_a_late_delivery_for_a_ready_video_changes_nothing(app, media):
    video, messages = encoding(app)

    def overtaken(job):
        media.before = lambda job: None
        drive(app, messages)
        before.update(output(app, video))

    before = {}
    media.before = overtaken
    assert run_step(app, messages[0]) == []
    assert state(app, video) is State.READY
    assert left_behind(app, video) == [output_container(video.id)]
    assert output(app, video) == before


def test_a_message_that_fails_for_good_fails_the_video(app, media):
    video, messages = encoding(app)
    _fail_for_good(app, media, messages[0])
    handle_poison(app, messages[0].model_dump_json().encode())
    failure = app.storage.videos.get(video.id).failure
    assert (failure.code, ": OSError." in failure.message) == ("ProcessingFailed", True)
    assert left_behind(app, video) == []


def _fail_for_good(app, media, message):
    def fail_always(job):
        raise OSError

    media.before = fail_always
    for _ in range(app.options.pace.max_failures):
        with pytest.raises(OSError):
            run_step(app, message)


@pytest.mark.parametrize(
    ("step", "doing"),
    [(Step.PROBE, "reading the upload"), (Step.SPLIT, "reading the upload"), (Step.PACKAGE, "writing the manifests")],
)
def test_the_reason_names_what_was_being_done(app, step, doing):
    video, _ = encoding(app)
    message = Message(step=step, video_id=video.id)
    for _ in range(app.options.pace.max_failures):
        record_failure(app, message, OSError())
    fail_or_wait(app, message)
    assert doing in app.storage.videos.get(video.id).failure.message


def test_a_message_whose_task_another_delivery_finished_fails_nothing(app):
    video, messages = encoding(app)
    run_step(app, messages[0])
    fail_or_wait(app, messages[0])
    assert state(app, video) is State.ENCODING


@pytest.mark.parametrize(
    "body", [b"\xff{", b"", b"hunter2", b'{"password": "hunter2"}', b'{"step": "hunter2", "video_id": "hunter2"}']
)
def test_a_poison_message_that_is_not_one_of_ours_is_logged_once_without_its_content(app, caplog, body):
    handle_poison(app, body, "message-1")
    (record,) = caplog.records
    assert "not one of ours" in record.message
    assert (record.message_id, record.bytes, record.exc_info) == ("message-1", len(body), None)
    assert "hunter2" not in caplog.text


def test_what_cannot_be_read_is_not_quoted_by_the_refusal_either():
    with pytest.raises(ValidationError) as error:
        Message.model_validate_json(b'{"step": "hunter2", "video_id": "hunter2"}')
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("step", [Step.PROBE, Step.PACKAGE])
def test_the_cause_is_known_of_steps_without_a_task_too(app, media, step):
    if step is Step.PROBE:
        video = uploaded(app)
        (message,) = complete_upload(app, video.id)
    else:
        video, message = all_encoded(app)

    def crash(job):
        raise TaskCrashed("540 s were not enough")

    media.before = crash
    for _ in range(app.options.pace.max_failures):
        with pytest.raises(TaskCrashed):
            run_step(app, message)
    fail_or_wait(app, message)
    assert ": 540 s were not enough." in app.storage.videos.get(video.id).failure.message


def test_a_task_that_fails_before_it_is_begun_is_not_taken_for_done(app):
    video, messages = encoding(app)
    with pytest.raises(StorageUnavailable):
        run_step(with_fault(app, 3, after=False), messages[0])
    row = app.storage.tasks.get(video.id, messages[0].task)
    assert (row.done, row.attempts, row.error) == (False, 0, "Storage answered 503 ServerBusy.")
    drive(app, messages)
    assert state(app, video) is State.READY


@pytest.mark.parametrize("step", [Step.CHUNK, Step.AUDIO])
def test_a_task_that_the_plan_does_not_have_is_not_begun(app, media, step):
    video, _ = encoding(app)
    with pytest.raises(BrokenOutput, match="no such task"):
        run_step(app, Message(step=step, video_id=video.id, index=99))
    assert media.counts.total() == 1  # the probe
