from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from connector.domain.listing import VideoFilter
from connector.domain.ports import Storage
from connector.domain.video import About, State, Video, new_video
from connector.storage import listing
from connector.storage import videos as table

ALL = VideoFilter()


def pages(storage: Storage, wanted: VideoFilter, top: int) -> Iterator[tuple[Video, ...]]:
    after: UUID | None = None
    while True:
        page = storage.videos.page(wanted, after, top)
        assert len(page.videos) <= top
        yield page.videos
        after = page.after
        if after is None:
            return


def listed(storage: Storage, wanted: VideoFilter = ALL, top: int = 7) -> list[UUID]:
    return [video.id for page in pages(storage, wanted, top) for video in page]


@pytest.fixture
def videos(storage: Storage) -> list[Video]:
    made = [storage.videos.create(new_video(f"{i}.mp4")) for i in range(23)]
    return sorted(made, key=lambda v: v.id, reverse=True)


@pytest.mark.parametrize("top", [1, 5, 23, 200])
def test_pages_hold_every_video_once_newest_first(storage, videos, top):
    found = listed(storage, top=top)

    assert found == sorted(set(found), reverse=True)
    assert {v.id for v in videos} <= set(found)


def test_a_page_holds_whole_videos(storage, videos):
    assert storage.videos.page(ALL, None, 23).videos == tuple(videos)


def test_videos_created_and_deleted_between_pages_move_no_other(storage, videos):
    seen: list[UUID] = []
    for number, page in enumerate(pages(storage, ALL, 5)):
        seen += [v.id for v in page]
        storage.videos.create(new_video("later.mp4"))
        if number == 0:
            storage.videos.delete(videos[2].id)  # seen already
            storage.videos.delete(videos[10].id)  # not seen yet

    assert len(seen) == len(set(seen))
    assert {v.id for v in videos if v is not videos[10]} <= set(seen)
    assert videos[10].id not in seen


def test_filters_combine(storage):
    def create(name: str, state: State, *tags: str) -> UUID:
        return storage.videos.create(replace(new_video(name, about=About(tags=tags)), state=state)).id

    wanted = create("Größe-1.mp4", State.READY, "filtered", "b")
    create("Größe-2.mp4", State.FAILED, "filtered")
    create("other.mp4", State.READY, "filtered")
    create("größe-4.mp4", State.READY, "unfiltered")
    both = create("GRÖSSE-5.mp4", State.PACKAGING, "filtered")

    assert listed(storage, VideoFilter((State.READY, State.PACKAGING), "filtered", "gröss")) == [both, wanted]
    assert len(listed(storage, VideoFilter(tag="filtered"))) == 4
    assert listed(storage, VideoFilter(tag="filter")) == []


@pytest.mark.azurite
def test_requests_per_page_are_bounded_and_a_short_page_goes_on_where_it_stopped(azure, monkeypatch):
    rare = azure.videos.create(new_video("rare.mp4", about=About(tags=("rare",))))
    for i in range(60):
        azure.videos.create(new_video(f"{i}.mp4"))
    requests = []
    query = azure.videos._table.query_entities
    monkeypatch.setattr(azure.videos._table, "query_entities", lambda *a, **k: requests.append(1) or query(*a, **k))
    monkeypatch.setattr(table, "_SCANNED", 2)

    counts = []
    found = []
    for page in pages(azure, VideoFilter(tag="rare"), 5):
        counts.append(len(requests))
        requests.clear()
        found += page

    assert found == [rare]
    assert len(counts) > 1
    assert max(counts) <= listing.MAX_CALLS
