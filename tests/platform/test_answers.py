"""The local host answers as Microsoft's Functions host did, but for the differences in the table."""

from collections.abc import Callable
from functools import cache

import pytest

from local.stack import StackError
from tests.platform.cases import SETUPS, Case, load
from tests.platform.compare import SAW
from tests.platform.differences import DIFFERENCES
from tests.platform.replay import disagreements

CASES = {case.id: case for case in load() if case.must_agree}

Found = Callable[[str], dict[str, list[str]]]
"""The differences of each case, by setup."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The differences of all cases of a setup, from one run of the local host."""

    @cache
    def of(setup: str) -> dict[str, list[str]]:
        cases = [case for case in CASES.values() if case.setup == setup]
        try:
            return disagreements(setup, cases, tmp_path_factory.mktemp(setup))
        except StackError as error:  # told by each case, but tried once only
            return {case.id: [str(error)] for case in cases}

    return of


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_case_is_answered_as_microsofts_host_did(found: Found, case: Case) -> None:
    name, lines = case.id, found(case.setup)[case.id]
    if name in DIFFERENCES:
        assert lines, f"{name} agrees now: take it out of the table of differences"
        assert not [line for line in lines if line.startswith(SAW)], "the table excuses no such difference"
    elif lines:
        pytest.fail("\n  ".join([name, *lines]), pytrace=False)


def test_every_setup_and_every_kind_of_case_is_replayed() -> None:
    assert {case.setup for case in CASES.values()} == set(SETUPS)
    assert len(CASES) == 658


def test_the_table_names_at_most_forty_cases_that_exist() -> None:
    assert len(DIFFERENCES) <= 40
    assert DIFFERENCES.keys() <= CASES.keys()
    assert all(DIFFERENCES.values())


@pytest.mark.parametrize("family", ["key", "cors", "webhook"])
def test_the_table_excuses_nothing_about(family: str) -> None:
    assert [name for name in DIFFERENCES if CASES[name].family == family] == []
