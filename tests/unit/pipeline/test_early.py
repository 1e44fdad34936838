"""A video that is still being encoded: what can be played of it, and when that is published."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest

from connector.domain import layout
from connector.domain.layout import TIMESCALE
from connector.domain.step import Step, TaskId
from connector.domain.task import EncodeOutput, TaskResult
from connector.domain.video import State
from connector.errors import StorageUnavailable
from connector.manifests.presentation import EarlyTimeline
from connector.pipeline.assemble import Outputs, early_presentation
from connector.pipeline.early import mark_watched, publish_early, should_publish
from connector.pipeline.media_task import TaskReporter
from connector.pipeline.playback import rendered
from connector.pipeline.rows import Row
from connector.pipeline.steps import run_step
from tests.support.world import all_encoded, encoding, output, state, with_fault

NOW = datetime(2026, 1, 2, tzinfo=UTC)
EARLY = EarlyTimeline(since=NOW, moment=NOW, segment=TIMESCALE)


def _steps(app, messages, wanted):
    """Runs some of the messages."""
    for message in messages:
        if wanted(message):
            run_step(app, message)


def _first_chunk_and_sound(app):
    video, messages = encoding(app)
    first = [i for i, chunk in enumerate(video.plan.chunks) if chunk.start == 0]
    _steps(app, messages, lambda m: m.step is Step.AUDIO or m.index in first)
    return video, messages


def _watch(app, video):
    mark_watched(app, app.storage.videos.get(video.id))


def _ends(app, video):
    """Seconds of each playlist that is published."""
    names = [name for name in output(app, video) if name.endswith("media.m3u8")]
    return {name: _seconds(output(app, video)[name]) for name in names}


def _seconds(playlist):
    return sum(float(line[8:-1]) for line in playlist.decode().splitlines() if line.startswith("#EXTINF"))


def test_the_first_chunk_and_its_sound_can_be_played_while_the_rest_is_encoded(app):
    video, _ = _first_chunk_and_sound(app)
    blobs = output(app, video)
    plan = video.plan
    assert state(app, video) is State.ENCODING
    assert app.storage.videos.get(video.id).playable is not None
    assert blobs[layout.MASTER_PLAYLIST].count(b"#EXT-X-STREAM-INF") == len(plan.renditions)
    for name in [layout.media_playlist("video", r.id) for r in plan.renditions]:
        assert b"#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-START:TIME-OFFSET=0.0005" in blobs[name]
        assert b"ENDLIST" not in blobs[name]
    assert all(layout.init_segment("video", r.id) in blobs for r in plan.renditions)
    assert b'type="dynamic"' in blobs[layout.DASH_MANIFEST]
    assert layout.SMOOTH_MANIFEST not in blobs
    assert layout.iframe_playlist(plan.renditions[0].id) not in blobs
    for end in _ends(app, video).values():
        assert 0 < end < 1.5


def test_it_cannot_be_played_before_every_rendition_and_the_sound_have_begun(app):
    video, messages = encoding(app)
    _steps(app, messages, lambda m: m.step is Step.CHUNK)
    assert app.storage.videos.get(video.id).playable is None
    assert layout.MASTER_PLAYLIST not in output(app, video)


def test_no_more_than_its_beginning_is_published_before_somebody_watches(app):
    video, messages = _first_chunk_and_sound(app)
    before = output(app, video)
    _steps(app, messages, lambda m: m.step is Step.CHUNK and m.index <= 2)
    assert all(output(app, video)[name] == before[name] for name in (*_ends(app, video), layout.DASH_MANIFEST))


def test_who_begins_to_watch_gets_what_there_is_at_once_and_then_what_is_added(app):
    video, messages = _first_chunk_and_sound(app)
    seen = [_ends(app, video)]
    _steps(app, messages, lambda m: m.step is Step.CHUNK and m.index <= 2)
    _watch(app, video)
    seen.append(_ends(app, video))
    _steps(app, messages, lambda m: m.step is Step.CHUNK and m.index == 3)
    seen.append(_ends(app, video))
    for before, after in pairwise(seen):
        assert all(after[name] > end for name, end in before.items())


def test_watching_is_marked_once(app):
    video, _ = _first_chunk_and_sound(app)
    _watch(app, video)
    row = app.storage.videos.get(video.id)
    assert row.watched is not None
    _watch(app, video)
    assert app.storage.videos.get(video.id) == row


def test_nobody_watches_what_cannot_be_played_or_is_ready(app):
    video, messages = encoding(app)
    _watch(app, video)
    assert app.storage.videos.get(video.id).watched is None
    for message in messages:
        for following in run_step(app, message):
            run_step(app, following)
    assert state(app, video) is State.READY
    _watch(app, video)
    assert app.storage.videos.get(video.id).watched is None


def test_who_comes_while_it_is_packaged_stands_in_nobodys_way(app):
    video, message = all_encoded(app)
    with pytest.raises(StorageUnavailable):
        run_step(with_fault(app, 8, after=False), message)
    row = app.storage.videos.get(video.id)
    assert (row.state, row.playable_early) == (State.PACKAGING, True)
    _watch(app, video)
    assert app.storage.videos.get(video.id) == row


def test_who_watches_hears_of_no_trouble_with_publishing(app, monkeypatch):
    def unavailable(*_args):
        raise StorageUnavailable("Storage answered 503 ServerBusy.")

    video, messages = _first_chunk_and_sound(app)
    before = _ends(app, video)
    _steps(app, messages, lambda m: m.step is Step.CHUNK and m.index <= 2)
    with monkeypatch.context() as trouble:
        trouble.setattr(app.storage.blobs, "put_early", unavailable)
        _watch(app, video)
    _steps(app, messages, lambda m: m.step is Step.CHUNK and m.index == 3)
    assert all(_ends(app, video)[name] > end for name, end in before.items()), "the next one mends it"


def test_what_stands_behind_a_hole_waits_for_it(app):
    video, messages = _first_chunk_and_sound(app)
    _watch(app, video)
    before = _ends(app, video)
    last = max(m.index for m in messages if m.step is Step.CHUNK)
    _steps(app, messages, lambda m: m.step is Step.CHUNK and m.index == last)
    assert _ends(app, video) == before
    _steps(app, messages, lambda m: m.step is Step.CHUNK and m.index == last - 1)
    assert _ends(app, video) == before or last == 2
    _steps(app, messages, lambda m: m.step is Step.CHUNK and m.index < last - 1)
    assert state(app, video) is State.ENCODING
    assert all(b"ENDLIST" not in output(app, video)[name] for name in _ends(app, video))


def test_playlists_only_become_longer_whatever_the_order_of_the_tasks(app):
    video, messages = encoding(app)
    seen = [{}]
    for message in [*(m for m in messages if m.step is Step.AUDIO), *(m for m in messages if m.step is not Step.AUDIO)]:
        run_step(app, message)
        _watch(app, video)
        seen.append(_ends(app, video))
    for before, after in pairwise(seen):
        assert all(after[name] >= end for name, end in before.items())
    assert len({tuple(ends.values()) for ends in seen}) > 2


def test_the_package_step_replaces_what_was_published_early_and_nothing_replaces_that(app):
    video, message = all_encoded(app)
    early = set(output(app, video))
    run_step(app, message)
    blobs = output(app, video)
    assert early < set(blobs)
    assert all(b"ENDLIST" in blobs[name] for name in _ends(app, video))
    assert not app.storage.blobs.put_early(layout.output_container(video.id), layout.MASTER_PLAYLIST, b"late", 10**12)


def test_the_end_comes_with_the_last_segment(app):
    """Whoever was given all segments before would learn of nothing but the end, which video.js does not notice."""
    video, _ = all_encoded(app)
    _watch(app, video)
    video = app.storage.videos.get(video.id)
    publish_early(app, video, TaskId(Step.AUDIO))
    for name, seconds in _ends(app, video).items():
        assert b"ENDLIST" not in output(app, video)[name]
        assert seconds < video.plan.duration
        text = rendered(app, video, name, "token", "")
        assert "#EXT-X-ENDLIST" in text
        assert _seconds(text.encode()) > video.plan.duration - Fraction(1, 40)  # sound ends with an AAC frame
    assert 'type="static"' in rendered(app, video, layout.DASH_MANIFEST, "token", "")


def test_trouble_with_it_costs_nothing_else(app, monkeypatch):
    def unavailable(*_args):
        raise StorageUnavailable("Storage answered 503 ServerBusy.")

    monkeypatch.setattr(app.storage.blobs, "put_early", unavailable)
    video, message = all_encoded(app)
    assert app.storage.videos.get(video.id).playable is None
    run_step(app, message)
    assert state(app, video) is State.READY
    assert all(b"ENDLIST" in output(app, video)[name] for name in _ends(app, video))


def test_what_a_task_has_finished_so_far_counts(app):
    """Sound is one task, which may take as long as all of the picture."""
    video, messages = _first_chunk_and_sound(app)
    sound = next(m for m in messages if m.step is Step.AUDIO)
    row = app.storage.tasks.get(video.id, sound.task)
    output_ = row.result.encode
    first = output_.renditions[0].model_copy(update={"segments": output_.renditions[0].segments[:2]})
    partly = EncodeOutput(renditions=(first,))
    row = app.storage.tasks.put(replace(row, finished=None, result=None))
    sink = TaskReporter(app, video, Row(app, row))
    sink.progress(0.5, partly)
    sink.beat()
    row = app.storage.tasks.get(video.id, sound.task)
    assert (row.done, row.progress, row.result) == (False, 0.5, TaskResult(encode=partly))
    whole = early_presentation(video.plan, Outputs.of(app.storage.tasks.of(video.id)), None, EARLY)
    assert whole is not None
    assert 0 < whole.duration <= 2.1 * TIMESCALE


def test_sound_and_picture_end_together(app):
    """Whichever is ahead: a segment of sound ends up to an AAC frame after that of the picture beside it."""
    video, messages = encoding(app)
    _steps(app, messages, lambda m: m.step is Step.AUDIO or m.index <= 1)
    whole = early_presentation(video.plan, Outputs.of(app.storage.tasks.of(video.id)), None, EARLY)
    assert whole is not None
    ends = {track.duration for track in whole.video}
    assert len(ends) == 1
    (end,) = ends
    assert end <= whole.audio[0].duration < end + TIMESCALE


@pytest.mark.parametrize(
    ("published", "end", "elapsed", "expected"),
    [
        (None, 2, 0, True),
        (2, 2, 0, False),
        (4, 2, 0, False),
        (2, 4, 0, True),
        # Nobody can have come near its end, but it has become much longer.
        (100, 120, 5, True),
        (100, 104, 5, False),
        # Who plays twice as fast may be there soon.
        (100, 104, 25, True),
        (1000, 1050, 25, False),
    ],
)
def test_it_is_published_as_often_as_players_can_use_it(published, end, elapsed, expected):
    ticks = None if published is None else published * TIMESCALE
    assert should_publish(ticks, end * TIMESCALE, NOW, NOW + timedelta(seconds=elapsed)) is expected


def test_what_was_published_by_nobody_knows_whom_is_published_again():
    assert should_publish(10, 10, None, NOW)
