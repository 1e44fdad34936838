import itertools
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.video import FINAL, State, new_id, new_video

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ALLOWED = {
    (State.AWAITING_UPLOAD, State.QUEUED): "queued",
    (State.QUEUED, State.ENCODING): "encoding",
    (State.ENCODING, State.PACKAGING): "packaging",
    (State.PACKAGING, State.READY): "finished",
    **{(s, State.FAILED): "finished" for s in State if s not in {State.READY, State.FAILED}},
}


@pytest.mark.parametrize(("before", "after"), [*itertools.product(State, State)])
def test_every_pair_of_states(before, after):
    video = replace(new_video("a.mp4", NOW), state=before)
    later = NOW + timedelta(minutes=1)
    if (before, after) in ALLOWED:
        moved = video.to(after, later, size=5)
        stamp = {ALLOWED[before, after]: later}
        assert moved == replace(video, state=after, modified=later, size=5, **stamp)
    else:
        with pytest.raises(ValueError, match="not a transition"):
            video.to(after, later)


@given(st.lists(st.sampled_from(State), max_size=12))
def test_no_path_leaves_a_final_state(path):
    video, ended = new_video("a.mp4", NOW), None
    for state in path:
        try:
            video = video.to(state, NOW)
        except ValueError:
            continue
        assert ended is None
        ended = video.state if video.state in FINAL else None


def test_ids_are_uuid_7_and_sort_by_creation():
    before = time.time_ns() // 1_000_000
    ids = []
    for _ in range(5):
        ids.append(new_id())
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert sorted(map(str, ids)) == [str(i) for i in ids]
    assert {(i.version, i.variant) for i in ids} == {(7, RFC_4122)}
    assert before <= ids[0].int >> 80 <= ids[-1].int >> 80 <= time.time_ns() // 1_000_000


def test_an_id_says_when_its_video_was_created():
    created = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    assert new_video("a.mp4", created).id.int >> 80 == created.timestamp() * 1000


def test_ids_of_one_moment_differ():
    assert len({new_id() for _ in range(2000)}) == 2000


def test_the_blob_is_named_by_the_id_and_the_extension_alone():
    video = new_video("../My Film.MoV")
    assert video.original_file_name == f"{video.id}.mov"
    assert video.blob_name == f"{video.id}/{video.id}.mov"
