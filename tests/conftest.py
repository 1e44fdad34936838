"""The running service, shared by all tests that talk to it over HTTP."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from client import Client
from local.stack import Stack
from tests.support.secrecy import secret_shapes

PROJECT = Path(__file__).parent.parent

# On a busy machine the time that one example takes says nothing.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")

if sys.platform == "linux":
    # All stacks of the tests then decode nothing that is not confined.
    os.environ.setdefault("CONFINEMENT", "required")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Azurite, the Functions host and two encoders. At the end, no secret may be in what they logged."""
    # Pages of the browser tests are served later, each time on another port.
    env = {"CORS_ORIGINS": "*", "ENCODER_PRESET": "ultrafast"}
    with Stack(PROJECT, tmp_path_factory.mktemp("stack"), encoders=2, env=env) as running:
        yield running
    assert secret_shapes(running.log.read_bytes()) == []


@pytest.fixture(scope="session")
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.api) as api:
        yield api
