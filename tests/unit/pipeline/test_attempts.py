"""What follows an attempt that failed or was lost. Five failures end a video; losses come again for hours first."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.media_info import Access
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.task import LONGEST_PAUSE, Task, pause_after
from connector.domain.video import State
from connector.errors import ConnectorError, TaskCrashed, TaskLost
from connector.pipeline.attempts import fail_or_wait
from connector.pipeline.complete import complete_upload
from connector.pipeline.delete import delete
from connector.pipeline.rows import begin
from connector.pipeline.steps import handle_poison, run_step
from connector.pipeline.sweep import SILENT, sweep
from tests.fakes.media import INFO
from tests.support.world import all_encoded, drive, encoding, state, uploaded

DELIVERIES = 5
NOW = datetime(2026, 1, 2, 12, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOST = TaskLost("the media process ended with signal SIGKILL")
CRASHED = TaskCrashed("the media process ended with signal SIGSEGV: details")


@pytest.fixture(autouse=True)
def _now(clock):
    clock.moment = NOW


def _at_step(app, media, step):
    """A message of the step, whose video is ready for it."""
    if step is Step.PACKAGE:
        return all_encoded(app)[1]
    if step in {Step.CHUNK, Step.AUDIO}:
        return next(m for m in encoding(app)[1] if m.step is step)
    if step is Step.SPLIT:
        media.info = INFO.model_copy(update={"access": Access.PIECES})
    return drive(app, complete_upload(app, uploaded(app).id), lambda m: m.step is step)[0]


JOBS = {
    Step.PROBE: "probe",
    Step.SPLIT: "split",
    Step.CHUNK: "chunk-0",
    Step.AUDIO: "audio-0",
    Step.PACKAGE: "storyboard",
}


def _ends_with(media, message, *errors):
    """Lets the jobs of the message end with these errors, one after the other, and later ones succeed."""
    left = list(errors)

    def before(job):
        if left and media.ran[-1] == JOBS[message.step]:
            raise left.pop(0)

    media.before = before


def _deliver(app, message) -> list[Message]:
    """Delivers a message as the queue does: five times, then as poison. Returns the messages that follow."""
    for _ in range(DELIVERIES):
        try:
            return run_step(app, message)
        except ConnectorError:
            continue
    handle_poison(app, message.model_dump_json().encode())
    return []


def _row(app, message) -> Task:
    return app.storage.tasks.get(message.video_id, message.task)


def _video(app, message):
    return app.storage.videos.get(message.video_id)


def _until_final(app, clock, message) -> timedelta:
    """Delivers what the timer sends, until the video is final. Returns how long that took."""
    for minute in range(24 * 60):
        clock.moment = NOW + minute * MINUTE
        for sent in sweep(app):
            drive(app, _deliver(app, sent))
        if state(app, _video(app, message)) in {State.READY, State.FAILED}:
            return clock.moment - NOW
    raise AssertionError("the video is stuck")


def test_ten_attempts_take_two_hours():
    pauses = [pause_after(losses) for losses in range(1, 12)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=5)
    assert pauses[-1] == pause_after(10_000) == LONGEST_PAUSE
    assert timedelta(hours=2) <= sum(pauses[:9], timedelta()) < timedelta(hours=2.1)


@pytest.mark.parametrize("step", Step)
def test_lost_attempts_come_again_and_the_video_is_published(app, media, clock, step):
    message = _at_step(app, media, step)
    _ends_with(media, message, *[LOST] * DELIVERIES)
    assert _deliver(app, message) == []
    assert (_row(app, message).failures, _row(app, message).losses) == (0, 1)
    assert _row(app, message).due == NOW + pause_after(1)
    _until_final(app, clock, message)
    assert state(app, _video(app, message)) is State.READY
    assert _row(app, message).failures == 0


def test_a_lost_attempt_is_first_tried_again_by_the_queue(app, media):
    message = _at_step(app, media, Step.CHUNK)
    _ends_with(media, message, LOST)
    with pytest.raises(TaskLost):
        run_step(app, message)
    run_step(app, message)
    assert (_row(app, message).done, _row(app, message).attempts, _row(app, message).failures) == (True, 2, 0)


def test_a_task_that_waits_is_begun_by_nobody_before_it_is_due(app, media, clock):
    message = _at_step(app, media, Step.CHUNK)
    _ends_with(media, message, *[LOST] * (DELIVERIES + 4))
    _deliver(app, message)
    clock.moment = NOW + 3 * MINUTE
    for _ in range(4):
        (sent,) = sweep(app)
        assert sent == message
        assert run_step(app, sent) == []
        clock.moment = _row(app, message).due
    assert _row(app, message).losses == 5
    clock.moment -= MINUTE
    ran = list(media.ran)
    assert message not in sweep(app)
    assert (run_step(app, message), media.ran) == ([], ran)
    clock.moment += MINUTE + SILENT  # so long, the timer leaves a video alone for which it has just sent something
    assert message in sweep(app)
    run_step(app, message)
    assert _row(app, message).done
    assert _row(app, message).due is None


@pytest.mark.parametrize("code", ["WorkerLost", "ConfinementUnavailable"])
@pytest.mark.parametrize("step", Step)
def test_a_task_that_is_lost_each_time_ends_after_ten_attempts_and_two_hours(app, media, clock, step, code):
    message = _at_step(app, media, step)
    before = media.counts[JOBS[step]]
    _ends_with(media, message, *[TaskLost("no media process could be started", code)] * 1000)
    _deliver(app, message)
    assert _until_final(app, clock, message) >= timedelta(hours=2)
    assert 10 <= media.counts[JOBS[step]] - before <= 20
    failure = _video(app, message).failure
    assert failure.code == code
    assert "The file is probably good." in failure.message
    assert "convert" not in failure.message


@pytest.mark.parametrize("step", [Step.CHUNK, Step.AUDIO, Step.SPLIT])
def test_a_worker_that_dies_each_time_ends_the_same_way(app, media, clock, step):
    message = _at_step(app, media, step)
    _ends_with(media, message, *[KeyboardInterrupt] * 1000)
    for minute in range(24 * 60):
        clock.moment = NOW + minute * MINUTE
        for sent in sweep(app) if minute else [message]:
            with suppress(KeyboardInterrupt):
                run_step(app, sent)
    assert _video(app, message).finished - NOW >= timedelta(hours=2)
    assert media.counts[JOBS[step]] >= 10
    assert _video(app, message).failure.code == "WorkerLost"


@pytest.mark.parametrize("step", Step)
def test_five_workers_that_die_with_one_message_use_up_no_attempt_of_the_file(app, media, clock, step):
    message = _at_step(app, media, step)
    _ends_with(media, message, *[KeyboardInterrupt] * DELIVERIES)
    for _ in range(DELIVERIES):
        with pytest.raises(KeyboardInterrupt):
            run_step(app, message)
    handle_poison(app, message.model_dump_json().encode())
    _until_final(app, clock, message)
    assert state(app, _video(app, message)) is State.READY
    assert _row(app, message).failures == 0


@pytest.mark.parametrize("step", Step)
def test_the_fifth_failure_ends_the_video_at_once(app, media, clock, step):
    message = _at_step(app, media, step)
    _ends_with(media, message, *[CRASHED] * DELIVERIES)
    _deliver(app, message)
    failure = _video(app, message).failure
    assert failure.code == "MediaProcessCrashed"
    assert ": the media process ended with signal SIGSEGV. The file may be damaged." in failure.message


@pytest.mark.parametrize("step", Step)
def test_losses_between_failures_count_for_themselves(app, media, clock, step):
    message = _at_step(app, media, step)
    _ends_with(media, message, *[CRASHED] * 4, *[LOST] * 6, *[CRASHED] * 9)
    _deliver(app, message)
    assert state(app, _video(app, message)) is not State.FAILED
    assert (_row(app, message).failures, _row(app, message).losses) == (4, 1)
    _until_final(app, clock, message)
    assert _video(app, message).failure.code == "MediaProcessCrashed"


def test_a_heartbeat_of_a_task_that_was_taken_for_lost_says_that_it_is_not(app, media, clock):
    message = _at_step(app, media, Step.CHUNK)
    row = begin(app, message.video_id, message.task)
    fail_or_wait(app, message)
    assert _row(app, message).due is not None
    assert row.report(0.5, None)
    assert _row(app, message).due is None
    clock.moment += MINUTE
    assert sweep(app) == []


@pytest.mark.parametrize("step", Step)
def test_poison_of_a_deleted_video_leaves_no_row(app, media, step):
    message = _at_step(app, media, step)
    delete(app, message.video_id)
    handle_poison(app, message.model_dump_json().encode())
    assert app.storage.tasks.of(message.video_id) == []


def test_a_failure_that_an_older_version_wrote_of_a_probe_is_counted_on(app, media, clock):
    message = _at_step(app, media, Step.PROBE)
    app.storage.tasks.put(Task(message.video_id, message.task, 0, NOW, NOW, finished=NOW, error="540 s were too few"))
    _ends_with(media, message, *[CRASHED] * DELIVERIES)
    _deliver(app, message)
    assert _video(app, message).failure.code == "MediaProcessCrashed"


def test_a_probe_that_waits_is_not_sent_by_the_rule_for_lost_messages(app, media, clock):
    message = _at_step(app, media, Step.PROBE)
    row = begin(app, message.video_id, message.task).task
    app.storage.tasks.put(replace(row, attempts=0, losses=8, due=NOW + 30 * MINUTE))
    sent = {}
    for minute in range(31):
        clock.moment = NOW + minute * MINUTE
        sent[minute] = sweep(app)
    assert sent.pop(30) == [message]
    assert not any(sent.values())
