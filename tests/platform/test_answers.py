"""The local host answers as Microsoft's Functions host did, but for the differences in the table."""

import pytest

from tests.platform.cases import SETUPS, load
from tests.platform.compare import SAW
from tests.platform.differences import DIFFERENCES
from tests.platform.replay import disagreements

CASES = {case.id: case for case in load() if case.must_agree}


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The differences of every case of a setup, from one run of the local host."""
    cases = [case for case in CASES.values() if case.setup == request.param]
    return disagreements(request.param, cases, tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize(
    ("found", "name"),
    [pytest.param(case.setup, case.id, id=case.id) for case in CASES.values()],
    indirect=["found"],
)
def test_a_case_is_answered_as_microsofts_host_did(found: dict[str, list[str]], name: str) -> None:
    if name in DIFFERENCES:
        assert found[name], f"{name} agrees now: take it out of the table of differences"
        assert not [line for line in found[name] if line.startswith(SAW)], "the table excuses no such difference"
    else:
        assert not found[name], "\n".join([name, *found[name]])


def test_every_setup_and_every_kind_of_case_is_replayed() -> None:
    assert {case.setup for case in CASES.values()} == set(SETUPS)
    assert len(CASES) == 683


def test_the_table_names_at_most_forty_cases_that_exist() -> None:
    assert len(DIFFERENCES) <= 40
    assert DIFFERENCES.keys() <= CASES.keys()
    assert all(DIFFERENCES.values())


@pytest.mark.parametrize("family", ["key", "cors", "webhook"])
def test_the_table_excuses_nothing_about(family: str) -> None:
    assert [name for name in DIFFERENCES if CASES[name].family == family] == []
