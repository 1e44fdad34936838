"""What is too large, too long or too much is refused before anything is encoded."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from connector.domain.layout import UPLOADS
from connector.domain.video import State
from connector.errors import Busy, MediaError
from connector.pipeline.admission import COUNT_EVERY
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.fail import fail
from connector.pipeline.steps import run_step
from tests.fakes.media import INFO, PICTURE
from tests.support.apps import KEYS, FakeClock, quick_app
from tests.support.world import left_behind, uploaded


def _probed(media, *, protected=False, **settings):
    """The video after its probe, and the app."""
    app = quick_app(media=media, **settings)
    video = uploaded(app, protected=protected)
    (message,) = complete_upload(app, video.id)
    return app, app.storage.videos.get(video.id), run_step(app, message)


def test_an_upload_that_is_too_large_fails_at_completion(media):
    app = quick_app(media=media, max_upload_gb=9e-9)
    video = uploaded(app)
    assert complete_upload(app, video.id) == []
    row = app.storage.videos.get(video.id)
    assert (row.state, row.failure.code) == (State.FAILED, "UploadTooLarge")
    assert row.failure.message == "The uploaded file has 10 bytes; at most 9 are accepted."
    assert complete_upload(app, video.id) == []
    assert app.storage.blobs.exists(UPLOADS, video.blob_name)
    assert media.ran == []


def test_an_upload_of_the_largest_size_is_accepted(media):
    app = quick_app(media=media, max_upload_gb=10e-9)
    assert len(complete_upload(app, uploaded(app).id)) == 1


def test_a_video_that_is_too_long_fails_at_the_probe(media):
    media.info = INFO.model_copy(update={"video": PICTURE.model_copy(update={"end": Fraction(61)})})
    app, video, following = _probed(media, max_duration_minutes=1)
    row = app.storage.videos.get(video.id)
    assert (row.state, row.failure.code, following) == (State.FAILED, "TooLong", [])
    assert media.ran == ["probe"]
    assert left_behind(app, video) == []


def test_a_video_that_would_cost_too_much_fails_at_the_probe(media):
    app, video, following = _probed(media, max_output_minutes=0.1)
    assert (app.storage.videos.get(video.id).failure.code, following) == ("TooMuchOutput", [])
    app, video, following = _probed(media, max_output_minutes=0.2)
    assert app.storage.videos.get(video.id).state is State.ENCODING


def test_a_clear_video_whose_one_file_would_have_too_many_blocks_fails_before_anything_is_encoded(media):
    media.info = INFO.model_copy(update={"video": PICTURE.model_copy(update={"end": Fraction(30_000)})})
    app, video, following = _probed(media, segment_seconds=1, max_duration_minutes=2880)
    row = app.storage.videos.get(video.id)
    assert (row.state, row.failure.code, following) == (State.FAILED, "TooLong", [])
    assert media.ran == ["probe"]


def test_a_protected_video_has_no_such_file_and_may_be_as_long(media):
    media.info = INFO.model_copy(update={"video": PICTURE.model_copy(update={"end": Fraction(30_000)})})
    app, video, following = _probed(media, protected=True, segment_seconds=1, max_duration_minutes=2880, **KEYS)
    assert app.storage.videos.get(video.id).state is State.ENCODING
    assert following


def test_the_probe_is_told_what_is_accepted(media):
    jobs = []
    media.before = jobs.append
    _probed(media, max_source_pixels=500_000, max_frame_rate=30, max_tracks=3, task_timeout_seconds=60)
    accepted = jobs[0].accepted
    assert (accepted.pixels, accepted.frame_rate, accepted.tracks, jobs[0].limits.seconds) == (500_000, 30, 3, 60)


SECOND = timedelta(seconds=1)


@pytest.fixture
def clock():
    """It stands still."""
    return FakeClock(moment=datetime.now(UTC))


def test_no_more_videos_are_created_than_may_be_unfinished(clock):
    app = quick_app(clock=clock, max_pending_videos=2)
    first = create(app, "a.mp4").video
    create(app, "b.mp4")
    with pytest.raises(Busy, match="2 videos"):
        create(app, "c.mp4")
    fail(app, first.id, MediaError("NoMedia", "No."))
    clock.moment += COUNT_EVERY + SECOND
    create(app, "c.mp4")
    with pytest.raises(Busy):
        create(app, "d.mp4")


def test_videos_are_counted_now_and_then_and_never_further_than_the_limit(clock, monkeypatch):
    app = quick_app(clock=clock, max_pending_videos=3)
    for _ in range(5):
        app.storage.videos.create(create(quick_app(), "a.mp4").video)
    seen = []
    real = app.storage.videos.in_states

    def counted(states, modified_before: object, created_after: object):
        for video in real(states, modified_before, created_after):
            seen.append(video)
            yield video

    monkeypatch.setattr(app.storage.videos, "in_states", counted)
    for _ in range(4):
        clock.moment += SECOND
        with pytest.raises(Busy):
            create(app, "b.mp4")
    assert len(seen) == 3


def test_without_a_limit_nothing_is_counted(monkeypatch):
    app = quick_app()
    monkeypatch.setattr(app.storage.videos, "in_states", None)
    assert create(app, "a.mp4").video.modified - create(app, "b.mp4").video.modified < timedelta(seconds=1)
