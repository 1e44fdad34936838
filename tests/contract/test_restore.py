"""A drill: the Videos table is restored to an earlier time. Nothing is lost of the videos whose rows are missing."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from connector.api.app import App
from connector.domain.layout import CONTAINER_PREFIXES, UPLOADS, output_container, stills_container, work_container
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.video import State, Video
from connector.pipeline.complete import complete_by_name, complete_upload
from connector.pipeline.create import create
from connector.pipeline.delete import delete
from connector.pipeline.orphans import EVERY, KEPT, remove_orphans, windows
from connector.pipeline.steps import run_step
from connector.telemetry import Telemetry
from tests.support.apps import KEYS, FakeClock, quick_app
from tests.support.world import drive, encoding, uploaded

_YEARS = count(2031)
"""Each test has hours of its own, so that nothing of the others is stored for them."""


class Alarm(Telemetry):
    def __init__(self) -> None:
        self.orphans: list[float] = []

    def measure(self, name: str, value: float, **_facts: object) -> None:
        if name == "orphans.found":
            self.orphans.append(value)


@pytest.fixture
def app(storage) -> App:
    clock = FakeClock(moment=datetime(next(_YEARS), 5, 1, 12, tzinfo=UTC))
    return quick_app(storage, clock=clock, telemetry=Alarm(), **KEYS)


def stored(app: App, video: Video) -> dict[str, object]:
    """What there is of a video, beside its row."""
    blobs, keys = app.storage.blobs, [key for key in (video.key_id, video.upload_key_id) if key]
    return {
        "upload": blobs.get(UPLOADS, video.blob_name),
        "containers": [n for prefix in CONTAINER_PREFIXES for n in blobs.container_names(f"{prefix}{video.id}")],
        "playlist": blobs.exists(output_container(video.id), "master.m3u8"),
        "tasks": [task.id for task in app.storage.tasks.of(video.id)],
        "keys": [app.storage.keys.get(key).wrapped for key in keys],
    }


def run_timer(app: App, video: Video, length: timedelta) -> None:
    """Lets so much time pass. Only the searches of the video's own hours are made."""
    end = app.clock.moment + length
    while app.clock.moment < end:
        app.clock.moment += timedelta(minutes=EVERY)
        if any(str(video.id).startswith(window) for window in windows(app.clock.moment)):
            remove_orphans(app, app.clock.moment)


def test_two_newer_videos_keep_everything_and_the_alarm_is_raised(app, caplog):
    published = uploaded(app, protected=True)
    drive(app, complete_upload(app, published.id))
    app.clock.moment += timedelta(hours=1)
    newer = uploaded(app, protected=True)
    drive(app, complete_upload(app, newer.id))
    running, messages = encoding(app)
    lost = [app.storage.videos.get(video.id) for video in (newer, running)]
    before = {video.id: stored(app, video) for video in (*lost, published)}

    for video in lost:
        app.storage.videos.delete(video.id)  # as if it had never been there: a deletion leaves a note
    for message in [*messages, Message(step=Step.PACKAGE, video_id=newer.id)]:
        assert run_step(app, message) == []
    for video in lost:
        assert complete_by_name(app, f"{UPLOADS}/{video.blob_name}") == []
    run_timer(app, newer, KEPT - timedelta(hours=8))

    assert {video.id: stored(app, video) for video in (*lost, published)} == before
    assert app.storage.videos.get(published.id).state is State.READY
    assert app.telemetry.orphans
    assert set(app.telemetry.orphans) == {2}
    said = {r.video_id for r in caplog.records if r.message == "the row of a video is missing"}
    assert said == {str(video.id) for video in lost}

    restored = [app.storage.videos.create(video) for video in lost]
    run_timer(app, newer, timedelta(days=2))
    assert {video.id: stored(app, video) for video in (*lost, published)} == before
    drive(app, messages)
    assert [app.storage.videos.get(video.id).state for video in restored] == [State.READY] * 2


def test_what_is_not_restored_within_a_week_goes(app):
    video = uploaded(app, protected=True)
    drive(app, complete_upload(app, video.id))
    row = app.storage.videos.get(video.id)
    app.storage.videos.delete(video.id)
    run_timer(app, video, KEPT + timedelta(hours=15))
    assert not app.storage.blobs.exists(UPLOADS, row.blob_name)
    containers = (output_container, work_container, stills_container)
    assert not [c for c in containers if list(app.storage.blobs.container_names(c(row.id)))]
    assert list(app.storage.keys.named(str(row.key_id))) == []
    assert app.storage.tasks.of(row.id) == []


def test_what_is_written_after_a_deletion_goes_at_its_event(app):
    video = create(app, "a.mp4").video
    delete(app, video.id)
    app.storage.blobs.put(UPLOADS, video.blob_name, b"late")
    assert complete_by_name(app, f"{UPLOADS}/{video.blob_name}") == []
    assert not app.storage.blobs.exists(UPLOADS, video.blob_name)
