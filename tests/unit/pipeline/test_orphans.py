"""What belongs to no video goes, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from connector.domain.keys import StoredKey
from connector.domain.layout import UPLOADS, output_container, stills_container, work_container
from connector.domain.step import Step, TaskId
from connector.domain.task import Task
from connector.domain.video import Failure, State, new_id
from connector.errors import MediaError, NotFound
from connector.pipeline.delete import delete
from connector.pipeline.fail import fail
from connector.pipeline.orphans import AGE, EVERY, remove_orphans, windows
from connector.pipeline.steps import run_step
from tests.support.world import all_encoded, encoding, uploaded

NOW = datetime.now(UTC)
KINDS = ("output", "work", "stills", "upload", "task", "key")


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
            storage.keys.put(StoredKey(uuid4(), video_id, "master", b"wrapped"))


def _stored(app):
    storage = app.storage
    uploads = list(storage.blobs.containers[UPLOADS].blobs)
    return [*storage.blobs.containers, *uploads, *storage.tasks._rows, *storage.keys._rows]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_has_no_video_is_removed(app, later, kind):
    _leave(app, kind, new_id())
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
