from collections.abc import Iterator

import pytest

from tests.hostile.canary import Canaries
from tests.hostile.corpus import Hostile, hostile
from tests.media.corpus import build


@pytest.fixture(scope="package")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    found = Canaries(tmp_path_factory.mktemp("canary") / "canary.ts", build("ts").read_bytes())
    yield found
    found.close()


@pytest.fixture(scope="package")
def files(canaries: Canaries) -> list[Hostile]:
    return hostile(str(canaries.file.path), canaries.server.url)
