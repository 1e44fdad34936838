"""Thumbnails on demand: real pictures of real segments, by the API, from real child processes."""

import io
from dataclasses import replace
from functools import partial

import av
import numpy as np
import pytest

from connector.api.http import Request
from connector.api.routes import ROUTES, respond
from connector.domain import layout
from connector.domain.video import State
from connector.errors import MediaError, TaskCrashed
from connector.pipeline.thumbnail import picture_at, thumbnail_blob
from tests.media.cache import cached
from tests.media.frame_numbers import patches_of, read
from tests.media.sources import NTSC, Video, numbered
from tests.support.apps import KEYS, SANDBOX, memory_app
from tests.support.encoded import ffmpeg_complaints
from tests.support.in_process import publish
from tests.support.media_jobs import children, end_idle
from tests.support.published import FAST, Published

pytestmark = pytest.mark.media

SOURCE = Video(fps=NTSC, frames=130, size=(640, 480), b_frames=2)
"""Two renditions, of 480 and of 360 lines; segments of 30 frames, the first one of 15, the last one of 25."""
SEAMS = {0: 0, 0.5: 14, 0.6: 17, 1.5: 44, 1.6: 47, 3.5: 104, 3.6: 107, 4.3: 128}
"""Frames by their times on the grid, on both sides of the seams."""
MAGIC = {"jpg": b"\xff\xd8\xff", "webp": b"RIFF", "png": b"\x89PNG\r\n\x1a\n"}
PIPES = {"jpg": "jpeg_pipe", "webp": "webp_pipe", "png": "png_pipe"}
ROUTE = {route.name: route for route in ROUTES}["ThumbnailAt"]


def _published(**settings) -> Published:
    protected = settings.pop("protected")
    app = memory_app(**{**KEYS, **FAST, **settings})
    path = cached("thumbnails.mp4", partial(numbered, video=SOURCE), SOURCE)
    video = publish(app, path, protected=protected)
    assert video.state is State.READY, video.failure
    assert [r.height for r in video.plan.renditions] == [480, 360]
    assert (video.plan.gop, [c.start for c in video.plan.chunks[:3]], video.plan.frames) == (30, [0, 15, 45], 130)
    return Published(app, video)


@pytest.fixture(scope="module")
def clear() -> Published:
    return _published(protected=False)


@pytest.fixture(scope="module")
def protected() -> Published:
    return _published(protected=True, playback_access="signed")


@pytest.fixture
def begun(monkeypatch) -> list[str]:
    """The jobs that media processes were started for."""
    jobs = []
    run = SANDBOX.run
    monkeypatch.setattr(SANDBOX, "run", lambda job, *rest: jobs.append(job.kind) or run(job, *rest))
    return jobs


def ask(result: Published, **query):
    url = f"https://host/api/Videos/{result.video.id}/Thumbnails/at"
    query = {name: str(value) for name, value in query.items()}
    return respond(lambda: result.app, ROUTE, Request("GET", url, {}, query, {"id": str(result.video.id)}, b"", "i"))


def fetched(result: Published, **query) -> bytes:
    """The image that the answer leads to."""
    answer = ask(result, **query)
    assert answer.status == 307, answer.body
    container, _, name = answer.headers["Location"].partition("?")[0].removeprefix("memory://account/").partition("/")
    return result.app.storage.blobs.get(container, name)


def shown(data: bytes, form: str) -> av.VideoFrame:
    assert data.startswith(MAGIC[form])
    with av.open(io.BytesIO(data), format=PIPES[form]) as file:
        (frame,) = file.decode(video=0)
    return frame


@pytest.mark.parametrize("time", SEAMS)
def test_the_frame_of_that_time_is_shown(clear, time):
    for wanted in (time, round(time + 0.03, 3)):
        assert read(shown(fetched(clear, time=wanted), "jpg")) == SEAMS[time]


@pytest.mark.parametrize("time", [0, 1.5, 1.6, 4.3])
def test_of_a_protected_video_too_and_the_picture_stays_private(protected, time):
    answer, frame = ask(protected, time=time, height=480), SEAMS[time]
    stills = layout.stills_container(protected.video.id)
    name = f"thumbnails/frames/{frame}-480.jpg"
    assert answer.headers["Location"] == f"memory://account/{stills}/{name}?allows=r&seconds=43200"
    blobs = protected.app.storage.blobs
    assert not blobs.containers[stills].public
    assert not blobs.exists(layout.output_container(protected.video.id), name)
    assert read(shown(blobs.get(stills, name), "jpg")) == frame


