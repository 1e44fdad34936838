import time

from connector.manifests.presentation import peak_bitrate
from tests.unit.manifests.presentations import segments, video


def test_the_peak_is_the_densest_segment():
    cut = (*segments(960_000, 960_000, size=100_000), *segments(960_000, size=200_000, start=1_920_000))
    assert video(cut=cut).peak_bitrate == 400_000


def test_a_last_segment_of_one_frame_does_not_make_the_peak():
    cut = (*segments(960_000, size=100_000), *segments(9_600, size=20_000, start=960_000))
    assert video(cut=cut).peak_bitrate == -(-120_000 * 8 * 240_000 // 969_600)


def test_a_short_first_segment_counts():
    cut = (*segments(480_000, size=100_000), *segments(960_000, size=100_000, start=480_000))
    assert video(cut=cut).peak_bitrate == 400_000


def test_the_mean_is_over_all_bytes_and_the_duration_ends_the_last_segment():
    track = video(cut=segments(960_000, 480_000, size=90_000))
    assert track.mean_bitrate == 240_000
    assert track.duration == 1_440_000


def test_the_peak_of_many_tiny_segments_beside_a_long_one_is_found_in_little_time():
    """A media process, which hostile media may have taken over, says how long segments are."""
    parts = [(1, 1)] * 20_000 + [(10, 100_000)]
    begun = time.process_time()
    assert peak_bitrate(parts) > 0
    assert time.process_time() - begun < 2
