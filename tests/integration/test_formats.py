"""Every format that the API lists is published, and comes out right."""

import pytest

from connector.domain.formats import EXTENSIONS
from connector.domain.video import State
from tests.media.corpus import CORPUS, build
from tests.support.published import ahead, pitch, published, shown

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def files(request):
    # One chunk each: seams are tested elsewhere.
    yield from ahead(request, "extension", lambda extension: published(build(extension), segment_seconds=2))


def test_there_is_a_file_for_every_format_and_a_format_for_every_file():
    assert set(CORPUS) == EXTENSIONS


@pytest.mark.parametrize("extension", sorted(CORPUS))
def test_a_file_of_every_format_is_published(files, extension):
    entry, result = CORPUS[extension], files[extension].result()
    video, plan = result.video, result.video.plan
    assert (video.state, video.failure) == (State.READY, None)
    # WMA is decoded without its first packets.
    assert float(plan.duration) == pytest.approx(float(entry.seconds), abs=0.1 if extension == "wma" else 0.05)
    assert bool(plan.renditions) == entry.has_video
    assert len(plan.audio) == entry.has_audio
    if entry.has_video:
        assert plan.renditions[0].height == entry.video.size[1]
        numbers, before, after = shown(result.numbers)
        assert numbers == list(range(entry.video.frames))
        # Sound may begin a little before the picture, or end after it: then the picture waits.
        assert before <= 1
        assert after <= 1
        assert result.is_evenly_timed()
        assert result.numbers_of(plan.renditions[0].id) == result.numbers
    if entry.has_audio:
        sound = result.sound()
        assert sound.shape[1] / 48_000 == pytest.approx(float(plan.duration), abs=0.05)
        middle = sound[:, 12_000:36_000]
        right = 440 if entry.audio.layout == "mono" else 880
        assert [pitch(channel) for channel in middle] == pytest.approx([440, right], abs=3)
