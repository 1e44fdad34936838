"""The keys that sign URLs by identity: fetched rarely, never outlived by what they sign."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.storage.blob import UserDelegationKey
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import StorageError, StorageUnavailable
from connector.settings import DELEGATED_HOURS
from connector.storage.delegation import CLOCK_SKEW, DelegationKeys

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Service:
    """Gives out keys and remembers for when. `now` is its clock and that of the keys."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.asked: list[tuple[datetime, datetime]] = []
        self.error: Exception | None = None
        self.keys = DelegationKeys(self.fetch, lambda: self.now)

    def fetch(self, start: datetime, expiry: datetime) -> UserDelegationKey:
        if self.error is not None:
            raise self.error
        assert start < expiry <= self.now + timedelta(days=7)
        self.asked.append((start, expiry))
        key = UserDelegationKey()
        key.value = str(len(self.asked))
        key.signed_expiry = expiry.isoformat()
        return key

    def sign(self, lifetime: timedelta) -> UserDelegationKey:
        return self.keys.until(self.now + lifetime)


def test_a_key_begins_a_little_earlier_for_clocks_differ_and_outlasts_its_signature():
    service = Service()
    service.sign(DAY)
    assert service.asked == [(BEGIN - CLOCK_SKEW, BEGIN + 2 * DAY)]


def test_a_key_signs_until_it_would_end_before_a_signature_does():
    service = Service()
    first = service.sign(DAY)
    service.now += DAY
    assert service.sign(DAY) is first
    service.now += timedelta(seconds=1)
    second = service.sign(DAY)
    assert second is not first
    assert service.sign(timedelta(hours=12)) is second


hours = st.floats(0.01, DELEGATED_HOURS).map(lambda value: timedelta(hours=value))


@given(st.lists(st.tuples(hours, hours), max_size=30))
def test_no_key_ends_before_what_it_signs_nor_lives_for_more_than_seven_days(signatures):
    service = Service()
    for wait, lifetime in signatures:
        service.now += wait
        assert datetime.fromisoformat(service.sign(lifetime).signed_expiry) >= service.now + lifetime


def test_the_longest_life_that_the_settings_allow_needs_no_key_of_its_own_for_every_url():
    service = Service()
    for _ in range(50):
        service.sign(timedelta(hours=DELEGATED_HOURS))
        service.now += timedelta(minutes=1)
    assert len(service.asked) == 1


def test_what_no_key_can_sign_is_refused():
    with pytest.raises(StorageError, match="seven days at most"):
        Service().sign(8 * DAY)


def test_many_threads_share_one_key():
    service = Service()
    together = Barrier(8)

    def sign(_: int) -> str:
        together.wait()
        return service.sign(DAY).value

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(sign, range(8))) == {"1"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [(ServiceRequestError("secret"), StorageUnavailable), (ClientAuthenticationError("secret"), StorageError)],
    ids=["unreachable", "no token"],
)
def test_a_key_that_cannot_be_had_is_a_storage_error_and_is_asked_for_again(error, kind):
    service = Service()
    service.error = error
    with pytest.raises(kind, match=r"^Storage") as caught:
        service.sign(DAY)
    assert "secret" not in str(caught.value)
    assert "None" not in str(caught.value)
    service.error = None
    assert service.sign(DAY).value == "1"
