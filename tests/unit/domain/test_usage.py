from datetime import timedelta

import pytest

from connector.domain.usage import Prices, Usage, billed

PRICES = Prices(
    gb_second=0.00002,
    million_executions=0.4,
    ten_thousand_writes=0.05,
    gb_month=0.02,
    memory=4096,
    currency="EUR",
)


@pytest.mark.parametrize(
    ("seconds", "paid"), [(0, 1), (0.4, 1), (1.0, 1), (1.01, 1.1), (1.1, 1.1), (12.3, 12.3), (12.301, 12.4)]
)
def test_an_execution_is_billed_by_tenths_and_a_second_at_least(seconds, paid):
    assert billed(seconds) == pytest.approx(paid)


def test_each_execution_is_billed_by_itself():
    used = Usage(seconds=5, executions=2, writes=3, size=4).ran(timedelta(seconds=0.2), timedelta(seconds=1.55))
    assert used.seconds == pytest.approx(5 + 1 + 1.6)
    assert (used.executions, used.writes, used.size) == (4, 3, 4)


def test_making_is_paid_for_by_memory_executions_and_writes_and_keeping_by_bytes():
    used = Usage(seconds=1000, executions=500_000, writes=20_000, size=3_000_000_000)
    assert PRICES.one_off_cost(used) == pytest.approx(1000 * 4 * 0.00002 + 0.2 + 0.1)
    assert PRICES.monthly_cost(used) == pytest.approx(0.06)
