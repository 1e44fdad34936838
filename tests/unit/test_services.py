"""What the host tells, and when it refuses to start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connector.services import configured, require_keys
from tests.integration.pipeline import KEYS

ROOT = Path(__file__).parents[2]
STORAGE = {"AzureWebJobsStorage": "AccountKey=secret"}
AZURE = {"WEBSITE_HOSTNAME": "app.azurewebsites.net"}
BOTH = {"MASTER_KEYS": KEYS["master_keys"], "SIGNING_KEYS": KEYS["signing_keys"]}


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, ""),
        (AZURE, "https://app.azurewebsites.net/api"),
        ({"WEBSITE_HOSTNAME": "localhost:7071"}, "http://localhost:7071/api"),
        ({**AZURE, "PUBLIC_URL": "https://video.example/api"}, "https://video.example/api"),
    ],
)
def test_players_reach_the_api_where_the_host_says(environ, url):
    assert configured({**STORAGE, **environ}).public_url == url


@pytest.mark.parametrize("environ", [{}, {"WEBSITE_HOSTNAME": "localhost:7071"}, {**AZURE, **BOTH}])
def test_it_starts_outside_azure_and_with_keys(environ):
    require_keys(environ)


@pytest.mark.parametrize("missing", ["MASTER_KEYS", "SIGNING_KEYS"])
def test_it_refuses_to_start_in_azure_without_a_key(missing):
    with pytest.raises(ValueError, match=f"^{missing} must be configured"):
        require_keys({**AZURE, **BOTH, missing: ""})


def test_the_refusal_comes_before_any_function_is_known():
    done = subprocess.run(
        [sys.executable, "-c", "import function_app"],
        cwd=ROOT,
        env={**os.environ, **AZURE},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "ValueError: MASTER_KEYS and SIGNING_KEYS must be configured in Azure" in done.stderr
