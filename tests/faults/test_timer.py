"""What no message brings back, and workers that take their tasks down with them: the timer sees to it."""

from collections import Counter
from datetime import timedelta

import pytest

from connector.domain.layout import UPLOADS
from connector.domain.messages import Message
from connector.domain.step import TaskId
from connector.domain.video import State
from connector.errors import TaskCrashed
from tests.faults.host import LEASE, Host
from tests.faults.troubles import Killed, Kind, Trouble
from tests.faults.world import left

pytestmark = pytest.mark.media


@pytest.fixture
def scene(make_scene, media):
    found = make_scene("clear")
    media.upload = found.upload
    return found


def _completed(scene, media):
    host = Host(scene, Trouble(), media)
    host.insist("MarkComplete", "POST", scene.video.id)
    return host


def _dies_at(task, times=1):
    counts = Counter()

    def before(name):
        counts[name] += 1
        if name == task and counts[name] <= times:
            raise Killed

    return before


def _row(host, scene):
    return host.storage.videos.get(scene.video.id)


STAGES = {
    "before the probe": lambda host, rows: True,
    "before the tasks": lambda host, rows: host.storage.videos.get(host.video_id).state is State.ENCODING,
    "between tasks": lambda host, rows: sum(row.done for row in rows) == 2,
    "before packaging": lambda host, rows: sum(row.done for row in rows) == 4,
}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("stage", STAGES)
def test_lost_messages_are_sent_again_whatever_happens_to_the_timer(stage, kind, scene, media):
    quiet = _completed(scene, media)
    lost = quiet.copy(Trouble())
    lost.video_id = scene.video.id
    lost.run(scene.video.id, lambda: STAGES[stage](lost, lost.storage.tasks.of(scene.video.id)))
    lost.lose_messages()
    quiet.run(scene.video.id)
    for at in range(1, 20):
        host = lost.copy(Trouble(kind, at))
        host.run(scene.video.id)
        assert left(host.storage, scene.video.id) == left(quiet.storage, scene.video.id), str(host.trouble)


@pytest.mark.parametrize("task", ["chunk-000001", "audio-000000"])
def test_a_task_whose_worker_died_goes_on_long_before_its_message_comes_back(task, scene, media):
    media.before = _dies_at(task)
    host = _completed(scene, media)
    host.run(scene.video.id, lambda: _row(host, scene).state is State.READY)
    assert host.moment - scene.video.created < LEASE / 3
    host.run(scene.video.id)
    assert media.runs[task] == host.storage.tasks.get(scene.video.id, TaskId.parse(task)).attempts == 2


def _stopped_in(task, scene, media):
    """A host that was stopped, or killed, while it ran this task: it gave the message back to nobody."""
    media.before = _dies_at(task)
    host = _completed(scene, media)
    host.run(scene.video.id, lambda: media.runs[task] == 1)
    return host


def _message_of(host, task):
    """Its message, which stays hidden until its lease is over."""
    (letter,) = [one for one in host._letters if one.queue == "encode" and _task(one) == task]
    return letter


def _task(letter):
    return str(Message.model_validate_json(letter.body).task)


def _undisturbed(scene, media):
    media.before = lambda _: None
    host = _completed(scene, media)
    host.run(scene.video.id)
    return left(host.storage, scene.video.id)


@pytest.mark.parametrize("task", ["chunk-000001", "audio-000000"])
def test_the_message_of_a_stopped_host_finds_its_task_done_when_it_comes_back(task, scene, media):
    host = _stopped_in(task, scene, media)
    letter = _message_of(host, task)
    host.run(scene.video.id, lambda: _row(host, scene).state is State.READY)
    assert host.moment < letter.visible, "the timer did not wait for it"
    assert letter in host._letters
    host.run(scene.video.id)
    assert (letter.count, letter in host._letters) == (2, False)
    assert media.runs[task] == 2
    assert host.storage.tasks.get(scene.video.id, TaskId.parse(task)).attempts == 2
    assert left(host.storage, scene.video.id) == _undisturbed(scene, media)


