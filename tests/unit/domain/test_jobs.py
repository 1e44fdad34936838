"""Where a job's blobs are written, and which are none of its own."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain import layout
from connector.domain.job_blobs import (
    BlockBlob,
    JobBlob,
    PictureBlob,
    PieceBlob,
    PosterCandidateBlob,
    SampleTablesBlob,
    SegmentBlob,
    StoryboardBlob,
    ThumbnailBlob,
    TileStripBlob,
)
from connector.domain.jobs import AudioJob, ChunkJob, Job, ProbeJob, SplitJob, StillJob, StoryboardJob
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.plan import Size
from connector.domain.planner import Limits, make_plan, sound_segments
from tests.fakes.media import INFO, PICTURE, SOUND

LIMITS = JobLimits(seconds=1, memory=1, threads=1)
LARGE = PICTURE.model_copy(
    update={"width": 1920, "height": 1080, "display_width": 1920, "display_height": 1080, "end": Fraction(60)}
)
AUDIO = (SOUND, SOUND.model_copy(update={"index": 2}))
PLAN = make_plan(INFO.model_copy(update={"video": LARGE, "audio": AUDIO}), Limits(2, 10, 2160))
"""Two chunks share the first segment: one for the highest rendition, one for the others."""
SOUND_ONLY = make_plan(INFO.model_copy(update={"video": None}), Limits(2, 10, 2160))
TOP, SECOND = PLAN.renditions[0].id, PLAN.renditions[1].id


def _chunk(index: int) -> ChunkJob:
    return ChunkJob(limits=LIMITS, info=INFO, plan=PLAN, index=index, preset="veryfast")


def _audio(index: int, plan=PLAN) -> AudioJob:
    head, length = sound_segments(plan, 2)
    return AudioJob(limits=LIMITS, plan=plan, index=index, head_seconds=head, segment_seconds=length)


SPLIT = SplitJob(limits=LIMITS, stream=0, piece_seconds=8, size=1)
STORYBOARD = StoryboardJob(limits=LIMITS, plan=PLAN, tiles=(1,))
STILL = StillJob(limits=LIMITS, frame=0, size=Size(width=16, height=16), form="png", name="thumbnails/frames/7-16.png")
PROBE = ProbeJob(limits=LIMITS, accepted=SourceLimits(minutes=1, pixels=1, frame_rate=1, tracks=1))
LATE = PLAN.chunks[3].start * layout.TIMESCALE // 25


@pytest.mark.parametrize(
    ("job", "blob", "place"),
    [
        (_chunk(0), SegmentBlob(rendition=TOP, time=0), ("output", f"video/{TOP}/0.m4s")),
        (_chunk(3), SegmentBlob(rendition=SECOND, time=LATE), ("output", f"video/{SECOND}/{LATE}.m4s")),
        (_chunk(3), BlockBlob(time=LATE), ("block", f"v{LATE:015d}")),
        (_chunk(3), SampleTablesBlob(), ("work", "samples/chunk-000003")),
        (_chunk(0), ThumbnailBlob(number=1), None),
        (_chunk(3), ThumbnailBlob(number=1), ("stills", "thumbnails/0001.jpg")),
        (_chunk(3), TileStripBlob(), ("work", "tiles/000003.jpg")),
        (_chunk(3), PosterCandidateBlob(), ("work", "posters/000003.jpg")),
        (_chunk(0), SegmentBlob(rendition=SECOND, time=0), None),
        (_chunk(1), SegmentBlob(rendition=TOP, time=0), None),
        (_chunk(1), TileStripBlob(), None),
        (_chunk(1), PosterCandidateBlob(), None),
        (_chunk(3), SegmentBlob(rendition=TOP, time=0), None),
        (_chunk(3), SegmentBlob(rendition=TOP, time=LATE + 1), None),
        (_chunk(3), BlockBlob(time=0), None),
        (_audio(0), SegmentBlob(rendition=128_000, time=5120), ("output", "audio/128000/5120.m4s")),
        (_audio(1), SegmentBlob(rendition=128_001, time=5120), ("output", "audio/128001/5120.m4s")),
        (_audio(0), BlockBlob(time=5120), ("block", "a000000000005120")),
        (_audio(0), SampleTablesBlob(), ("work", "samples/audio-000000")),
        (_audio(1), SegmentBlob(rendition=128_000, time=0), None),
        (_audio(1), BlockBlob(time=0), None),
        (_audio(1), SampleTablesBlob(), None),
        (_audio(0), SegmentBlob(rendition=128_000, time=60 * layout.TIMESCALE), None),
        (_audio(0, SOUND_ONLY), BlockBlob(time=9000 * layout.TIMESCALE), ("block", "a000002160000000")),
        (SPLIT, PieceBlob(number=12), ("work", "pieces/000012.nut")),
        (STORYBOARD, StoryboardBlob(), ("stills", layout.STORYBOARD)),
        (STILL, PictureBlob(), ("stills", STILL.name)),
        (PROBE, PictureBlob(), None),
    ],
)
def test_a_blob_is_written_where_its_job_says(job, blob, place):
    assert job.place(blob) == place


JOBS: list[Job] = [_chunk(0), _chunk(1), _chunk(3), _audio(0), _audio(1), SPLIT, STORYBOARD, STILL, PROBE]
numbers = st.integers(0, 10**6 - 1) | st.sampled_from([0, LATE, TOP, SECOND, 128_000, 128_001])
blobs: st.SearchStrategy[JobBlob] = st.one_of(
    st.builds(SegmentBlob, rendition=numbers, time=numbers),
    st.builds(BlockBlob, time=numbers),
    st.builds(PieceBlob, number=st.integers(0, 10**6 - 1)),
    st.builds(ThumbnailBlob, number=st.integers(0, 20)),
    *(st.just(kind()) for kind in (SampleTablesBlob, TileStripBlob, PosterCandidateBlob, StoryboardBlob, PictureBlob)),
)


@given(st.sampled_from(JOBS), blobs, st.sampled_from(JOBS), blobs)
def test_no_two_blobs_share_a_place(job, blob, other, another):
    place = job.place(blob)
    if place is not None and (job, blob) != (other, another):
        assert other.place(another) != place


@given(st.sampled_from(JOBS), blobs)
def test_a_name_has_whole_segments_only(job, blob):
    _, name = job.place(blob) or ("work", "a")
    assert not {"", ".", ".."} & set(name.split("/"))
