"""Listing a large library page by page while others create and delete; completing an upload many times at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from threading import Event, Thread
from uuid import UUID

import httpx
import pytest

from connector.domain.listing import VideoFilter
from connector.domain.video import About, State, Video, new_id, new_video
from connector.storage.azure import AzureStorage
from connector.storage.videos import _to_entity
from local.stack import Stack
from tests.conftest import PROJECT
from tests.support.publishing import numbered_source

pytestmark = pytest.mark.azurite

COUNT, PAGE = 5_000, 50


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Iterator[tuple[str, AzureStorage, list[Video]]]:
    """(API, storage, 5,000 videos of an hour ago)."""
    with Stack(PROJECT, tmp_path_factory.mktemp("library"), encoders=0) as stack:
        httpx.get(f"{stack.api}/health").raise_for_status()  # makes the tables
        with closing(AzureStorage(stack.connection_string)) as storage:
            yield stack.api, storage, _filled(storage)


def _filled(storage: AzureStorage) -> list[Video]:
    videos = []
    for i in range(COUNT):
        about = About(tags=("tenth",) if i % 10 == 0 else ())
        video = replace(new_video(f"{'even' if i % 2 == 0 else 'odd'}-{i}.mp4", about=about), id=new_id())
        videos.append(replace(video, state=State.READY if i % 3 == 0 else State.AWAITING_UPLOAD))
    table = storage.table_service.get_table_client("Videos")
    by_shard: dict[str, list[dict]] = {}
    for video in videos:
        entity = _to_entity(video)
        by_shard.setdefault(entity["PartitionKey"], []).append(entity)
    for entities in by_shard.values():
        for start in range(0, len(entities), 100):
            table.submit_transaction([("create", entity) for entity in entities[start : start + 100]])
    return videos


def walk(api: str, **query: str | int) -> Iterator[list[dict]]:
    with httpx.Client(timeout=60) as http:
        token = None
        while True:
            asked = query if token is None else {**query, "continuationToken": token}
            answer = http.get(f"{api}/Videos", params=asked)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            yield body["Items"]
            token = body["ContinuationToken"]
            if token is None:
                return


def test_pages_neither_skip_nor_repeat_while_others_create_and_delete(library):
    api, storage, videos = library
    doomed = [storage.videos.create(new_video(f"doomed-{i}.mp4")) for i in range(100)]
    stop = Event()

    def churn() -> None:
        with httpx.Client(timeout=60) as http:
            while not stop.is_set():
                http.post(f"{api}/Videos", json={"OriginalFileName": "new.mp4"})
                if doomed:
                    http.delete(f"{api}/Videos/{doomed.pop().id}")

    other = Thread(target=churn)
    other.start()
    try:
        pages = list(walk(api, top=PAGE))
    finally:
        stop.set()
        other.join()

    ids = [item["Id"] for page in pages for item in page]
    assert len(doomed) < 100
    assert len(ids) == len(set(ids))
    assert {str(video.id) for video in videos} <= set(ids)
    assert ids == sorted(ids, reverse=True)
    assert all(len(page) <= PAGE for page in pages)


def test_filters_combine_over_many_pages(library):
    api, _, videos = library
    ready = [v for v in videos if v.state is State.READY and "tenth" in v.about.tags]
    wanted = {str(v.id) for v in ready if v.file_name.startswith("even")}
    pages = walk(api, top=PAGE, tag="tenth", namePrefix="EVEN", status="Completed")
    found = [item["Id"] for page in pages for item in page]
    assert len(wanted) > 100
    assert (len(found), set(found)) == (len(wanted), wanted)


def test_a_page_takes_a_bounded_number_of_requests(library, monkeypatch):
    _, storage, _ = library
    requests: list[int] = []
    query = storage.videos._table.query_entities
    monkeypatch.setattr(storage.videos._table, "query_entities", lambda *a, **k: requests.append(1) or query(*a, **k))

    after: UUID | None = None
    most = 0
    while True:
        page = storage.videos.page(VideoFilter(), after, PAGE)
        most = max(most, len(requests))
        requests.clear()
        after = page.after
        if after is None:
            break
    assert most <= 8


def test_completing_many_times_at_once_encodes_once(stack, client):
    """MarkComplete twenty times, against the blob trigger and itself."""
    video = client.create("race.mp4")
    client.upload(video, numbered_source())
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: httpx.post(f"{stack.api}/Videos/{video.id}/MarkComplete"), range(20)))
    assert {answer.status_code for answer in answers} == {202}

    seen = list(client.watch(video.id, every=0.2))

    assert seen[-1].status == "Completed", seen[-1].message
    with closing(AzureStorage(stack.connection_string)) as storage:
        tasks = storage.tasks.of(UUID(video.id))
    assert {task.attempts for task in tasks} == {1}
