"""Creating and deleting over HTTP, with trouble at any call: clients ask again, and nothing stays half-done."""

import json
from datetime import timedelta
from uuid import UUID

import pytest

from connector.domain.layout import UPLOADS
from connector.domain.video import State
from tests.faults.host import Host
from tests.faults.troubles import Kind, Trouble
from tests.faults.world import NEW

HOUR = timedelta(hours=1)


def _create(scene, trouble):
    host = Host(scene, trouble)
    response = host.insist("Videos", "POST", body=json.dumps(NEW).encode())
    assert response.status == 201
    video_id = UUID(response.body["Id"])
    return host, video_id


@pytest.mark.parametrize("kind", Kind)
def test_what_a_creation_that_broke_off_left_expires_and_can_be_deleted(kind, make_scene):
    scene = make_scene("clear")
    calls = len(_create(scene, Trouble())[0].trouble.calls)
    for at in range(1, calls + 1):
        host, video_id = _create(scene, Trouble(kind, at))
        rows = host.storage.videos._rows
        video = rows[video_id]
        assert video.state is State.AWAITING_UPLOAD
        assert {key.id for key in host.storage.keys.all() if key.video_id == video_id} == {
            video.key_id,
            video.upload_key_id,
        }
        others = set(rows) - {video_id, scene.video.id}
        assert len(others) <= 1
        host.moment += host.app.options.upload_lifetime + HOUR
        host.tick()
        for other in others:
            assert (rows[other].state, rows[other].failure.code) == (State.FAILED, "UploadExpired")
            assert host.insist("Video", "DELETE", other).status == 204
        assert {key.video_id for key in host.storage.keys.all()} == {video_id}


@pytest.mark.media
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("stage", ["uploaded", "encoding", "ready"])
def test_a_deletion_that_broke_off_is_completed_by_the_next(stage, kind, make_scene, media):
    scene = make_scene("protected")
    media.upload = scene.upload
    ready = _at(stage, scene, media)
    calls = len(_delete(scene, ready, Trouble()).trouble.calls)
    assert calls > 5
    for at in range(1, calls + 1):
        _delete(scene, ready, Trouble(kind, at))


def _at(stage, scene, media):
    host = Host(scene, Trouble(), media)
    if stage != "uploaded":
        host.insist("MarkComplete", "POST", scene.video.id)
        host.run(scene.video.id, lambda: stage == "encoding" and bool(host.storage.tasks.of(scene.video.id)))
    return host


def _delete(scene, before, trouble):
    host = before.copy(trouble)
    video_id = scene.video.id
    first = host.request("Video", "DELETE", video_id)
    if first is None or first.status != 204:
        row = host.storage.videos._rows.get(video_id)
        gone = scene.video.blob_name not in host.storage.blobs.containers[UPLOADS].blobs
        assert row is None or row.state is State.FAILED or not gone, "no status says that it can be played"
        assert host.insist("Video", "DELETE", video_id).status in {204, 404}
    _nothing_is_left(host)
    host.run(video_id)
    _nothing_is_left(host)
    return host


def _nothing_is_left(host):
    storage = host.storage
    assert not storage.videos._rows
    assert not storage.tasks._rows
    assert not storage.keys._rows
    assert {name: place.blobs for name, place in storage.blobs.containers.items()} == {UPLOADS: {}}, str(host.trouble)


@pytest.mark.media
@pytest.mark.parametrize("kind", Kind)
def test_a_deletion_that_nobody_repeats_is_completed_by_the_timer(kind, make_scene, media):
    scene = make_scene("protected")
    media.upload = scene.upload
    ready = _at("ready", scene, media)
    for at in range(1, 9):
        host = ready.copy(Trouble(kind, at))
        host.request("Video", "DELETE", scene.video.id)
        row = host.storage.videos._rows.get(scene.video.id)
        if row is None or row.state is State.READY:
            continue  # done, or not begun
        host.wait(timedelta(hours=12))
        _nothing_is_left(host)


def test_an_upload_that_comes_after_the_deletion_is_removed_at_its_event(make_scene):
    host = Host(make_scene("clear"), Trouble())
    _upload_after_deletion(host, make_scene("clear").video)
    host.blob_event(make_scene("clear").video)
    host.run(make_scene("clear").video.id)
    _nothing_is_left(host)


@pytest.mark.parametrize("kind", Kind)
def test_an_upload_that_comes_after_the_deletion_is_removed_by_the_timer(kind, make_scene):
    scene = make_scene("clear")
    for at in range(1, 60, 3):
        host = Host(scene, Trouble())
        _upload_after_deletion(host, scene.video)
        host = host.copy(Trouble(kind, at))
        host.wait(timedelta(hours=24))
        _nothing_is_left(host)


def _upload_after_deletion(host, video):
    assert host.request("Video", "DELETE", video.id).status == 204
    host.storage.blobs.put(UPLOADS, video.blob_name, b"late")
