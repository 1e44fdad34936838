"""Rows that do not fit together are found before anything is published."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.errors import BrokenOutput
from connector.isobmff.init import audio_init
from connector.manifests.presentation import EarlyTimeline
from connector.pipeline.assemble import Outputs, early_presentation, inits, presentation
from tests.support.world import all_encoded

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
EARLY = EarlyTimeline(since=MOMENT, moment=MOMENT, segment=240_000)


@pytest.fixture
def encoded(app):
    video, _ = all_encoded(app)
    return video.plan, app.storage.tasks.of(video.id)


def _changed(outputs: Outputs, chunk: int, **changes) -> Outputs:
    renditions = outputs.chunks[chunk].renditions
    first = renditions[0].model_copy(update=changes)
    chunks = list(outputs.chunks)
    chunks[chunk] = chunks[chunk].model_copy(update={"renditions": (first, *renditions[1:])})
    return replace(outputs, chunks=tuple(chunks))


def test_the_order_of_rows_does_not_matter(encoded):
    plan, tasks = encoded
    assert Outputs.of(tasks[::-1]) == Outputs.of(tasks)
    whole = presentation(plan, Outputs.of(tasks), None)
    assert [t.id for t in whole.video] == [r.id for r in plan.renditions]
    assert [s.time for s in whole.video[0].segments] == [0, 115_200, 355_200, 595_200, 835_200]
    assert (whole.video[0].codec, whole.audio[0].codec) == ("avc1.64001F", "mp4a.40.2")


@pytest.mark.parametrize("missing", [0, 2])
def test_a_missing_output_is_found(encoded, missing):
    plan, tasks = encoded
    with pytest.raises(BrokenOutput, match="not every task"):
        presentation(plan, Outputs.of(tasks[:missing] + tasks[missing + 1 :]), None)


def test_chunks_that_disagree_are_found(encoded):
    _, tasks = encoded
    with pytest.raises(BrokenOutput, match="disagree"):
        inits(_changed(Outputs.of(tasks), 1, init="00"))


@pytest.mark.parametrize(("chunk", "message"), [(0, "begin at 0"), (2, "hole")])
def test_a_hole_in_the_timeline_is_found(encoded, chunk, message):
    plan, tasks = encoded
    with pytest.raises(BrokenOutput, match=message):
        presentation(plan, _changed(Outputs.of(tasks), chunk, segments=()), None)


@pytest.mark.parametrize("init", ["", "00", "no hex", audio_init(b"\x11\x90", 48_000, 2, "en", 1).hex()])
def test_an_init_segment_that_is_none_of_a_picture_is_found(encoded, init):
    """A media process, which hostile media may have taken over, says what the init segment is."""
    plan, tasks = encoded
    outputs = Outputs.of(tasks)
    for chunk in range(len(outputs.chunks)):
        outputs = _changed(outputs, chunk, init=init)
    with pytest.raises(BrokenOutput, match="init segment"):
        presentation(plan, outputs, None)
    with pytest.raises(BrokenOutput, match="init segment"):
        early_presentation(plan, outputs, None, EARLY)


def test_a_rendition_that_no_chunk_made_is_found_early(encoded):
    plan, tasks = encoded
    outputs = _changed(Outputs.of(tasks), 0, id=1)
    assert early_presentation(plan, outputs, None, EARLY) is None


def test_renditions_with_different_segments_are_found(encoded):
    """All quality levels of a Smooth Streaming manifest share one list of chunks."""
    plan, tasks = encoded
    outputs = Outputs.of(tasks)
    (segment,) = outputs.chunks[1].renditions[0].segments
    half = segment.duration // 2
    halves = (
        segment.model_copy(update={"duration": half}),
        segment.model_copy(update={"time": segment.time + half, "duration": segment.duration - half}),
    )
    with pytest.raises(BrokenOutput, match="different segments"):
        presentation(plan, _changed(outputs, 1, segments=halves), None)
