import pytest

from connector.pipeline.app import App
from tests.unit.pipeline.twin import Twin
from tests.unit.pipeline.world import an_app


@pytest.fixture
def media(monkeypatch: pytest.MonkeyPatch) -> Twin:
    twin = Twin()
    monkeypatch.setattr("connector.media.sandbox.run", twin)
    return twin


@pytest.fixture
def app(media: Twin) -> App:
    return an_app()
