"""The upload is complete: said once, twice, at the same time, or wrongly."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from connector.domain.layout import UPLOADS
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.video import State
from connector.errors import NotFound, NotUploaded, RowChanged, StorageRefused
from connector.pipeline.complete import SENDING, complete_by_name, complete_upload
from connector.pipeline.create import create, upload_uri
from connector.pipeline.delete import delete
from connector.pipeline.sources import upload_source
from tests.support.world import drive, state, uploaded


def test_a_new_video_has_a_url_for_its_own_blob_only(app):
    made = create(app, "My Holiday.MP4")
    video, uri = made.video, made.upload_uri
    assert f"/uploads/{video.id}/{video.id}.mp4?" in uri
    assert state(app, video) is State.AWAITING_UPLOAD


def test_an_upload_url_ends_when_the_upload_is_given_up(app):
    video = create(app, "a.mp4").video
    late = replace(video, created=video.created - app.options.upload_lifetime * 0.75)
    assert 0 < int(upload_uri(app, late).partition("seconds=")[2]) <= app.options.upload_lifetime.total_seconds() / 4
    assert upload_uri(app, replace(video, created=video.created - app.options.upload_lifetime)) is None


def test_completing_remembers_what_was_uploaded_and_starts_the_probe(app):
    video = uploaded(app)
    assert complete_upload(app, video.id) == [Message(step=Step.PROBE, video_id=video.id)]
    row = app.storage.videos.get(video.id)
    assert (row.state, row.size) == (State.QUEUED, len(b"the upload"))
    assert row.source_etag == app.storage.blobs.properties(UPLOADS, video.blob_name).etag
    assert app.storage.blobs.blob(UPLOADS, video.blob_name, row.snapshot).data == b"the upload"
    assert row.queued == row.modified
    assert upload_uri(app, row) is None


def test_completing_reads_the_row_once(app, monkeypatch):
    video, reads, get = uploaded(app), [], app.storage.videos.get
    monkeypatch.setattr(app.storage.videos, "get", lambda video_id: reads.append(video_id) or get(video_id))
    complete_upload(app, video.id)
    assert reads == [video.id]


def test_completing_again_at_once_sends_nothing_more(app):
    video = uploaded(app)
    complete_upload(app, video.id)
    row = app.storage.videos.get(video.id)
    assert complete_upload(app, video.id) == []
    assert app.storage.videos.get(video.id) == row


def test_completing_again_later_only_repeats_the_message(app, clock):
    video = uploaded(app)
    first = complete_upload(app, video.id)
    row = app.storage.videos.get(video.id)
    clock.moment = row.queued + SENDING + timedelta(seconds=1)
    assert complete_upload(app, video.id) == first
    assert app.storage.videos.get(video.id) == row


def test_completing_a_video_that_is_further_sends_nothing(app):
    video = uploaded(app)
    drive(app, complete_upload(app, video.id))
    assert state(app, video) is State.READY
    assert complete_upload(app, video.id) == []


def test_of_two_at_the_same_time_the_one_that_moves_the_video_on_sends(app, monkeypatch):
    video = uploaded(app)
    save = app.storage.videos.save

    def overtaken(changed):
        monkeypatch.setattr(app.storage.videos, "save", save)
        assert complete_upload(app, video.id) == [Message(step=Step.PROBE, video_id=video.id)]
        with pytest.raises(RowChanged):
            save(changed)
        raise RowChanged("The video was changed since it was read.")

    monkeypatch.setattr(app.storage.videos, "save", overtaken)
    assert complete_upload(app, video.id) == []
    assert state(app, video) is State.QUEUED


def test_what_overtakes_the_completion_is_completed_as_a_whole_or_not_at_all(app, monkeypatch):
    """The upload is overwritten just behind the snapshot: size, ETag and snapshot in the row belong together."""
    video, take = uploaded(app), app.storage.blobs.take_snapshot

    def overwritten(container, name):
        kept = take(container, name)
        app.storage.blobs.put(container, name, b"something longer than it was")
        return kept

    monkeypatch.setattr(app.storage.blobs, "take_snapshot", overwritten)
    complete_upload(app, video.id)
    row = app.storage.videos.get(video.id)
    assert row.size == len(b"the upload")
    with closing(upload_source(app, row)()) as source:
        assert source.read_at(0, 100) == b"the upload"


def test_the_limit_of_an_upload_is_that_of_what_is_kept(app):
    app = replace(app, options=replace(app.options, max_upload_bytes=len(b"the upload") - 1))
    video = uploaded(app)
    assert complete_upload(app, video.id) == []
    assert app.storage.videos.get(video.id).failure.code == "UploadTooLarge"


def test_an_upload_that_storage_cannot_keep_fails_with_the_reason(app, monkeypatch, caplog):
    """Such as one that its uploader moved to the archive tier: each run of the timer would be refused again."""
    video = uploaded(app)

    def refuse(container, name):
        raise StorageRefused("Storage answered 409 BlobArchived.", "BlobArchived")

    monkeypatch.setattr(app.storage.blobs, "take_snapshot", refuse)
    assert complete_upload(app, video.id) == []
    failure = app.storage.videos.get(video.id).failure
    assert (failure.code, "409 BlobArchived" in failure.message) == ("StorageRefused", True)
    assert "storage refuses to keep an upload" in caplog.text


def test_without_a_blob_nothing_happens(app):
    video = create(app, "a.mp4").video
    with pytest.raises(NotUploaded):
        complete_upload(app, video.id)
    assert state(app, video) is State.AWAITING_UPLOAD


def test_an_unknown_video_is_not_found(app):
    with pytest.raises(NotFound):
        complete_upload(app, uuid4())


def test_the_blob_trigger_does_the_same(app):
    video = uploaded(app)
    assert complete_by_name(app, f"{UPLOADS}/{video.blob_name}") == [Message(step=Step.PROBE, video_id=video.id)]


NO_VIDEO = "uploads/01a20000-0000-7000-8000-000000000000/a.mp4"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "uploads",
        "uploads/",
        "uploads/x",
        "uploads//a.mp4",
        "uploads/not-an-id/a.mp4",
        "other/1/x.mp4",
        NO_VIDEO,
    ],
)
def test_a_blob_of_no_video_is_left_alone(app, name):
    assert complete_by_name(app, name) == []


@pytest.mark.parametrize(
    "path", ["other/{id}/a.mp4", "uploads/{id}", "uploads/{ID}/a.mp4", "uploads/urn:uuid:{id}/a.mp4"]
)
def test_a_blob_of_another_place_that_bears_a_videos_id_neither_completes_nor_deletes_its_upload(app, path):
    """The host checks neither the container nor the path of an event."""
    waiting, deleted = uploaded(app), uploaded(app)
    delete(app, deleted.id)
    app.storage.blobs.put(UPLOADS, deleted.blob_name, b"late")
    for video in (waiting, deleted):
        assert complete_by_name(app, path.format(id=video.id, ID=str(video.id).upper())) == []
    assert state(app, waiting) is State.AWAITING_UPLOAD
    assert set(app.storage.blobs.containers[UPLOADS].blobs) == {waiting.blob_name, deleted.blob_name}


def test_the_upload_of_a_video_that_was_deleted_is_removed(app):
    video = uploaded(app)
    delete(app, video.id)
    app.storage.blobs.put(UPLOADS, video.blob_name, b"late")
    assert complete_by_name(app, f"{UPLOADS}/{video.blob_name}") == []
    assert app.storage.blobs.containers[UPLOADS].blobs == {}
    assert app.storage.blobs.containers[UPLOADS].snapshots == {}


def test_a_blob_of_another_name_does_not_complete_the_upload(app):
    video = create(app, "a.mp4").video
    app.storage.blobs.put(UPLOADS, f"{video.id}/other.mp4", b"x")
    assert complete_by_name(app, f"{UPLOADS}/{video.id}/other.mp4") == []
    assert state(app, video) is State.AWAITING_UPLOAD