@pytest.mark.parametrize(("asked", "height"), [(32, 90), (102, 180), (360, 360), (480, 480)])
@pytest.mark.parametrize("form", MAGIC)
def test_every_format_is_what_it_says_in_the_step_above_the_size_that_was_asked_for(
    clear, form, asked, height, tmp_path
):
    data = fetched(clear, time=3, height=asked, format=form)
    frame = shown(data, form)
    assert (frame.width, frame.height) == (height * 4 // 3, height)
    assert read(frame) == 89
    file = tmp_path / f"picture.{form}"
    file.write_bytes(data)
    assert ffmpeg_complaints("-i", file) == ""


@pytest.mark.parametrize("form", MAGIC)
def test_colours_are_the_source_s(clear, form):
    with av.open(str(cached("thumbnails.mp4", partial(numbered, video=SOURCE), SOURCE))) as source:
        expected = patches_of(next(source.decode(video=0)))
    frame = shown(fetched(clear, time=1, height=360, format=form), form)
    # JFIF and WebP are BT.601, whatever the frame says.
    found = patches_of(frame, colorspace=None if form == "png" else "ITU601")
    assert np.abs(np.array(found) - expected).max() <= 8


def test_a_png_says_nothing_of_colour_that_would_make_it_look_unlike_the_video(clear):
    data = fetched(clear, time=1, height=360, format="png")
    assert not any(chunk in data for chunk in (b"gAMA", b"cICP", b"cHRM", b"iCCP"))


def test_the_second_call_opens_no_child_nor_does_another_time_of_the_same_frame(clear, begun):
    first = fetched(clear, time=2.002, height=200)
    assert begun == ["still"]
    for query in ({"time": 2.002, "height": 200}, {"time": 2.03, "height": 201}, {"time": 2.002, "format": "jpg"}):
        again = fetched(clear, **{"height": 200, **query})
        assert again == first
    assert begun == ["still"]


def test_the_same_picture_is_the_same_bytes_whoever_makes_it(clear, protected):
    for form in MAGIC:
        query = {"time": 1.5, "height": 120, "format": form}
        assert fetched(clear, **query) == fetched(protected, **query)


@pytest.mark.parametrize(
    "query",
    [
        {"time": 4.338},
        {"time": 1e9},
        {"time": 1, "height": 482},
        {"time": 1, "height": 65_535},
        {"time": 1, "height": 2**64},
        {"time": 1, "height": 14},
    ],
    ids=str,
)
def test_what_is_out_of_bounds_is_refused_before_a_child_is_started(clear, begun, query):
    answer = ask(clear, **query)
    assert answer.status == 400
    assert [e["field"] for e in answer.body["errors"]] == [list(query)[-1]]
    assert begun == []


def test_a_child_that_needs_more_memory_than_it_may_have_costs_one_answer(clear):
    end_idle()
    picture = picture_at(clear.video.plan, 0.5, 480, "png")
    options = clear.app.options
    little = options.jobs.still.model_copy(update={"memory": 128 << 20})
    starved = replace(clear.app, options=replace(options, jobs=replace(options.jobs, still=little)))
    with pytest.raises((TaskCrashed, MediaError)):
        thumbnail_blob(starved, clear.video, picture)
    assert read(shown(fetched(clear, time=0.5, height=480, format="png"), "png")) == 14
    assert children() == []


def test_a_segment_that_is_broken_is_an_error_of_ours_and_nothing_is_stored():
    result = _published(protected=False)
    container = layout.output_container(result.video.id)
    rendition = result.video.plan.renditions[-1].id
    segment = layout.media_segment("video", rendition, 0)
    data = result.blob(segment)
    result.app.storage.blobs.put(container, segment, data[: len(data) // 3])
    answer = ask(result, time=0.4)
    assert (answer.status, answer.body["code"]) == (500, "InternalError")
    assert not result.app.storage.blobs.exists(container, layout.frame_thumbnail(11, 360, "jpg"))
