import pytest

from bench.playable import Times, p95, report, service_figures


def _times(*moments):
    return [Times(playable=m, decoded=m + 0.1, shown=m + 0.2) for m in moments]


@pytest.mark.parametrize(
    ("seconds", "median"), [(30, 1.8), (60, 1.8), (180, 2.6), (600, 5.5), (1800, 26.7), (3600, 26.7), (3601, 50.1)]
)
def test_the_service_s_figures_are_those_of_the_length(seconds, median):
    assert service_figures(seconds)[0] == median


@pytest.mark.parametrize(("times", "worst"), [([1.0], 1.0), (list(range(1, 11)), 10), (list(range(1, 101)), 95)])
def test_nineteen_of_twenty_are_at_most_p95(times, worst):
    assert p95(times) == worst


def test_the_longest_is_held_against_the_shortest():
    text, ratio = report({30: _times(2.8, 1.8, 4.8), 3600: _times(3.8, 4.3, 4.3)}, "bench")
    assert ratio == pytest.approx(1.5)
    assert "| 30 s | 3 | 2.8 / 4.8 | 2.9 / 4.9 | 3.0 / 5.0 | 1.8 / 3.6 |" in text
    assert "| 60 min | 3 | 4.3 / 4.3 | 4.4 / 4.4 | 4.5 / 4.5 | 26.7 / 660.0 |" in text
    assert "60 min ÷ 30 s: **1.50**" in text
