"""The cadence table."""

from fractions import Fraction

import pytest

from connector.domain.timing import cadence

MS = Fraction(1, 1000)
NTSC = Fraction(30000, 1001)


def _rounded(rate, count, tick=MS):
    return [round(n / rate / tick) * tick for n in range(count)]


@pytest.mark.parametrize(
    ("times", "tick", "hints", "rate", "constant"),
    [
        (_rounded(NTSC, 100), MS, [NTSC], NTSC, True),
        (_rounded(Fraction(25), 100), MS, [Fraction(1000)], Fraction(25), True),
        ([n / Fraction(25) for n in range(100) if n != 40], Fraction(1, 12800), [Fraction(25)], Fraction(25), True),
        ([n / Fraction(120) for n in range(200)], Fraction(1, 12000), [Fraction(120)], Fraction(60), True),
        (
            [n / Fraction(25) + (n % 2) * Fraction(1, 1000) for n in range(100)],
            Fraction(1, 90000),
            [Fraction(25)],
            Fraction(25),
            True,
        ),
        ([Fraction(0)], MS, [NTSC], NTSC, True),
        ([Fraction(0)], MS, [], Fraction(25), True),
        ([Fraction(0), Fraction(1, 25), Fraction(2, 25)], MS, [Fraction(25)], Fraction(25), True),
    ],
    ids=["ms", "wrong hint", "dropped", "fast", "jitter", "single", "single without hint", "three"],
)
def test_cadence(times, tick, hints, rate, constant):
    stamps = [round(time / tick) for time in times]
    found = cadence(stamps, tick, hints)
    assert (found.rate, found.constant) == (rate, constant)
    assert cadence(stamps[::-1], tick, hints) == found


def test_a_variable_rate_is_shown_to_the_tick():
    stamps = [0]
    for n in range(100):
        stamps.append(stamps[-1] + (1 + n * 7 % 5) * 1000 // 60)
    found = cadence(stamps, MS, [Fraction(60)])
    assert not found.constant
    assert (found.tolerance, found.rate <= 60) == (MS, True)
