"""Every contract test runs on the fake and on Azurite, so that what is true of one is true of the other."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from connector.domain.ports import Storage
from connector.storage.azure import AzureStorage
from connector.storage.setup import prepare
from local.azurite import Azurite
from tests.fakes.storage import MemoryStorage


@pytest.fixture(scope="session")
def cors_origin() -> str:
    return "https://portal.example"


@pytest.fixture(scope="session")
def connection_string(cors_origin: str) -> Iterator[str]:
    with Azurite() as azurite:
        prepare(azurite.connection_string, (cors_origin,))
        yield azurite.connection_string


@pytest.fixture(scope="session")
def azure(connection_string: str) -> Iterator[AzureStorage]:
    with closing(AzureStorage(connection_string)) as storage:
        yield storage


@pytest.fixture(scope="session", params=["memory", pytest.param("azurite", marks=pytest.mark.azurite)])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Shared by all tests: each works on videos and containers of its own."""
    if request.param == "memory":
        return MemoryStorage()
    return request.getfixturevalue("azure")
