"""Formats, layout and messages: what others rely on by name."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.domain import layout
from connector.domain.formats import EXTENSIONS, FORMATS, extension
from connector.domain.messages import Message
from connector.domain.step import Step, TaskId

REFUSED = "m3u m3u8 m4u mxu asx wax wvx wmx ram mid midi pls mpd ism ffconcat txt exe"
TODAY = "mkv webm mxf ts m2ts mts 3gp 3g2 flv f4v ogv ogg oga opus aac flac vob wtv gif"
OLD = "aif aifc aiff au avi dif dv m4a m4b m4p m4v mov movie mp2 mp3 mp4 mpe mpeg mpg mpga qt ra wav asf wma wm wmv"
ID = UUID(int=7)


def test_playlists_pointers_and_midi_are_refused():
    assert not EXTENSIONS & set(REFUSED.split())


def test_every_listed_format_comes_from_the_contract():
    assert set((OLD + " " + TODAY).split()) >= EXTENSIONS
    assert {"mp4", "mov", "mkv", "webm", "avi", "mp3", "wav", "wmv", "gif"} <= EXTENSIONS


def test_each_extension_has_one_plausible_type():
    assert len({f.extension for f in FORMATS}) == len(FORMATS)
    assert all(re.fullmatch(r"(audio|video|image|application)/[a-z0-9.+-]+", f.mime_type) for f in FORMATS)
    assert list(FORMATS) == sorted(FORMATS, key=lambda f: f.extension)


@pytest.mark.parametrize(
    ("name", "expected"), [("a.MP4", "mp4"), ("a.b.Mov", "mov"), ("mp4", ""), ("", ""), ("a.", ""), (".mkv", "mkv")]
)
def test_extension(name, expected):
    assert extension(name) == expected


@given(st.integers(0, 999_999_999_999_999), st.sampled_from(["video", "audio"]))
def test_block_names_have_one_length(time, kind):
    assert len(layout.progressive_block(kind, time)) == len(layout.PROGRESSIVE_HEAD)


def test_names_are_unique_per_kind():
    names = [
        f(kind, 1, *time)
        for kind in ("video", "audio")
        for f, time in ((layout.init_segment, ()), (layout.media_segment, (5,)), (layout.media_playlist, ()))
    ]
    names += [layout.iframe_playlist(1), layout.indexed_thumbnail(1), layout.POSTER, layout.STORYBOARD]
    names += [layout.frame_thumbnail(*w) for w in ((1, 16, "jpg"), (11, 6, "jpg"), (1, 16, "png"), (1, 116, "jpg"))]
    names += [layout.STORYBOARD_VTT, layout.MASTER_PLAYLIST, layout.DASH_MANIFEST, layout.SMOOTH_MANIFEST]
    work = [layout.piece(1), *(layout.sample_tables(TaskId(step, 1)) for step in (Step.CHUNK, Step.AUDIO))]
    work += [layout.tile_strip(1), layout.poster_candidate(1)]
    for group in (names, work):
        assert len(set(group)) == len(group)
    assert layout.output_container(ID) != layout.work_container(ID)
    for container in (layout.output_container(ID), layout.work_container(ID), layout.UPLOADS):
        assert re.fullmatch(r"[a-z0-9](-?[a-z0-9]){2,62}", container)


@pytest.mark.parametrize(
    ("name", "kind", "lasting"),
    [
        ("master.m3u8", "application/vnd.apple.mpegurl", False),
        ("manifest.mpd", "application/dash+xml", False),
        ("smooth.ism/Manifest", "application/vnd.ms-sstr+xml", False),
        ("download.mp4", "video/mp4", True),
        ("video/1/init.mp4", "video/mp4", True),
        ("video/1/0.m4s", "video/mp4", True),
        ("audio/1/init.mp4", "audio/mp4", True),
        ("audio/1/0.m4s", "audio/mp4", True),
        ("audio/1/media.m3u8", "application/vnd.apple.mpegurl", False),
        ("thumbnails/poster.jpg", "image/jpeg", True),
        ("thumbnails/frames/5-360.jpg", "image/jpeg", True),
        ("thumbnails/frames/5-360.webp", "image/webp", True),
        ("thumbnails/frames/5-360.png", "image/png", True),
        ("thumbnails/storyboard.vtt", "text/vtt; charset=utf-8", False),
        ("pieces/000000.nut", "application/octet-stream", False),
    ],
)
def test_types_and_caching(name, kind, lasting):
    assert layout.content_type(name) == kind
    expected = "public, max-age=31536000, immutable" if lasting else "public, max-age=5"
    assert layout.cache_control(name) == expected


@pytest.mark.parametrize("step", Step)
def test_messages_survive_the_queue(step):
    message = Message(step=step, video_id=ID, index=3)
    assert Message.model_validate_json(message.model_dump_json()) == message
    assert message.queue == ("advance" if step in {"probe", "package"} else "encode")
    assert message.task == TaskId(step, 3)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        (TaskId(Step.PROBE), "probe-000000"),
        (TaskId(Step.SPLIT), "split-000000"),
        (TaskId(Step.CHUNK, 12), "chunk-000012"),
        (TaskId(Step.AUDIO, 3), "audio-000003"),
        (TaskId(Step.PACKAGE), "package-000000"),
        (TaskId(Step.CHUNK, 1_234_567), "chunk-1234567"),
    ],
)
def test_the_names_of_tasks_survive_storage(task, name):
    assert str(task) == name
    assert TaskId.parse(name) == task


@pytest.mark.parametrize("name", ["", "chunk", "chunk-", "chunk-x", "format-000000", "000001-chunk"])
def test_other_names_are_of_no_task(name):
    with pytest.raises(ValueError, match=r"is not a valid Step|invalid literal"):
        TaskId.parse(name)


@pytest.mark.parametrize("change", [{"version": 2}, {"step": "format"}, {"video_id": "x"}, {"extra": 1}])
def test_other_messages_are_refused(change):
    with pytest.raises(ValidationError):
        Message.model_validate({"step": "probe", "video_id": str(ID), **change})
