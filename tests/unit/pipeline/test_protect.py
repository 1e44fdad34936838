"""What is written of a video: as it is, or encrypted."""

import subprocess

import pytest

from connector.domain import layout
from connector.domain.layout import output_container, stills_container, work_container
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.keys import content_key, iv
from connector.pipeline.media_task import TaskReporter
from connector.pipeline.protect import protector
from connector.pipeline.sources import upload_source, work_source
from tests.support.apps import KEYS, memory_app

DATA = bytes(range(256)) * 5
AREAS = {"output": "video/1000/0.m4s", "stills": "thumbnails/0001.jpg", "work": "pieces/000000.nut"}


@pytest.fixture
def app():
    return memory_app(**KEYS)


def _sink(app, *, protected):
    video = create(app, "a.mp4", protected=protected).video
    for container in (output_container, stills_container, work_container):
        app.storage.blobs.create_container(container(video.id), public=False)
    sink = TaskReporter(app, video, None)
    for area, name in AREAS.items():
        sink.put(area, name, DATA)
    sink.put("block", "v" + "0" * 15, DATA)
    return video


def test_a_clear_video_is_written_as_it_is(app):
    video = _sink(app, protected=False)
    blobs = app.storage.blobs
    assert layout.stills_of(video) == output_container(video.id)
    for name in (AREAS["output"], AREAS["stills"]):
        assert blobs.get(output_container(video.id), name) == DATA
    assert blobs.get(work_container(video.id), AREAS["work"]) == DATA
    assert blobs.containers[output_container(video.id)].staged


def test_a_protected_video_is_written_encrypted_and_its_stills_where_nobody_looks(app):
    video = _sink(app, protected=True)
    blobs = app.storage.blobs
    segment = blobs.get(output_container(video.id), AREAS["output"])
    key, start = content_key(app, video.key_id), iv(video.key_id, "video")
    command = ["openssl", "enc", "-d", "-aes-128-cbc", "-K", key.hex(), "-iv", start.hex()]
    assert subprocess.run(command, input=segment, capture_output=True, check=True, timeout=20).stdout == DATA
    assert blobs.get(stills_container(video.id), AREAS["stills"]) == DATA
    piece = blobs.get(work_container(video.id), AREAS["work"])
    assert len(piece) == len(DATA)
    assert not any(DATA[at : at + 8] in piece for at in range(256))
    assert not blobs.containers[output_container(video.id)].staged, "it has no progressive file"


@pytest.mark.parametrize("protected", [False, True])
def test_segments_are_read_back_in_the_clear(app, protected):
    video = create(app, "a.mp4", protected=protected).video
    protect = protector(app, video)
    for name in ("video/1000/init.mp4", "video/1000/0.m4s", "audio/128000/0.m4s"):
        assert protect.clear_segment(name, protect.segment(name, DATA)) == DATA


def test_intermediate_blobs_are_read_back_by_ranges(app):
    video = _sink(app, protected=True)
    source = work_source(app, video, AREAS["work"])()
    assert source.size == len(DATA)
    for offset, length in ((0, 10), (7, 100), (1000, 500), (len(DATA), 5)):
        assert source.read_at(offset, length) == DATA[offset : offset + length]
    source.close()


def test_an_encrypted_upload_is_read_in_the_clear(app):
    made = create(app, "a.mp4", encrypted_upload=True)
    key = made.upload_key
    command = ["openssl", "enc", "-aes-256-ctr", "-K", key.key.hex(), "-iv", key.iv.hex()]
    data = subprocess.run(command, input=DATA, capture_output=True, check=True, timeout=20).stdout
    app.storage.blobs.put("uploads", made.video.blob_name, data)
    complete_upload(app, made.video.id)
    source = upload_source(app, app.storage.videos.get(made.video.id))()
    assert source.read_at(333, 77) == DATA[333:410]
    source.close()


def test_a_task_asks_for_its_key_once(app, monkeypatch):
    video = create(app, "a.mp4", protected=True).video
    reads = []
    get = app.storage.keys.get
    monkeypatch.setattr(app.storage.keys, "get", lambda key_id: reads.append(key_id) or get(key_id))
    protect = protector(app, video)
    for time in range(5):
        protect.segment(f"video/1000/{time}.m4s", DATA)
    assert reads == [video.key_id]
