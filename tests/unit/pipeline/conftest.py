import pytest

from connector.api.app import App
from tests.fakes.media import FakeMediaRunner
from tests.support.apps import FakeClock, quick_app


@pytest.fixture
def media() -> FakeMediaRunner:
    return FakeMediaRunner()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def app(media: FakeMediaRunner, clock: FakeClock) -> App:
    return quick_app(media=media, clock=clock)
