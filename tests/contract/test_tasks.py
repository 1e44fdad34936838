import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from azure.data.tables import UpdateMode

from connector.domain.step import Step, TaskId
from connector.domain.task import EncodeOutput, PosterOutput, RenditionOutput, SegmentOutput, Task, TaskResult
from connector.domain.usage import OnDemand, Usage
from connector.domain.video import new_id
from connector.errors import NotFound, RowChanged, TooLarge

NOW = datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)
FIRST = TaskId(Step.CHUNK)


def make_task(video_id, task_id=FIRST, **changes) -> Task:
    task = Task(video_id=video_id, id=task_id, attempts=1, started=NOW, heartbeat=NOW, worker="host/1")
    return replace(task, **changes)


def audio_result(segments: int) -> TaskResult:
    """What audio leaves behind: with segments of 4 s, 2,700 are three hours."""
    sizes = random.Random(1)
    outputs = [
        SegmentOutput(time=i * 962_560, duration=962_560, size=sizes.randint(60_000, 70_000)) for i in range(segments)
    ]
    rendition = RenditionOutput(id=128_000, init="00" * 700, segments=tuple(outputs))
    poster = PosterOutput(time=1.5, score=0.25)
    return TaskResult(encode=EncodeOutput(renditions=(rendition,), poster=poster))


@pytest.mark.parametrize(
    "result",
    [None, TaskResult(), audio_result(2_700), audio_result(20_000)],
    ids=["none", "empty", "audio of three hours", "more than one property"],
)
def test_a_task_comes_back_as_it_was_put(storage, result):
    task = make_task(new_id(), TaskId(Step.AUDIO, 1), finished=NOW, progress=1.0, result=result)

    written = storage.tasks.put(task)

    found = storage.tasks.get(task.video_id, task.id)
    assert found == written
    assert replace(found, etag=None) == task
    assert storage.tasks.of(task.video_id) == [found]


def test_a_row_is_replaced_as_it_was_read(storage):
    task = make_task(new_id(), finished=NOW, result=audio_result(20_000))
    storage.tasks.put(task)
    read = storage.tasks.get(task.video_id, task.id)

    changed = {"attempts": 4, "failures": 2, "code": "ProcessingFailed", "losses": 1, "due": NOW}
    again = replace(read, finished=None, result=None, progress=0.5, driven=NOW, **changed)
    written = storage.tasks.put(again)

    found = storage.tasks.get(task.video_id, task.id)
    assert found == written
    assert replace(found, etag=read.etag) == again
    assert found.etag != read.etag
    (overview,) = storage.tasks.overview(task.video_id)
    assert overview == replace(again, etag=None), "the timer reads all of it"


def test_a_row_that_changed_since_it_was_read_is_not_replaced(storage):
    task = make_task(new_id())
    storage.tasks.put(task)
    read = storage.tasks.get(task.video_id, task.id)
    storage.tasks.put(replace(read, attempts=2))

    for late in (replace(read, attempts=3), replace(task, attempts=3)):
        with pytest.raises(RowChanged):
            storage.tasks.put(late)

    assert storage.tasks.get(task.video_id, task.id).attempts == 2


def test_a_row_that_is_gone_is_not_replaced(storage):
    task = make_task(new_id())
    storage.tasks.put(task)
    read = storage.tasks.get(task.video_id, task.id)
    storage.tasks.delete(task.video_id)

    with pytest.raises(NotFound):
        storage.tasks.put(read)


def test_videos_with_rows_are_found_by_how_their_ids_begin(storage):
    mine, other = new_id(), UUID("feedbeef-0000-7000-8000-000000000000")
    for video_id, task_id in ((mine, TaskId(Step.CHUNK)), (mine, TaskId(Step.CHUNK, 1)), (other, TaskId(Step.CHUNK))):
        storage.tasks.put(make_task(video_id, task_id))

    assert list(storage.tasks.videos(str(mine)[:13])).count(mine) == 1
    assert list(storage.tasks.videos("feedbe")) == [other]
    assert list(storage.tasks.videos("feedbf")) == []
    storage.tasks.delete(other)
    assert list(storage.tasks.videos("feedbe")) == []


def test_an_unknown_task_is_none(storage):
    assert storage.tasks.get(new_id(), TaskId(Step.CHUNK)) is None


