"""What all steps have in common: how each failure ends, and that none goes round for ever."""

from dataclasses import replace
from inspect import isabstract

import pytest

from connector import errors
from connector.domain.layout import UPLOADS, output_container
from connector.domain.media_info import Access
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.video import State
from connector.errors import ConnectorError, NotFound, RowChanged, StorageUnavailable
from connector.pipeline.attempts import fail_or_wait
from connector.pipeline.complete import complete_by_name, complete_upload
from connector.pipeline.steps import run_step
from connector.pipeline.sweep import sweep
from tests.fakes.media import INFO
from tests.support.world import Faulty, all_encoded, drive, encoding, state, uploaded

MAX_DEQUEUE = 5

ERRORS = sorted(
    (
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ConnectorError) and not issubclass(kind, errors.RequestError)
        if not isabstract(kind) and kind is not ConnectorError
    ),
    key=lambda kind: kind.__name__,
)


def _error(kind: type[ConnectorError]) -> ConnectorError:
    return kind("Code", "Reason.") if kind is errors.MediaError else kind("Reason.")


def _at_step(app, media, step):
    """A message of the step, whose video is ready for it."""
    if step is Step.PACKAGE:
        return all_encoded(app)[1]
    if step in {Step.CHUNK, Step.AUDIO}:
        return next(m for m in encoding(app)[1] if m.step is step)
    if step is Step.SPLIT:
        media.info = INFO.model_copy(update={"access": Access.PIECES})
    video = uploaded(app)
    held = drive(app, complete_upload(app, video.id), lambda m: m.step is step)
    return held[0]


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("step", Step)
def test_no_step_answers_its_own_message(app, media, step, kind):
    message = _at_step(app, media, step)
    for at in range(1, 40, 3):
        failing = replace(app, storage=Faulty(app.storage, at, for_good=True, error=_error(kind)))
        try:
            following = run_step(failing, message)
        except ConnectorError:
            following = []
        assert message not in following


@pytest.mark.parametrize("kind", ERRORS)
def test_a_video_whose_step_always_fails_is_failed_after_as_many_attempts_as_the_queue_makes(app, media, kind):
    if kind is errors.TaskLost:
        return  # it did not fail: tests/unit/pipeline/test_attempts.py

    def fail_always(job):
        raise _error(kind)

    media.before = fail_always
    video = uploaded(app)
    (message,) = complete_upload(app, video.id)
    for _ in range(MAX_DEQUEUE):
        try:
            assert run_step(app, message) == []
            break
        except ConnectorError:
            continue
    else:
        fail_or_wait(app, message)
    row = app.storage.videos.get(video.id)
    assert row.state is State.FAILED
    assert row.failure.message.endswith(".")
    assert app.storage.blobs.exists(UPLOADS, video.blob_name)


def test_without_the_table_of_videos_nothing_is_removed_and_the_message_is_tried_again(app):
    video, messages = encoding(app)
    waiting = uploaded(app)
    before = {name: dict(place.blobs) for name, place in app.storage.blobs.containers.items()}
    rows = app.storage.tasks.of(video.id)
    app.storage.videos.table_exists = False

    for message in [*messages, Message(step=Step.PROBE, video_id=waiting.id)]:
        with pytest.raises(StorageUnavailable):
            run_step(app, message)
    with pytest.raises(StorageUnavailable):
        fail_or_wait(app, messages[0])
    for one in (video, waiting):
        with pytest.raises(StorageUnavailable):
            complete_by_name(app, f"{UPLOADS}/{one.blob_name}")
    assert sweep(app) == []

    assert {name: dict(place.blobs) for name, place in app.storage.blobs.containers.items()} == before
    assert app.storage.tasks.of(video.id) == rows
    app.storage.videos.table_exists = True
    drive(app, messages)
    assert state(app, video) is State.READY


def test_a_missing_row_of_something_else_does_not_remove_a_video(app, media):
    """Only the video's own row says that the video was deleted."""
    video, (message, *_) = encoding(app)

    def missing(job):
        raise NotFound("Something is missing.")

    media.before = missing
    with pytest.raises(NotFound):
        run_step(app, message)
    assert app.storage.blobs.exists(UPLOADS, video.blob_name)
    assert output_container(video.id) in app.storage.blobs.containers


def test_a_row_that_changes_once_is_looked_at_again_within_the_step(app, monkeypatch):
    _, message = all_encoded(app)
    save, changes = app.storage.videos.save, iter([True])

    def changed_once(video):
        if next(changes, False):
            raise RowChanged("changed")
        return save(video)

    monkeypatch.setattr(app.storage.videos, "save", changed_once)
    assert run_step(app, message) == []
    assert app.storage.videos.get(message.video_id).state is State.READY
