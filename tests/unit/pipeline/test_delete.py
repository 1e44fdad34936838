"""Nothing stays of a deleted or failed video, even when the deletion is cut off."""

from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest

from connector.domain.layout import UPLOADS
from connector.domain.video import State
from connector.errors import MediaError, NotFound, StorageUnavailable
from connector.pipeline.create import create
from connector.pipeline.delete import delete
from connector.pipeline.fail import fail
from connector.pipeline.steps import run_step
from tests.support.apps import KEYS, quick_app
from tests.support.world import all_encoded, drive, encoding, left_behind, uploaded, with_fault


def _traces(app, video):
    uploads = [name for name in app.storage.blobs.containers[UPLOADS].blobs if str(video.id) in name]
    return [*left_behind(app, video), *uploads, *app.storage.tasks.of(video.id)]


def _ready(app):
    video, message = all_encoded(app)
    run_step(app, message)
    return video


@pytest.mark.parametrize(
    "stage", [lambda app: create(app, "a.mp4").video, uploaded, lambda app: encoding(app)[0], _ready]
)
def test_deleting_removes_everything_at_every_stage(app, stage):
    video, other = stage(app), stage(app)
    before = len(_traces(app, other))
    delete(app, video.id)
    assert _traces(app, video) == []
    with pytest.raises(NotFound):
        app.storage.videos.get(video.id)
    assert len(_traces(app, other)) == before


def test_a_deletion_that_broke_off_says_so(app):
    video = _ready(app)
    with pytest.raises(StorageUnavailable):
        delete(with_fault(app, 4, after=False), video.id)
    row = app.storage.videos.get(video.id)
    assert (row.state, row.failure.code) == (State.FAILED, "Deleted")


def test_a_video_that_moves_on_while_it_is_deleted_is_deleted(app, monkeypatch):
    video, messages = encoding(app)
    save = app.storage.videos.save

    def overtaken(changed):
        monkeypatch.setattr(app.storage.videos, "save", save)
        drive(app, messages)
        return save(changed)

    monkeypatch.setattr(app.storage.videos, "save", overtaken)
    delete(app, video.id)
    assert _traces(app, video) == []


def test_a_task_that_begins_behind_the_deletion_of_the_rows_leaves_none(app, media, monkeypatch):
    video, (message, *_) = encoding(app)
    remove = app.storage.videos.delete

    def late(video_id):
        monkeypatch.setattr(app.storage.videos, "delete", remove)
        get, stale = app.storage.videos.get, iter([video])  # as it was when the task began
        monkeypatch.setattr(app.storage.videos, "get", lambda video_id: next(stale, None) or get(video_id))
        run_step(app, message)
        monkeypatch.undo()
        remove(video_id)

    monkeypatch.setattr(app.storage.videos, "delete", late)
    delete(app, video.id)
    assert _traces(app, video) == []


def test_the_keys_go_first_even_if_media_cannot_be_removed(app, monkeypatch):
    """Without its keys nobody can play or decrypt what is left of a protected video."""
    app = replace(app, master_keys=quick_app(**KEYS).master_keys)
    video = uploaded(app, protected=True)

    def refuse(*_args):
        raise StorageUnavailable("Storage answered 412 LeaseIdMissing.")

    monkeypatch.setattr(app.storage.blobs, "delete_upload", refuse)
    monkeypatch.setattr(app.storage.blobs, "delete_container", refuse)
    with pytest.raises(StorageUnavailable):
        delete(app, video.id)
    assert list(app.storage.keys.all()) == []
    assert app.storage.videos.get(video.id).deleted


def test_deleting_what_is_not_there_is_not_found(app):
    with pytest.raises(NotFound):
        delete(app, uuid4())


@pytest.mark.parametrize("after", [False, True], ids=["undone", "answer lost"])
def test_a_deletion_that_broke_off_can_be_repeated(app, after):
    for at in range(1, 50):
        video = _ready(app)
        faulty = with_fault(app, at, after=after)
        try:
            delete(faulty, video.id)
        except StorageUnavailable:
            try:
                delete(app, video.id)
            except NotFound:
                assert after  # it was done, only the answer was lost
        assert _traces(app, video) == []
        with pytest.raises(NotFound):
            app.storage.videos.get(video.id)
        if not faulty.storage.failed:
            break
    assert 5 < at < 20


@pytest.mark.parametrize("after", [False, True], ids=["undone", "answer lost"])
def test_a_failure_that_broke_off_is_completed_by_the_next_delivery(app, media, after):
    for at in range(1, 50):
        media.before = lambda job: None
        video, messages = encoding(app)
        run_step(app, messages[0])
        media.before = partial(_fail, with_fault(app, at, after=after), video)
        try:
            run_step(app, messages[1])
        except StorageUnavailable:
            media.before = lambda job: None
            run_step(app, messages[1])
        else:
            break
        if app.storage.videos.get(video.id).failure:
            assert left_behind(app, video) == []
    assert 4 < at < 20


def _fail(app, video, job):
    fail(app, video.id, MediaError("Code", "Reason."))


@pytest.mark.parametrize("stage", [uploaded, lambda app: encoding(app)[0]])
def test_a_failed_video_keeps_its_upload_and_its_first_reason(app, stage):
    video = stage(app)
    fail(app, video.id, MediaError("First", "The first reason."))
    fail(app, video.id, MediaError("Second", "The second reason."))
    assert app.storage.videos.get(video.id).failure.code == "First"
    assert app.storage.blobs.exists(UPLOADS, video.blob_name)
    assert left_behind(app, video) == []


def test_a_ready_video_does_not_fail(app):
    video = _ready(app)
    fail(app, video.id, MediaError("Code", "Reason."))
    assert app.storage.videos.get(video.id).failure is None
    assert len(left_behind(app, video)) == 1


def test_failing_a_video_that_is_gone_is_harmless(app):
    fail(app, uuid4(), MediaError("Code", "Reason."))
