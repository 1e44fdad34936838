from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from connector.domain.estimate import Machine, planned, spent
from connector.domain.media_info import Access
from connector.domain.planner import Limits, make_plan
from connector.domain.step import Step, TaskId
from connector.domain.task import EncodeOutput, RenditionOutput, SegmentOutput, Task, TaskResult
from connector.domain.usage import Usage
from connector.domain.video import new_video
from tests.fakes.media import INFO, PICTURE, SOUND

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONE_CORE = Machine(seconds_per_gigapixel=10.0, threads=1)


def _video(seconds=60, lines=1080, megabits=12.0, *, picture=True, tracks=1, protected=False, **source):
    """A video of a source in 16:9 with so many Mbit/s, planned."""
    size = {"width": lines * 16 // 9, "height": lines}
    shown = {f"display_{side}": length for side, length in size.items()}
    video = PICTURE.model_copy(update={**size, **shown, "end": Fraction(seconds), "frame_rate": Fraction(30)})
    audio = SOUND.model_copy(update={"end": Fraction(seconds)})
    info = INFO.model_copy(update={"video": video if picture else None, "audio": (audio,) * tracks, **source})
    plan = make_plan(info, Limits(segment_seconds=4, chunk_seconds=30, max_lines=1080))
    upload = round(seconds * megabits * 1e6 / 8)
    return replace(new_video("a.mp4", NOW, protected=protected), info=info, plan=plan, size=upload)


def _done(video, task_id, seconds, *sizes, attempts=1):
    """The row of a task that took so long and wrote segments of these sizes, of each of its renditions."""
    renditions = video.plan.renditions if task_id.step is Step.CHUNK else video.plan.audio
    ids = [r.id for r in renditions]
    segments = tuple(SegmentOutput(time=n, duration=1, size=size) for n, size in enumerate(sizes))
    output = EncodeOutput(renditions=tuple(RenditionOutput(id=i, init="", segments=segments) for i in ids))
    end = NOW + timedelta(seconds=seconds)
    return Task(video.id, task_id, attempts, NOW, end, end, result=TaskResult(encode=output))


def test_encoding_takes_time_by_its_pixels():
    short, long = (planned(_video(seconds), ONE_CORE).seconds for seconds in (600, 1200))
    pixels = 600 * 30 * (0.3 * 1920 * 1080 + sum(r.width * r.height for r in _video().plan.renditions))
    assert long - short == pytest.approx(10 * pixels / 1e9, rel=0.07), "the rest is sound and what tasks begin with"


@pytest.mark.parametrize(
    ("dear", "cheap"),
    [
        ((_video(), Machine(20.0, 1)), (_video(), Machine(10.0, 1))),
        ((_video(), ONE_CORE), (_video(), Machine(10.0, 2))),
        ((_video(lines=1080), ONE_CORE), (_video(lines=720), ONE_CORE)),
        ((_video(lines=2160), ONE_CORE), (_video(lines=1080), ONE_CORE)),
        ((_video(tracks=2), ONE_CORE), (_video(tracks=1), ONE_CORE)),
        ((_video(access=Access.PIECES), ONE_CORE), (_video(), ONE_CORE)),
        ((_video(), ONE_CORE), (_video(picture=False), ONE_CORE)),
    ],
    ids=["slow cores", "one core", "pixels", "pixels of the source only", "tracks", "a split", "a picture"],
)
def test_what_takes_more_time(dear, cheap):
    assert planned(*dear).seconds > planned(*cheap).seconds


def test_no_task_is_billed_for_less_than_a_second():
    video = _video(seconds=1, lines=144, tracks=3)
    used = planned(video, Machine(0.001, 1))
    assert used.executions == 1 + 3 + 2
    assert used.seconds == used.executions


def test_renditions_have_their_highest_rate_unless_the_source_has_less():
    generous, poor = _video(megabits=50), _video(megabits=1)
    most = sum(r.maxrate for r in generous.plan.renditions) * 60 / 8
    made = {video.size: planned(video, ONE_CORE).size - video.size for video in (generous, poor)}
    assert most < made[generous.size] < 2 * most
    # One rendition of the source's rate, the smaller ones, and the first of them again.
    assert 2 * poor.size < made[poor.size] < 3 * poor.size


def test_a_protected_video_has_no_file_that_holds_all_again():
    clear, protected = (planned(_video(protected=p), ONE_CORE) for p in (False, True))
    assert clear.size - protected.size == pytest.approx(60 * _video().plan.renditions[0].maxrate / 8, rel=0.2)
    assert clear.writes > protected.writes


def test_sound_alone_of_unknown_length_has_an_estimate():
    video = _video(picture=False)
    video = replace(video, plan=video.plan.model_copy(update={"duration": Fraction(0)}))
    used = planned(video, ONE_CORE)
    assert used.executions == 3
    assert used.size == video.size


def test_what_was_spent_is_the_time_of_all_tasks_and_the_size_of_all_segments():
    video = replace(_video(seconds=8), used=Usage(seconds=1.5, executions=1))
    rows = [_done(video, TaskId(Step.CHUNK), 3.14, 100, 200), _done(video, TaskId(Step.AUDIO), 0.2, 10)]
    rows.append(Task(video.id, TaskId(Step.PACKAGE), 0, NOW, NOW, NOW))  # why an attempt failed
    used = spent(video, rows, timedelta(seconds=2))
    assert used.seconds == pytest.approx(1.5 + 3.2 + 1 + 2)
    assert used.executions == 4
    four = [r.id for r in video.plan.renditions]
    whole = planned(video, ONE_CORE)
    stills = used.size - video.size - 300 * len(four) - 10 - (300 + 10)
    assert 0 < stills < 1_000_000
    assert used.writes == whole.writes


def test_what_was_spent_on_a_protected_video_has_each_segment_once():
    clear = _video(seconds=8)
    protected = replace(clear, key_id=clear.id)
    sizes = [spent(v, [_done(v, TaskId(Step.CHUNK), 1, 1000)], timedelta(0)).size for v in (clear, protected)]
    assert sizes[0] - sizes[1] == 1000
