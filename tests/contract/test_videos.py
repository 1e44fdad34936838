import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest

from connector.domain.absence import Absence
from connector.domain.listing import VideoFilter
from connector.domain.media_info import Access, AudioStream, MediaInfo, VideoStream
from connector.domain.plan import AudioRendition, Chunk, Plan, Rendition, Size, Stills
from connector.domain.usage import Usage
from connector.domain.video import About, Failure, State, Video, new_id, new_video
from connector.errors import NotFound, RowChanged, TooLarge

NOW = datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)

INFO = MediaInfo(
    container="mov,mp4",
    access=Access.SEEK,
    video=VideoStream(
        index=0,
        codec="h264",
        width=1920,
        height=1080,
        display_width=1080,
        display_height=1920,
        frame_rate=Fraction(30000, 1001),
        constant=True,
        start=Fraction(0),
        end=Fraction(3600),
        tolerance=Fraction(1, 60),
        rotation=90,
        interlaced=False,
        hdr=False,
    ),
    audio=(
        AudioStream(
            index=1,
            codec="aac",
            channels=2,
            sampling_rate=48000,
            start=Fraction(0),
            end=Fraction(3600),
            language="de",
            title="Ton",
        ),
    ),
)

PLAN = Plan(
    frame_rate=Fraction(30000, 1001),
    origin=Fraction(0),
    tolerance=Fraction(1, 1000),
    frames=107_892,
    gop=120,
    duration=Fraction(3600),
    renditions=(Rendition(id=5_000_000, width=1080, height=1920, crf=21.0, maxrate=6_000_000),),
    audio=(AudioRendition(id=128_000, stream=1, bitrate=128_000, language="de", name="Ton"),),
    chunks=tuple(
        Chunk(start=start, stop=min(start + 900, 107_892), renditions=(5_000_000,)) for start in range(0, 107_892, 900)
    ),
    stills=Stills(
        interval=Fraction(10),
        count=360,
        columns=10,
        tile=Size(width=50, height=90),
        poster=Size(width=720, height=1280),
        thumbnail=Size(width=360, height=640),
        thumbnails=(5394, 16183),
    ),
    progressive=5_000_000,
)


def full_video(**changes) -> Video:
    video = Video(
        id=new_id(),
        created=NOW,
        modified=NOW + timedelta(seconds=1),
        file_name="Überraschung 🎬 'год'.MOV",
        state=State.FAILED,
        source_etag='"0x8DABCDEF"',
        snapshot="2026-11-29T17:04:16.4801234Z",
        size=5_000_000_000_000,
        info=INFO,
        plan=PLAN,
        failure=Failure("Unreadable", "The file is “broken”."),
        queued=NOW,
        encoding=NOW.replace(microsecond=0),
        packaging=NOW,
        finished=NOW,
        about=About("Ein „Titel“", "Zwei\nZeilen", ("Ferien", "海", "a,b"), {"key": "value", "ключ": ""}),
        playable=NOW,
        watched=NOW,
        edited=NOW,
        used=Usage(seconds=1234.5, executions=17, writes=5678, size=6_000_000_000_000),
        trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    return replace(video, **changes)


@pytest.mark.parametrize(
    "video",
    [full_video(), new_video("a.mp4"), new_video("a.mp4", protected=True, encrypted_upload=True)],
    ids=["full", "new", "protected"],
)
def test_a_video_comes_back_as_it_was_saved(storage, video):
    created = storage.videos.create(video)

    assert created == replace(video, etag=created.etag)
    assert created.etag
    assert storage.videos.get(video.id) == created


def test_times_come_back_in_utc_as_plain_datetimes(storage):
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    video = storage.videos.create(full_video(modified=elsewhere))

    assert storage.videos.get(video.id).modified == NOW
    assert type(storage.videos.get(video.id).modified) is datetime


def test_saving_replaces_the_whole_row(storage):
    video = storage.videos.create(full_video())

    saved = storage.videos.save(replace(video, failure=None, plan=None, finished=None, about=About()))

    assert saved.etag != video.etag
    assert storage.videos.get(video.id) == saved
    assert saved.plan is None


def test_of_two_writers_the_second_meets_a_conflict(storage):
    first = second = storage.videos.create(new_video("a.mp4"))
    storage.videos.save(first.to(State.QUEUED, NOW))

    with pytest.raises(RowChanged):
        storage.videos.save(second.to(State.FAILED, NOW))

    assert storage.videos.get(first.id).state is State.QUEUED


def test_of_many_writers_at_once_exactly_one_wins(storage):
    video = storage.videos.create(new_video("a.mp4"))

    def write(size: int) -> bool:
        try:
            storage.videos.save(replace(video, size=size))
        except RowChanged:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(8))) == 1


def test_an_id_is_created_once(storage):
    video = storage.videos.create(new_video("a.mp4"))

    with pytest.raises(RowChanged):
        storage.videos.create(video)


