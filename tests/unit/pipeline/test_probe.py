"""QUEUED to ENCODING: with and without a split, twice, and beside a deletion."""

from dataclasses import replace
from fractions import Fraction

import pytest

from connector.domain.layout import UPLOADS, output_container, work_container
from connector.domain.media_info import Access
from connector.domain.messages import Message
from connector.domain.step import Step, TaskId
from connector.domain.task import SplitOutput
from connector.domain.video import State
from connector.errors import MediaError, RowChanged
from connector.pipeline.complete import complete_upload
from connector.pipeline.delete import delete
from connector.pipeline.probe import measured
from connector.pipeline.steps import LOOKS, run_step
from tests.fakes.media import INFO, TASKS
from tests.support.world import drive, left_behind, state, uploaded


def _queued(app):
    video = uploaded(app)
    (message,) = complete_upload(app, video.id)
    return video, message


def test_the_probe_plans_and_sends_one_message_per_task(app):
    video, message = _queued(app)
    following = run_step(app, message)
    row = app.storage.videos.get(video.id)
    assert (row.state, row.info) == (State.ENCODING, INFO)
    assert sorted(m.task for m in following) == TASKS
    assert following[0].task == TaskId(Step.CHUNK)
    assert app.storage.blobs.containers[output_container(video.id)].public
    assert not app.storage.blobs.containers[work_container(video.id)].public


def test_a_second_probe_reads_nothing_and_sends_what_is_not_done(app, media):
    _video, message = _queued(app)
    following = run_step(app, message)
    run_step(app, following[0])
    ran = list(media.ran)
    assert run_step(app, message) == following[1:]
    assert media.ran == ran


def test_a_probe_that_comes_after_encoding_sends_nothing(app):
    video, message = _queued(app)
    drive(app, [message])
    assert state(app, video) is State.READY
    assert run_step(app, message) == []


def test_a_source_without_index_is_split_first(app, media):
    media.info = INFO.model_copy(update={"access": Access.PIECES})
    media.ends = {0: Fraction(6), 1: Fraction(5)}
    video, message = _queued(app)
    split = run_step(app, message)
    assert split == [Message(step=Step.SPLIT, video_id=video.id)]
    assert state(app, video) is State.QUEUED
    assert run_step(app, message) == split
    assert media.ran == ["probe"]

    assert run_step(app, split[0]) == [message]
    assert run_step(app, split[0]) == [message]
    assert media.ran == ["probe", "split"]

    chunks = run_step(app, message)
    row = app.storage.videos.get(video.id)
    assert row.state is State.ENCODING
    assert row.plan.duration == 6
    assert row.info.audio[0].end == 5
    assert run_step(app, split[0]) == []

    jobs = []
    media.before = jobs.append
    drive(app, chunks)
    assert state(app, video) is State.READY
    assert jobs[0].piece_starts == (0, 2)


def test_the_split_knows_where_streams_end():
    split = SplitOutput(pieces=(), ends={0: Fraction(3), 1: Fraction(5)})
    assert (measured(INFO, split).video.end, measured(INFO, split).audio[0].end) == (3, 5)
    assert measured(INFO, SplitOutput(pieces=(), ends={})) == INFO
    # One picture lasts as long as one frame at least.
    assert measured(INFO, SplitOutput(pieces=(), ends={0: Fraction(0)})).video.end == Fraction(1, 25)
    assert measured(INFO.model_copy(update={"video": None}), split).video is None


def test_of_two_probes_at_the_same_time_one_looks_again(app, media):
    _video, message = _queued(app)

    def other(job):
        media.after = lambda job: None
        run_step(app, message)

    media.after = other
    assert len(run_step(app, message)) == len(TASKS)
    assert media.ran == ["probe", "probe"]


def test_a_refused_upload_fails_the_video_with_its_reason(app, media):
    def refuse(job):
        raise MediaError("NoMedia", "The file holds neither picture nor sound.")

    media.before = refuse
    video, message = _queued(app)
    assert run_step(app, message) == []
    row = app.storage.videos.get(video.id)
    assert (row.failure.code, row.failure.message) == ("NoMedia", "The file holds neither picture nor sound.")
    assert app.storage.blobs.exists(UPLOADS, video.blob_name)


def test_a_video_that_is_deleted_while_it_is_probed_leaves_nothing(app, media):
    video, message = _queued(app)
    media.after = lambda job: delete(app, video.id)
    assert run_step(app, message) == []
    assert left_behind(app, video) == []


def test_an_upload_that_was_replaced_since_completion_is_read_as_it_was(app):
    video, message = _queued(app)
    app.storage.blobs.put(UPLOADS, video.blob_name, b"another one")
    assert run_step(app, message)
    assert app.storage.videos.get(video.id).failure is None


def test_without_a_snapshot_an_upload_that_was_replaced_since_completion_is_not_read(app):
    video, message = _queued(app)
    app.storage.videos.save(replace(app.storage.videos.get(video.id), snapshot=None))
    app.storage.blobs.put(UPLOADS, video.blob_name, b"another one")
    assert run_step(app, message) == []
    assert app.storage.videos.get(video.id).failure.code == "UploadChanged"


def test_a_row_that_keeps_changing_is_left_to_the_queue(app, media, monkeypatch):
    _video, message = _queued(app)

    def always(changed):
        raise RowChanged("changed")

    monkeypatch.setattr(app.storage.videos, "save", always)
    with pytest.raises(RowChanged):
        run_step(app, message)
    assert len(media.ran) == LOOKS


def test_an_account_that_forbids_public_containers_fails_the_video_at_once(app, media):
    app.storage.blobs.public_access_permitted = False
    video, message = _queued(app)
    assert run_step(app, message) == []
    failure = app.storage.videos.get(video.id).failure
    assert failure.code == "StorageRefused"
    assert "PublicAccessNotPermitted" in failure.message
    assert media.ran == ["probe"]
    assert app.storage.blobs.exists(UPLOADS, video.blob_name)
