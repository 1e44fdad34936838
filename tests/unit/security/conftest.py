from collections.abc import Iterator

import pytest

from tests.support.authority import Authority, Clock, authority


@pytest.fixture
def published() -> Iterator[Authority]:
    with authority() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()
