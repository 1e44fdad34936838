"""Pictures of any moment: which frame, how large, made once, and never too many at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain import layout
from connector.domain.layout import frame_time
from connector.domain.planner import Limits, make_plan
from connector.errors import Busy, InvalidRequest, NotFound, StorageUnavailable, TaskCrashed, TooManyPictures
from connector.pipeline.context import Pace, StillTurns
from connector.pipeline.delete import delete
from connector.pipeline.on_demand import count_picture
from connector.pipeline.thumbnail import frame_at, picture_at, rendition_for, thumbnail_blob
from tests.fakes.media import INFO, PICTURE
from tests.support.apps import quick_app
from tests.support.world import all_encoded, drive, output

RATES = [Fraction(25), Fraction(30_000, 1001), Fraction(24_000, 1001), Fraction(60), Fraction(997, 41), Fraction(1)]


def plan_of(width=1920, height=1080, rate=Fraction(25), seconds=10, **limits):
    size = {"width": width, "height": height, "display_width": width, "display_height": height}
    picture = PICTURE.model_copy(update={**size, "frame_rate": rate, "end": Fraction(seconds)})
    return make_plan(INFO.model_copy(update={"video": picture, "audio": ()}), Limits(1, 4, 2160))


def published(app, **changes):
    video, message = all_encoded(app)
    drive(app, [message])
    return app.storage.videos.get(video.id)


# Which frame


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_frame_is_shown_from_its_time_on_until_the_next_one_s(rate):
    plan = plan_of(rate=rate)
    tick = Fraction(1, layout.TIMESCALE)
    for frame in range(plan.frames):
        assert frame_at(plan, float(frame / rate)) == frame
        assert frame_at(plan, round(float(frame / rate), 6)) == frame
        assert frame_at(plan, frame_time(frame, rate) / layout.TIMESCALE) == frame
        assert frame_at(plan, float((frame + Fraction(1, 2)) / rate)) == frame
        assert frame_at(plan, float((frame + 1) / rate - 2 * tick)) == frame


@given(st.sampled_from(RATES), st.floats(0, 9.999))
def test_at_any_time_it_is_the_frame_whose_time_it_is_to_a_tick(rate, time):
    plan = plan_of(rate=rate)
    frame, tick = frame_at(plan, time), Fraction(1, layout.TIMESCALE)
    assert frame in range(plan.frames)
    assert frame / rate - tick <= Fraction(time)
    assert frame == plan.frames - 1 or Fraction(time) < (frame + 1) / rate


def test_just_before_the_end_it_is_the_last_frame():
    plan = plan_of()
    before = float(plan.duration) - 1e-12
    assert before < plan.duration
    assert frame_at(plan, before) == plan.frames - 1


@pytest.mark.parametrize("time", [-1e-9, 10, 10.5, 1e300])
def test_a_time_outside_the_video_is_refused(time):
    with pytest.raises(InvalidRequest, match=r"^time must be at least 0 and less than 10\.000 s") as error:
        picture_at(plan_of(), time, None, "jpg")
    assert list(error.value.fields) == ["time"]


# How large


@pytest.mark.parametrize(
    ("size", "height", "expected"),
    [
        ((1920, 1080), None, (640, 360)),
        ((1920, 1080), 1080, (1920, 1080)),
        ((1920, 1080), 1079, (1920, 1080)),
        ((1920, 1080), 721, (1920, 1080)),
        ((1920, 1080), 720, (1280, 720)),
        ((1920, 1080), 16, (160, 90)),
        ((1920, 1080), 90, (160, 90)),
        ((1920, 1080), 91, (320, 180)),
        ((1080, 1920), None, (360, 640)),
        ((1080, 1920), 1081, (1080, 1920)),
        ((1080, 1920), 1920, (1080, 1920)),
        ((2160, 3840), 2161, (2160, 3840)),
        ((320, 240), None, (320, 240)),
        ((320, 240), 181, (320, 240)),
        ((8, 8), None, (8, 8)),
        ((4, 2000), 16, (2, 90)),
    ],
)
def test_pictures_keep_the_video_s_shape_in_even_sizes(size, height, expected):
    found = picture_at(plan_of(*size), 0, height, "jpg").size
    assert (found.width, found.height) == expected


@pytest.mark.parametrize(("size", "height"), [((1920, 1080), 1081), ((320, 240), 242), ((8, 8), 16)])
def test_none_is_higher_than_the_video(size, height):
    with pytest.raises(InvalidRequest, match="height must be at most") as error:
        picture_at(plan_of(*size), 0, height, "jpg")
    assert list(error.value.fields) == ["height"]


@pytest.mark.parametrize(
    ("height", "expected"), [(16, 360), (360, 360), (362, 480), (480, 480), (720, 720), (1078, 1080)]
)
def test_the_smallest_rendition_that_is_high_enough_is_read(height, expected):
    assert rendition_for(plan_of(), height).height == expected


def test_the_name_follows_from_what_is_to_be_seen():
    plan = plan_of()
    names = [picture_at(plan, t, h, f).name for t, h, f in ((1, 360, "png"), (1.099, 181, "png"), (1.0, None, "png"))]
    assert names == ["thumbnails/frames/25-360.png"] * 3
    others = {picture_at(plan, t, h, f).name for t, h, f in ((1.1, 360, "png"), (1, 361, "png"), (1, 360, "webp"))}
    assert len(others | {names[0]}) == 4


@pytest.mark.parametrize(
    ("time", "frame"),
    [(0, 0), (0.099, 0), (0.1, 2), (0.3, 7), (2.3, 57), (2.2999, 55), (2.39, 57), (5.7, 142), (9.999, 247)],
)
def test_a_time_is_rounded_down_to_a_tenth_of_a_second_as_it_is_written(time, frame):
    assert picture_at(plan_of(), time, None, "jpg").frame == frame


def test_a_video_has_as_many_pictures_as_the_grid_and_the_steps_allow():
    plan = plan_of(seconds=2, rate=Fraction(60))
    names = {picture_at(plan, t / 1000, h, "jpg").name for t in range(2000) for h in range(16, 1081, 71)}
    assert len(names) == 20 * 6


# Made once


def test_the_segment_that_holds_the_frame_is_read_and_nothing_else(app, media, monkeypatch):
    video = published(app)
    read = []
    get = app.storage.blobs.get
    monkeypatch.setattr(app.storage.blobs, "get", lambda container, name: read.append(name) or get(container, name))
    picture = picture_at(video.plan, 2.2, 100, "webp")
    assert thumbnail_blob(app, video, picture) == picture.name == "thumbnails/frames/55-180.webp"
    lowest = video.plan.renditions[-1].id
    assert read == [f"video/{lowest}/init.mp4", f"video/{lowest}/355200.m4s"]
    assert output(app, video)[picture.name] == b"webp of frame 18"


def test_a_picture_is_made_once(app, media):
    video = published(app)
    for time in (1, 1.0, 1.02):
        thumbnail_blob(app, video, picture_at(video.plan, time, None, "jpg"))
    assert media.counts["still"] == 1


def test_calls_at_once_for_the_same_picture_all_get_it(app, media):
    video = published(app)
    meet = threading.Barrier(2, timeout=20)
    media.before = lambda job: meet.wait()
    picture = picture_at(video.plan, 1, None, "jpg")
    with ThreadPoolExecutor(2) as pool:
        names = [call.result() for call in [pool.submit(thumbnail_blob, app, video, picture) for _ in range(2)]]
    assert names == [picture.name] * 2
    assert output(app, video)[picture.name] == b"jpg of frame 13"


def test_who_waited_for_a_turn_finds_what_was_made_meanwhile(app, media):
    video = published(app)
    picture = picture_at(video.plan, 1, None, "jpg")

    class Meanwhile(StillTurns):
        @contextmanager
        def turn(self):
            app.storage.blobs.put(layout.output_container(video.id), picture.name, b"of somebody else")
            yield

    waiting = replace(app, still_turns=Meanwhile(app.options.pace))
    assert thumbnail_blob(waiting, video, picture) == picture.name
    assert media.counts["still"] == 0


def test_more_than_so_many_at_once_are_refused_but_not_what_is_there_already(media):
    pace = Pace(stills=2, still_wait_seconds=0)
    app = quick_app(media=media, pace=pace)
    video = published(app)
    pictures = [picture_at(video.plan, n / 10, None, "jpg") for n in range(pace.stills + 2)]
    thumbnail_blob(app, video, pictures[-1])
    begun, go_on = threading.Semaphore(0), threading.Event()

    def hold(job):
        begun.release()
        assert go_on.wait(20)

    media.before = hold
    with ThreadPoolExecutor(pace.stills) as pool:
        calls = [pool.submit(thumbnail_blob, app, video, picture) for picture in pictures[: pace.stills]]
        assert all(begun.acquire(timeout=20) for _ in calls)
        with pytest.raises(Busy):
            thumbnail_blob(app, video, pictures[pace.stills])
        assert thumbnail_blob(app, video, pictures[-1]) == pictures[-1].name
        go_on.set()
        assert [call.result() for call in calls] == [picture.name for picture in pictures[: pace.stills]]
    assert thumbnail_blob(app, video, pictures[pace.stills]) == pictures[pace.stills].name


def test_a_crash_gives_the_turn_back(app, media):
    video = published(app)
    picture = picture_at(video.plan, 0, None, "jpg")

    def crash(job):
        raise TaskCrashed("the media process ended with signal SIGSEGV")

    media.before = crash
    for _ in range(app.options.pace.stills + 1):
        with pytest.raises(TaskCrashed):
            thumbnail_blob(app, video, picture)
    media.before = lambda job: None
    assert thumbnail_blob(app, video, picture) == picture.name


def test_of_a_video_that_was_deleted_meanwhile_nothing_stays(app, media):
    video = published(app)
    media.before = lambda job: delete(app, video.id)
    with pytest.raises(NotFound):
        thumbnail_blob(app, video, picture_at(video.plan, 0, None, "jpg"))
    assert list(app.storage.blobs.containers) == [layout.UPLOADS]
    assert list(app.storage.tasks.videos("")) == []


def test_the_child_is_confined_more_tightly_than_a_task(app, media):
    video = published(app)
    seen = []
    media.before = lambda job: seen.append(job.limits)
    thumbnail_blob(app, video, picture_at(video.plan, 0, None, "jpg"))
    (limits,) = seen
    assert limits.seconds < app.options.jobs.task.seconds
    assert limits.memory < app.options.jobs.task.memory


# What they cost


def test_what_pictures_use_is_counted_apart_from_the_video(app, media, clock):
    video = published(app)
    media.before = lambda job: setattr(clock, "ahead", clock.ahead + timedelta(seconds=3))
    for time in (0, 1, 1, 2):
        thumbnail_blob(app, video, picture_at(video.plan, time, None, "jpg"))
    used = app.storage.tasks.on_demand(video.id).usage
    assert (used.executions, used.writes) == (3, 3)
    assert used.seconds == pytest.approx(9, abs=1)
    assert used.size == sum(len(data) for name, data in output(app, video).items() if "/frames/" in name)
    found = app.storage.videos.get(video.id)
    assert (found.used, found.etag) == (video.used, video.etag)


def test_pictures_that_are_made_at_once_are_all_counted(app, media):
    video = published(app)
    with ThreadPoolExecutor(8) as pool:
        sizes = range(1, 9)
        list(pool.map(lambda size: count_picture(app, video.id, timedelta(seconds=1), size), sizes))
    used = app.storage.tasks.on_demand(video.id).usage
    assert (used.executions, used.size) == (8, sum(sizes))


def test_more_than_so_many_are_not_made_and_attempts_count(media, clock):
    app = quick_app(media=media, clock=clock, max_pictures=3)
    video = published(app)
    pictures = [picture_at(video.plan, time, None, "jpg") for time in range(4)]

    def crash(job):
        raise TaskCrashed("the media process ended with signal SIGSEGV")

    media.before = crash
    with pytest.raises(TaskCrashed):
        thumbnail_blob(app, video, pictures[0])
    media.before = lambda job: None
    thumbnail_blob(app, video, pictures[0])
    thumbnail_blob(app, video, pictures[1])
    with pytest.raises(TooManyPictures):
        thumbnail_blob(app, video, pictures[2])
    assert thumbnail_blob(app, video, pictures[1]) == pictures[1].name, "what is there can be seen"
    assert app.storage.tasks.on_demand(video.id).usage.executions == 3


def test_a_counter_that_cannot_be_saved_takes_no_picture_from_a_viewer(app, monkeypatch, caplog):
    video = published(app)

    def silent(video_id, used):
        raise StorageUnavailable("Storage answered 503.")

    monkeypatch.setattr(app.storage.tasks, "put_on_demand", silent)
    picture = picture_at(video.plan, 1, None, "jpg")
    assert thumbnail_blob(app, video, picture) == picture.name
    assert "a picture on demand was not counted" in caplog.text


def test_they_are_forgotten_with_the_video(app):
    video = published(app)
    thumbnail_blob(app, video, picture_at(video.plan, 1, None, "jpg"))
    assert len(app.storage.tasks.of(video.id)) == len(app.storage.tasks.overview(video.id))
    delete(app, video.id)
    assert app.storage.tasks.on_demand(video.id).usage.executions == 0
