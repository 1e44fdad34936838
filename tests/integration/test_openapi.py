"""The running service against its own OpenAPI document."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack import Stack
from tests.conftest import PROJECT

pytestmark = pytest.mark.azurite

KEY = "a-key-of-this-test"
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "30"))
"""For each operation. `make soak` takes 300."""


def test_no_request_that_the_document_allows_or_forbids_is_answered_otherwise(tmp_path):
    """All checks of schemathesis on every operation, with keys enforced by the host."""
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        *("--config-file", str(PROJECT / "tests" / "integration" / "schemathesis.toml")),
        "run",
        *("--checks", "all"),
        *("--max-examples", str(EXAMPLES)),
        *("--header", f"x-functions-key: {KEY}"),
        *("--generation-database", "none"),
        "--no-color",
        "--continue-on-failure",
    ]
    with Stack(PROJECT, tmp_path / "data", encoders=0, env={"FUNCTIONS_KEY": KEY}, arguments=["--auth"]) as stack:
        run = subprocess.run(
            [*command, f"{stack.api}/openapi.json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        log = stack.log.read_text("utf-8")
    assert run.returncode == 0, run.stdout[-20_000:]
    assert "request failed" not in log, log[-5_000:]
    assert not re.search(r"Function \w+ failed", log), log[-5_000:]
