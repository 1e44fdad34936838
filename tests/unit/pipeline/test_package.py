"""PACKAGING to READY: whatever is repeated or breaks off, the same is published."""

import pytest

from connector.domain import layout
from connector.domain.layout import output_container
from connector.domain.messages import Message
from connector.domain.step import Step, TaskId
from connector.domain.video import State
from connector.errors import BrokenOutput, MediaError, StorageUnavailable
from connector.isobmff.boxes import boxes
from connector.isobmff.samples import Sample, SampleTable
from connector.pipeline.steps import run_step
from tests.fakes.media import INFO
from tests.support.world import all_encoded, drive, encoding, left_behind, output, state, with_fault

PICTURES = [frame * layout.TIMESCALE // 25 for frame in (0, 12, 37, 62, 87)]
SOUNDS = [n * 47 * 5120 for n in range(4)]
"""Where the segments of the fake runner's video begin, in ticks."""


def _published(app):
    video, message = all_encoded(app)
    assert run_step(app, message) == []
    return app.storage.videos.get(video.id), output(app, video)


def test_everything_is_there_and_nothing_else(app):
    video, blobs = _published(app)
    row = app.storage.videos.get(video.id)
    assert row.state is State.READY
    assert row.finished == row.modified
    expected = {layout.MASTER_PLAYLIST, layout.DASH_MANIFEST, layout.SMOOTH_MANIFEST, layout.PROGRESSIVE}
    expected |= {layout.POSTER, layout.STORYBOARD, layout.STORYBOARD_VTT}
    expected |= {layout.indexed_thumbnail(n) for n in range(1, 11)}
    for rendition in row.plan.renditions:
        expected |= {layout.iframe_playlist(rendition.id), layout.media_playlist("video", rendition.id)}
        expected |= {layout.media_segment("video", rendition.id, time) for time in PICTURES}
        expected.add(layout.init_segment("video", rendition.id))
    sound = row.plan.audio[0].id
    expected |= {layout.media_segment("audio", sound, time) for time in SOUNDS}
    expected |= {layout.media_playlist("audio", sound), layout.init_segment("audio", sound)}
    assert set(blobs) == expected
    assert left_behind(app, video) == [output_container(video.id)]


def test_the_best_candidate_becomes_the_poster(app):
    _, blobs = _published(app)
    assert blobs[layout.POSTER] == layout.poster_candidate(2).encode()


def test_the_progressive_file_is_the_segments_samples_behind_one_head(app):
    video, blobs = _published(app)
    data = blobs[layout.PROGRESSIVE]
    found = {kind: data[start:end] for kind, start, end in boxes(data)}
    assert list(found) == [b"ftyp", b"moov", b"mdat"]
    payload = b"".join(blob[dict(_spans(blob))[b"mdat"] :] for blob in _interleaved(blobs, video.plan.progressive))
    assert found[b"mdat"] == payload


def _spans(data):
    return ((kind, start) for kind, start, _ in boxes(data))


def _interleaved(blobs, rendition):
    segments = [(time, 0, layout.media_segment("video", rendition, time)) for time in PICTURES]
    segments += [(time, 1, layout.media_segment("audio", 128_000, time)) for time in SOUNDS]
    for _, _, name in sorted(segments):
        yield blobs[name]


def test_packaging_again_changes_nothing(app):
    video, message = all_encoded(app)
    run_step(app, message)
    first, row = output(app, video), app.storage.videos.get(video.id)
    assert run_step(app, message) == []
    assert (output(app, video), app.storage.videos.get(video.id)) == (first, row)


@pytest.mark.parametrize("after", [False, True], ids=["undone", "answer lost"])
def test_a_crash_at_any_call_to_storage_is_made_good_by_the_next_delivery(app, after):
    video, blobs = _published(app)
    row = app.storage.videos.get(video.id)
    for at in range(1, 200):
        again, message = all_encoded(app)
        faulty = with_fault(app, at, after=after)
        try:
            run_step(faulty, message)
        except StorageUnavailable:
            assert faulty.storage.failed
            assert state(app, again) in {State.ENCODING, State.PACKAGING, State.READY}
        if not faulty.storage.failed:
            break
        drive(app, [message])
        assert state(app, again) is State.READY
        assert output(app, again) == blobs
        assert left_behind(app, again) == [output_container(again.id)]
        assert app.storage.videos.get(again.id).plan == row.plan
    assert 20 < at < 100


def test_two_at_the_same_time_publish_the_same(app, media):
    _video, blobs = _published(app)
    again, message = all_encoded(app)

    def other(job):
        media.before = lambda job: None
        run_step(app, message)

    media.before = other
    drive(app, [message])
    assert state(app, again) is State.READY
    assert output(app, again) == blobs


def test_a_message_that_comes_too_early_sends_what_is_missing(app):
    video, messages = encoding(app)
    run_step(app, messages[0])
    assert run_step(app, Message(step=Step.PACKAGE, video_id=video.id)) == messages[1:]
    assert state(app, video) is State.ENCODING


def test_manifests_come_last_so_that_nothing_they_name_is_missing(app, monkeypatch):
    _video, message = all_encoded(app)
    put, order = app.storage.blobs.put, []
    monkeypatch.setattr(app.storage.blobs, "put", lambda c, name, data: (order.append(name), put(c, name, data)))
    run_step(app, message)
    assert order[-3:] == [layout.DASH_MANIFEST, layout.SMOOTH_MANIFEST, layout.MASTER_PLAYLIST]


def test_a_missing_block_is_an_error_and_no_endless_loop(app):
    video, message = all_encoded(app)
    app.storage.blobs.containers[output_container(video.id)].staged.clear()
    with pytest.raises(BrokenOutput, match="block"):
        run_step(app, message)


def test_a_storyboard_that_cannot_be_made_fails_the_video(app, media):
    video, message = all_encoded(app)

    def refuse(job):
        raise MediaError("IncompleteStoryboard", "The storyboard's tiles are not complete.")

    media.before = refuse
    assert run_step(app, message) == []
    assert state(app, video) is State.FAILED
    assert left_behind(app, video) == []


def test_sound_alone_is_published_without_stills(app, media):
    media.info = INFO.model_copy(update={"video": None})
    _video, blobs = _published(app)
    assert layout.POSTER not in blobs
    assert layout.DASH_MANIFEST in blobs
    assert [kind for kind, _, _ in boxes(blobs[layout.PROGRESSIVE])] == [b"ftyp", b"moov", b"mdat"]


def test_a_silent_picture_is_published(app, media):
    media.info = INFO.model_copy(update={"audio": ()})
    _, blobs = _published(app)
    assert not [name for name in blobs if name.startswith("audio/")]


def test_several_languages_are_published(app, media):
    second = INFO.audio[0].model_copy(update={"index": 2, "language": "de"})
    media.info = INFO.model_copy(update={"audio": (*INFO.audio, second)})
    _, blobs = _published(app)
    assert layout.init_segment("audio", 128_001) in blobs
    assert blobs[layout.MASTER_PLAYLIST].count(b"TYPE=AUDIO") == 2


@pytest.mark.parametrize("size", [(1280, 720), (3840, 2160)])
def test_what_two_tasks_made_of_the_first_segment_is_published_as_one(app, media, size):
    picture = dict(zip(("width", "height", "display_width", "display_height"), size * 2, strict=True))
    media.info = INFO.model_copy(update={"video": INFO.video.model_copy(update=picture)})
    video, blobs = _published(app)
    plan = video.plan
    assert [chunk.start for chunk in plan.chunks[:3]] == [0, 0, plan.head]
    for rendition in plan.renditions:
        assert {layout.media_segment("video", rendition.id, time) for time in PICTURES} < set(blobs)
    found = {kind: blobs[layout.PROGRESSIVE][start:end] for kind, start, end in boxes(blobs[layout.PROGRESSIVE])}
    assert found[b"mdat"] == b"".join(
        blob[dict(_spans(blob))[b"mdat"] :] for blob in _interleaved(blobs, plan.progressive)
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"nonsense", "cannot be read"),
        (SampleTable.of(1 << 40, 100, [Sample(b"x", 9600)]).pack(), "do not fit together"),
    ],
    ids=["nonsense", "far away"],
)
def test_sample_tables_that_are_none_are_found(app, table, message):
    """A media process, which hostile media may have taken over, writes them."""
    video, package = all_encoded(app)
    name = layout.sample_tables(TaskId(Step.CHUNK, 1))
    app.storage.blobs.put(layout.work_container(video.id), name, table)
    with pytest.raises(BrokenOutput, match=message):
        run_step(app, package)