def test_tasks_come_sorted_and_of_one_video_only(storage):
    video_id = new_id()
    storage.tasks.put(make_task(new_id()))
    for task_id in (TaskId(Step.SPLIT), TaskId(Step.CHUNK, 10), TaskId(Step.AUDIO), TaskId(Step.CHUNK, 9)):
        storage.tasks.put(make_task(video_id, task_id))

    ids = [task.id for task in storage.tasks.of(video_id)]

    assert ids == [TaskId(Step.AUDIO), TaskId(Step.CHUNK, 9), TaskId(Step.CHUNK, 10), TaskId(Step.SPLIT)]


def test_the_overview_tells_which_tasks_are_finished_without_their_results(storage):
    video_id = new_id()
    storage.tasks.put(make_task(video_id, TaskId(Step.CHUNK), finished=NOW, result=audio_result(10)))
    storage.tasks.put(make_task(video_id, TaskId(Step.CHUNK, 1), progress=0.9))
    storage.tasks.put(make_task(video_id, TaskId(Step.AUDIO), finished=NOW))

    overview = storage.tasks.overview(video_id)
    assert {task.id for task in overview if task.done} == {TaskId(Step.CHUNK), TaskId(Step.AUDIO)}
    assert all(task.result is None for task in overview)
    assert storage.tasks.overview(new_id()) == []


def put_many(storage, video_id, count):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: storage.tasks.put(make_task(video_id, TaskId(Step.CHUNK, i))), range(count)))


def test_deleting_takes_all_tasks_of_one_video(storage):
    video_id, other = new_id(), new_id()
    put_many(storage, video_id, 101)
    storage.tasks.put(make_task(other))

    storage.tasks.delete(video_id)
    storage.tasks.delete(video_id)

    assert storage.tasks.of(video_id) == []
    assert len(storage.tasks.of(other)) == 1


def test_two_may_delete_at_once(storage):
    video_id = new_id()
    put_many(storage, video_id, 30)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: storage.tasks.delete(video_id), range(2)))

    assert storage.tasks.of(video_id) == []


@pytest.mark.azurite
def test_a_row_of_an_older_version_counts_nothing(azure):
    task = make_task(new_id())
    azure.tasks.put(task)
    table = azure.table_service.get_table_client("Tasks")
    row = dict(table.get_entity(str(task.video_id), str(task.id)))
    del row["Failures"], row["Losses"]
    table.update_entity(row, mode=UpdateMode.REPLACE)

    for found in (azure.tasks.get(task.video_id, task.id), *azure.tasks.overview(task.video_id)):
        assert replace(found, etag=None) == task


@pytest.mark.azurite
def test_a_result_that_does_not_fit_a_row_is_refused_clearly(azure):
    noise = random.Random(1)
    renditions = [RenditionOutput(id=n, init=noise.randbytes(30_000).hex(), segments=()) for n in range(50)]
    result = TaskResult(encode=EncodeOutput(renditions=tuple(renditions)))

    with pytest.raises(TooLarge):
        azure.tasks.put(make_task(new_id(), result=result))


USED = Usage(seconds=1.5, executions=1, writes=1, size=6_000_000_000_000)


def test_what_pictures_on_demand_use_has_a_row_of_its_own_that_is_no_task(storage):
    video = new_id()
    task = storage.tasks.put(make_task(video))
    assert storage.tasks.on_demand(video) == OnDemand()
    storage.tasks.put_on_demand(video, OnDemand(USED))
    found = storage.tasks.on_demand(video)
    assert found.usage == USED
    storage.tasks.put_on_demand(video, replace(found, usage=replace(USED, executions=2)))
    assert storage.tasks.on_demand(video).usage.executions == 2
    assert storage.tasks.of(video) == [task]
    assert [row.id for row in storage.tasks.overview(video)] == [task.id]


def test_the_row_of_pictures_on_demand_is_saved_as_it_was_read_only(storage):
    video = new_id()
    storage.tasks.put_on_demand(video, OnDemand(USED))
    read = storage.tasks.on_demand(video)
    with pytest.raises(RowChanged):
        storage.tasks.put_on_demand(video, OnDemand(USED))
    storage.tasks.put_on_demand(video, read)
    with pytest.raises(RowChanged):
        storage.tasks.put_on_demand(video, read)
    read = storage.tasks.on_demand(video)
    assert list(storage.tasks.videos(str(video))) == [video]
    storage.tasks.delete(video)
    assert storage.tasks.on_demand(video) == OnDemand()
    with pytest.raises(NotFound):
        storage.tasks.put_on_demand(video, read)
