"""Timers hold the rules that were measured on the real host: when they run, past due or not, and what is kept."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from local.azurite import Azurite
from tests.support.toy import Toy, until

pytestmark = pytest.mark.azurite

APP = Path(__file__).parent / "trigger_app"
HOSTS = "azure-webjobs-hosts"
STORED = {
    "Last": "2023-12-31T00:00:00+00:00",
    "Next": "2024-02-29T00:00:00+00:00",
    "LastUpdated": "2023-12-31T00:00:00+00:00",
}
"""What a host of then kept of the timer `missed`."""


def status_of(name):
    return f"timers/local/Host.Functions.{name}/status"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("timers")
    storage = folder / "data" / "azurite"
    storage.mkdir(parents=True)
    with Azurite(storage) as azurite, BlobServiceClient.from_connection_string(azurite.connection_string) as blobs:
        blobs.create_container(HOSTS).upload_blob(status_of("missed"), json.dumps(STORED))
    with Toy(folder, source=APP, encoders=0, in_memory=False) as toy:
        yield toy


def kept(toy, name):
    """What the host keeps of this timer now; None when nothing."""
    blob = toy.blobs.get_blob_client(HOSTS, status_of(name))
    return json.loads(blob.download_blob().readall()) if blob.exists() else None


def test_a_run_that_was_missed_is_made_up_for_at_the_start_and_is_past_due(toy):
    (run,) = toy.recorded("missed")
    assert run["past_due"] is True
    assert run["status"] == STORED
    assert run["schedule"] == {"AdjustForDST": True}
    until(lambda: kept(toy, "missed") != STORED, "the new status")
    status = {name: datetime.fromisoformat(text) for name, text in kept(toy, "missed").items()}
    assert status["Last"] == status["LastUpdated"]
    assert timedelta() < datetime.fromtimestamp(run["at"], UTC) - status["Last"] < timedelta(seconds=5)
    assert (status["Next"].month, status["Next"].day) == (2, 29)
    assert status["Next"] > datetime.now(UTC)


def test_at_its_first_start_ever_a_timer_waits_for_its_time_which_is_kept(toy):
    status = until(lambda: kept(toy, "unseen"), "the status")
    assert status["Last"] == "0001-01-01T00:00:00+00:00"
    assert datetime.fromisoformat(status["Next"]) > datetime.now(UTC)
    assert not toy.records_of("unseen")


def test_a_run_on_startup_is_not_past_due(toy):
    (run,) = toy.recorded("startup")
    assert run["past_due"] is False


def test_a_run_that_overran_is_followed_by_the_next_at_once_and_by_no_more(toy):
    """Runs take 2.6 s and are due every two."""
    ends, starts = toy.recorded("overrun-end", 3)[:3], toy.recorded("overrun", 4)[:4]
    for end, start in zip(ends, starts[1:], strict=True):
        assert 0 <= start["at"] - end["at"] < 0.5
    assert all(start["past_due"] is False for start in starts)


def test_of_a_timer_of_seconds_nothing_is_kept_and_nothing_told(toy):
    (first, *_) = toy.recorded("overrun")
    assert first["status"] == {}
    assert kept(toy, "overrun") is None


def test_the_admin_address_runs_a_timer_outside_its_schedule(toy):
    before = until(lambda: kept(toy, "unseen"), "the status")
    asked = toy.request("POST", "/admin/functions/unseen", '{"input": ""}', {"Content-Type": "application/json"})
    assert asked[0] == 202
    (run,) = toy.recorded("unseen")
    assert (run["past_due"], run["status"]) == (False, before)
    assert kept(toy, "unseen") == before


def test_timers_that_start_together_on_an_empty_storage_keep_their_status_all(tmp_path):
    with Toy(tmp_path, source=APP, encoders=0) as toy:
        for name in ("missed", "unseen", "startup"):
            until(lambda name=name: kept(toy, name), "the status")
        assert "could not be kept" not in toy.log()