@pytest.mark.parametrize("task", ["chunk-000001", "audio-000000"])
def test_one_that_finds_its_task_running_again_is_one_more_attempt_and_writes_the_same(task, scene, media):
    host = _stopped_in(task, scene, media)
    letter, came_back = _message_of(host, task), []

    def before(name):
        if name == task and not came_back:
            came_back.append(host.moment)
            host.moment = letter.visible
            host._deliver(letter)  # while the second attempt runs

    media.before = before
    host.run(scene.video.id)
    assert came_back
    assert letter not in host._letters
    assert host.poisoned == 0
    assert host.storage.tasks.get(scene.video.id, TaskId.parse(task)).attempts == 3
    assert left(host.storage, scene.video.id) == _undisturbed(scene, media)


def test_a_task_that_kills_every_worker_is_given_up_after_hours(scene, media):
    """So ends a file of which the machine runs out of memory: the kernel kills the media process, or the worker."""
    media.before = _dies_at("chunk-000001", times=99)
    host = _completed(scene, media)
    host.run(scene.video.id)
    row = _row(host, scene)
    assert row.failure.code == "WorkerLost"
    assert "encoding (chunk 1)" in row.failure.message
    assert timedelta(hours=2) <= row.finished - scene.video.created < timedelta(hours=5)
    assert 10 <= media.runs["chunk-000001"] <= 20
    assert list(host.storage.blobs.containers) == [UPLOADS]


@pytest.mark.parametrize("deaths", [5, 10])
@pytest.mark.parametrize("name", ["clear", "split"])
def test_workers_that_die_use_up_no_attempt_of_the_file(name, deaths, make_scene, media):
    """Each death may be a stop that cut the task off, or a kill: the host gives no message back in either case."""
    scene = make_scene(name)
    media.upload = scene.upload
    expected = _undisturbed(scene, media)
    counts = Counter()

    def before(job):
        counts[job] += 1
        if counts[job] <= deaths:
            raise Killed

    media.before = before
    host = _completed(scene, media)
    host.run(scene.video.id)
    assert left(host.storage, scene.video.id) == expected
    assert min(counts.values()) > deaths
    assert {task.failures for task in host.storage.tasks.of(scene.video.id)} == {0}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("task", ["probe-000000", "chunk-000001", "storyboard-000000"])
def test_poison_ends_in_failed_with_the_cause(task, kind, scene, media):
    def crash(name):
        if name == task:
            raise TaskCrashed("the media process ended with signal SIGSEGV: details")

    media.before = crash
    poisoned = _completed(scene, media)
    poisoned.run(scene.video.id, lambda: poisoned.poisoned == 1)
    assert media.runs[task] == 5
    assert poisoned.moment - scene.video.created < timedelta(minutes=2)
    for at in range(1, 15):
        host = poisoned.copy(Trouble(kind, at))
        host.run(scene.video.id)
        row = _row(host, scene)
        assert (row.state, row.failure.code) == (State.FAILED, "MediaProcessCrashed")
        assert ": the media process ended with signal SIGSEGV." in row.failure.message
        assert list(host.storage.blobs.containers) == [UPLOADS]


@pytest.mark.parametrize("kind", Kind)
def test_an_upload_that_nobody_told_of_is_found_and_one_that_never_came_expires(kind, scene, media):
    for at in range(1, 12):
        host = Host(scene, Trouble(kind, at), media)
        host.run(scene.video.id)
        assert _row(host, scene).state is State.READY
        assert _row(host, scene).queued - scene.video.created < timedelta(minutes=30)

        host = Host(scene, Trouble(kind, at), media)
        host.storage.blobs.delete_upload(scene.video.id)
        host.run(scene.video.id)
        row = _row(host, scene)
        assert (row.state, row.failure.code) == (State.FAILED, "UploadExpired")
        assert timedelta(0) <= row.finished - scene.video.created - timedelta(hours=24) < timedelta(minutes=10)


@pytest.mark.parametrize("kind", Kind)
def test_what_a_clean_up_left_is_removed_by_the_timer(kind, scene, media):
    host = _completed(scene, media)
    host.run(scene.video.id)
    ready = left(host.storage, scene.video.id)
    host.storage.blobs.create_container(f"work-{scene.video.id}", public=False)
    for at in range(1, 40, 3):
        again = host.copy(Trouble(kind, at))
        again.wait(timedelta(hours=24))
        assert left(again.storage, scene.video.id) == ready, str(again.trouble)