def test_an_unknown_video_is_not_found(storage):
    with pytest.raises(NotFound):
        storage.videos.get(new_id())


def test_saving_what_was_deleted_does_not_bring_it_back(storage):
    video = storage.videos.create(new_video("a.mp4"))
    storage.videos.delete(video.id)

    with pytest.raises(NotFound):
        storage.videos.save(video)
    with pytest.raises(NotFound):
        storage.videos.get(video.id)


def test_saving_what_was_never_created_is_not_found(storage):
    with pytest.raises(NotFound):
        storage.videos.save(new_video("a.mp4"))


def test_deleting_twice_is_harmless(storage):
    video = storage.videos.create(new_video("a.mp4"))

    storage.videos.delete(video.id)
    storage.videos.delete(video.id)


def test_videos_are_found_by_state_and_age(storage):
    def create(state: State, modified: datetime) -> Video:
        return storage.videos.create(full_video(state=state, modified=modified))

    old, new = NOW - timedelta(days=1), NOW
    wanted = [create(State.QUEUED, old) for _ in range(9)] + [create(State.ENCODING, old)]
    others = [create(State.QUEUED, new), create(State.READY, old)]

    found = list(storage.videos.in_states([State.QUEUED, State.ENCODING], new))

    mine = {video.id for video in wanted + others}
    assert sorted((v for v in found if v.id in mine), key=lambda v: v.id) == sorted(wanted, key=lambda v: v.id)
    assert list(storage.videos.in_states([], new)) == []


@pytest.mark.azurite
def test_a_plan_that_does_not_fit_a_row_is_refused_clearly(azure):
    noise = random.Random(1)
    audio = tuple(
        AudioRendition(id=i, stream=i, bitrate=i, language="de", name=noise.randbytes(16).hex()) for i in range(10_000)
    )

    with pytest.raises(TooLarge, match="65536"):
        azure.videos.create(full_video(plan=PLAN.model_copy(update={"audio": audio})))


@pytest.mark.azurite
def test_a_partition_lists_the_newest_first_and_ids_spread_over_all_four(azure):
    ids = [azure.videos.create(new_video("a.mp4", NOW)).id for _ in range(40)]
    table = azure.table_service.get_table_client("Videos")

    shards = [[row["Id"] for row in table.query_entities(f"PartitionKey eq '{i}'")] for i in range(4)]

    assert set(ids) <= {video_id for shard in shards for video_id in shard}
    for shard in shards:
        assert shard
        assert shard == sorted(shard, reverse=True)


def test_a_note_on_a_video_without_a_row_is_kept_apart_from_the_videos(storage):
    moment = datetime(2040, 1, 1, tzinfo=UTC)
    first, second, later = (new_id(moment + timedelta(days=n)) for n in (0, 0, 1))
    before = {video.id for video in storage.videos.in_states(tuple(State), moment)}
    for video_id in (first, second, later):
        storage.videos.note_absence(Absence(video_id, NOW, deleted=False))
    storage.videos.note_absence(Absence(first, NOW + timedelta(days=1), deleted=True))

    found = {absence.video_id: absence for absence in storage.videos.absences(str(first)[:6])}
    assert found == {
        first: Absence(first, NOW + timedelta(days=1), deleted=True),
        second: Absence(second, NOW, deleted=False),
    }
    assert [absence.video_id for absence in storage.videos.absences(str(later))] == [later]
    assert list(storage.videos.absences(str(new_id(moment)))) == []
    assert {video.id for video in storage.videos.in_states(tuple(State), moment)} == before
    shown = storage.videos.page(VideoFilter(), None, 200).videos
    assert not {video.id for video in shown} & {first, second, later}
    with pytest.raises(NotFound):
        storage.videos.get(first)

    for video_id in (first, first, second):
        storage.videos.forget_absence(video_id)
    assert list(storage.videos.absences(str(first)[:6])) == []
    assert [absence.video_id for absence in storage.videos.absences(str(later))] == [later]


def test_videos_may_be_looked_for_among_those_that_were_created_lately(storage):
    moment = datetime(2041, 3, 4, 5, 6, 7, 891_000, tzinfo=UTC)
    ages = [timedelta(milliseconds=n) for n in (-1000, 0, 1, 1000, 10**9)]
    videos = [storage.videos.create(full_video(id=new_id(moment - age), state=State.QUEUED)) for age in ages * 4]
    later = NOW + timedelta(days=1)

    found = {video.id for video in storage.videos.in_states([State.QUEUED], later, moment)}

    mine = {video.id for video in videos}
    assert found & mine == {video.id for video, age in zip(videos, ages * 4, strict=True) if age <= timedelta(0)}
    assert mine <= {video.id for video in storage.videos.in_states([State.QUEUED], later)}
