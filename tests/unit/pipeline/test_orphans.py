"""What belongs to a deleted video goes, what belongs to a lost row goes after a week, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from connector.domain.absence import Absence
from connector.domain.keys import StoredKey
from connector.domain.layout import UPLOADS, output_container, stills_container, work_container
from connector.domain.step import Step, TaskId
from connector.domain.task import Task
from connector.domain.video import Failure, State, new_id
from connector.errors import MediaError, NotFound, StorageUnavailable
from connector.pipeline.create import create
from connector.pipeline.delete import delete
from connector.pipeline.fail import fail
from connector.pipeline.orphans import AGE, EVERY, FORGOTTEN, KEPT, remove_orphans, windows
from connector.pipeline.steps import run_step
from connector.telemetry import Telemetry
from tests.support.apps import KEYS, quick_app
from tests.support.world import all_encoded, encoding, uploaded

NOW = datetime.now(UTC)
KINDS = ("output", "work", "stills", "upload", "task", "key")


class Counting(Telemetry):
    """Keeps how many lost rows were reported, search by search."""

    def __init__(self):
        self.found = []

    def measure(self, name, value, **_facts):
        if name == "orphans.found":
            self.found.append(value)


@pytest.fixture
def app(media, clock):
    return quick_app(media=media, clock=clock, telemetry=Counting(), **KEYS)


@pytest.fixture
def later(app, clock):
    """Lets the timer run until every window of the last week had its turn."""

    def run(wait=AGE * 2):
        for turn in range(45):
            moment = NOW + wait + timedelta(minutes=turn * EVERY)
            clock.moment = moment
            for minute in range(EVERY):
                remove_orphans(app, moment + timedelta(minutes=minute))

    return run


def _leave(app, kind, video_id):
    blobs, storage = app.storage.blobs, app.storage
    match kind:
        case "output":
            blobs.create_container(output_container(video_id), public=True)
        case "work":
            blobs.create_container(work_container(video_id), public=False)
        case "stills":
            blobs.create_container(stills_container(video_id), public=False)
        case "upload":
            blobs.put(UPLOADS, f"{video_id}/{video_id}.mp4", b"late")
        case "task":
            storage.tasks.put(Task(video_id, TaskId(Step.CHUNK), 1, NOW, NOW))
        case "key":
            storage.keys.put(StoredKey(_beside(video_id), video_id, "master", b"wrapped"))


def _beside(video_id):
    """Another id of the same moment."""
    return UUID(int=(video_id.int >> 80 << 80) + uuid4().int % (1 << 80))


def _deleted_id(app, moment=None):
    video_id = new_id(moment)
    app.storage.videos.note_absence(Absence(video_id, NOW, deleted=True))
    return video_id


def _stored(app):
    storage = app.storage
    uploads = list(storage.blobs.containers[UPLOADS].blobs)
    return [*storage.blobs.containers, *uploads, *storage.tasks._rows, *storage.keys._rows]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_comes_after_a_deletion_is_removed_at_once(app, later, kind):
    _leave(app, kind, _deleted_id(app))
    later()
    assert _stored(app) == [UPLOADS]
    assert app.telemetry.found == []


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_has_lost_its_row_is_reported_at_once_and_removed_after_a_week(app, later, caplog, kind):
    video_id = new_id()
    _leave(app, kind, video_id)
    before = _stored(app)
    later()
    assert _stored(app) == before
    assert app.telemetry.found == [1]
    (said,) = [record for record in caplog.records if record.message == "the row of a video is missing"]
    assert (said.levelname, said.video_id) == ("WARNING", str(video_id))
    for days in (1, 3, 6):
        later(timedelta(days=days))
        assert _stored(app) == before
    later(KEPT + timedelta(hours=7))
    assert _stored(app) == [UPLOADS]
    assert "orphans are removed" in caplog.text


def test_a_row_that_is_back_keeps_its_video_for_good(app, later):
    video, _ = encoding(app)
    row = app.storage.videos._rows.pop(video.id)
    later()
    assert list(app.storage.videos.absences(""))
    before = _stored(app)
    app.storage.videos._rows[video.id] = row
    later(timedelta(days=1))
    assert list(app.storage.videos.absences("")) == []
    app.storage.videos._rows.pop(video.id)  # and lost again: the week begins anew
    later(timedelta(days=2))
    later(KEPT + timedelta(hours=7))
    assert _stored(app) == before


@pytest.mark.parametrize("case", [(5, 0, True), (6, 0, False), (7, 63, True), (8, 62, False)])
def test_many_lost_rows_at_once_stop_the_removal(app, later, caplog, case):
    """More than five, and more than a tenth of what is stored: the table was restored, or is another one."""
    missing, present, go = case
    for _ in range(present):
        create(app, "a.mp4", protected=True)
    others = _stored(app)
    for _ in range(missing):
        _leave(app, "upload", new_id())
    after = _deleted_id(app)
    before = _stored(app)
    _leave(app, "upload", after)
    later()
    assert _stored(app) == before, "what was deleted goes all the same"
    later(KEPT + timedelta(hours=7))
    assert _stored(app) == (others if go else before)
    alarms = [record for record in caplog.records if record.levelname == "ERROR"]
    assert bool(alarms) is not go
    assert set(app.telemetry.found) == {missing}


def test_an_orphan_that_cannot_be_removed_does_not_keep_the_others(app, later, monkeypatch, caplog):
    """Such as one whose upload is leased again and again."""
    stuck, *others = sorted(_deleted_id(app) for _ in range(3))
    for video_id in (stuck, *others):
        _leave(app, "upload", video_id)
        _leave(app, "key", video_id)
    remove = app.storage.blobs.delete_upload

    def leased(video_id):
        if video_id == stuck:
            raise StorageUnavailable("Storage answered 412 LeaseIdMissing.")
        remove(video_id)

    monkeypatch.setattr(app.storage.blobs, "delete_upload", leased)
    later()
    assert _stored(app) == [UPLOADS, f"{stuck}/{stuck}.mp4"], "the keys go first, even of the one that stays"
    assert "a video could not be tidied" in caplog.text
    monkeypatch.undo()
    later(timedelta(hours=10))
    assert _stored(app) == [UPLOADS]


def test_a_deletion_is_forgotten_when_nothing_can_come_any_more(app, later):
    video_id = _deleted_id(app)
    later()
    assert [absence.video_id for absence in app.storage.videos.absences("")] == [video_id]
    later(FORGOTTEN)
    assert len(list(app.storage.videos.absences(""))) == 1, "its window is not among the young ones any more"
    app.storage.videos.note_absence(Absence(_deleted_id(app, NOW + FORGOTTEN), NOW, deleted=True))
    later(FORGOTTEN + AGE * 2)
    assert [absence.video_id for absence in app.storage.videos.absences("")] == [video_id]


def test_a_deletion_that_ends_during_the_search_is_no_lost_row(app, later, monkeypatch):
    """The search finds its containers, and then neither its row nor, if it looked too early, the note."""
    video, _ = encoding(app)
    get = app.storage.videos.get

    def overtaken(video_id):
        monkeypatch.setattr(app.storage.videos, "get", get)
        delete(app, video.id)
        return get(video_id)

    monkeypatch.setattr(app.storage.videos, "get", overtaken)
    later()
    assert app.telemetry.found == []
    assert [absence.deleted for absence in app.storage.videos.absences("")] == [True]


def test_a_search_reads_no_whole_table(app, later, monkeypatch):
    def refuse(*_args):
        raise AssertionError("a search must not depend on the number of videos")

    _leave(app, "key", _deleted_id(app))
    monkeypatch.setattr(app.storage.keys, "all", refuse)
    monkeypatch.setattr(app.storage.videos, "in_states", refuse)
    later()
    assert _stored(app) == [UPLOADS]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_young_is_left_alone(app, clock, kind):
    clock.moment = NOW
    video_id = new_id()
    _leave(app, kind, video_id)
    before = _stored(app)
    moments = [NOW + AGE + timedelta(minutes=minute) for minute in range(45 * EVERY)]
    assert any(str(video_id).startswith(window) for moment in moments for window in windows(moment))
    for moment in moments:
        remove_orphans(app, moment)
    assert _stored(app) == before


def test_what_is_not_named_like_ours_is_left_alone(app, later):
    window = str(new_id())[:6]
    for name in ("other", f"video-{window}", f"work-{window}x"):
        app.storage.blobs.create_container(name, public=False)
    app.storage.blobs.put(UPLOADS, f"{window}/a.mp4", b"x")
    before = _stored(app)
    later()
    assert _stored(app) == before


def test_what_belongs_to_a_video_stays(app, later):
    uploaded(app)
    encoding(app)
    _, message = all_encoded(app)
    run_step(app, message)
    before = _stored(app)
    later()
    assert _stored(app) == before


def test_the_rest_of_a_clean_up_that_broke_off_is_removed(app, later):
    ready, message = all_encoded(app)
    run_step(app, message)
    failed, _ = encoding(app)
    fail(app, failed.id, MediaError("Code", "Reason."))
    before = _stored(app)
    for video in (ready, failed):
        _leave(app, "work", video.id)
    _leave(app, "stills", failed.id)
    later()
    assert _stored(app) == before


def test_a_deletion_that_broke_off_is_completed(app, later):
    video, _ = encoding(app)
    row = app.storage.videos.get(video.id)
    app.storage.videos.save(replace(row, state=State.FAILED, failure=Failure("Deleted", "")))
    later()
    assert _stored(app) == [UPLOADS]
    with pytest.raises(NotFound):
        delete(app, video.id)


def _seen(turns):
    """Windows, by how old they are."""
    found = {window for turn in range(turns) for window in windows(NOW + turn * timedelta(minutes=EVERY))}
    newest = int((NOW - AGE).timestamp() * 1000) >> 24
    return {newest - int(window, 16) for window in found}


def test_every_window_has_its_turn_the_young_ones_soon():
    assert timedelta(hours=4) < timedelta(milliseconds=1 << 24) < timedelta(hours=5)
    assert set(range(35)) <= _seen(40)
    # The cycle goes on to windows that open while it lasts.
    assert set(range(9_000)) <= _seen(10_000)
