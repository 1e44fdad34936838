"""Replays the recorded requests against the local host.

`python -m tests.platform.replay --diff` lists each difference. `--all` also replays the cases that need not agree.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.platform.cases import SETUPS, Case, load
from tests.platform.compare import differences
from tests.platform.differences import DIFFERENCES
from tests.platform.setups import Host, running
from tests.platform.wire import Answer, exchange


def replay(host: Host, cases: Iterable[Case]) -> dict[str, Answer]:
    """The answers by the cases' ids. Families run side by side, and the cases of a family in order."""
    families: dict[str, list[Case]] = {}
    for case in cases:
        families.setdefault(case.family, []).append(case)
    with ThreadPoolExecutor(max(1, len(families))) as threads:
        groups = threads.map(lambda group: [(case.id, _answer(host, case)) for case in group], families.values())
        return {name: answer for group in groups for name, answer in group}


def _answer(host: Host, case: Case) -> Answer:
    return exchange(host.address, case.sent(host.names), case.method, case.request.get("then", ""))


def disagreements(setup: str, cases: Sequence[Case], data_dir: Path) -> dict[str, list[str]]:
    """The differences by the ids of these cases, all of this setup, from one run of the local host."""
    with running(setup, data_dir) as host:
        answers = replay(host, cases)
    return {case.id: differences(case, answers[case.id], host.names) for case in cases}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setup", choices=SETUPS)
    parser.add_argument("--family")
    parser.add_argument("--name", help="a part of the case's name")
    parser.add_argument("--diff", action="store_true", help="print the differences of each case")
    parser.add_argument("--all", action="store_true", help="replay also the cases that need not agree")
    asked = parser.parse_args()
    cases = [
        case
        for case in load()
        if (asked.all or case.must_agree)
        and asked.setup in {None, case.setup}
        and asked.family in {None, case.family}
        and (asked.name or "") in case.name
    ]
    agreeing: Counter[tuple[str, str]] = Counter()
    differing: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for setup in SETUPS:
            group = [case for case in cases if case.setup == setup]
            found = disagreements(setup, group, Path(folder) / setup) if group else {}
            for case in group:
                lines = found[case.id]
                (differing if lines else agreeing)[setup, case.family] += 1
                if lines and asked.diff:
                    known = " (in the table)" if case.id in DIFFERENCES else ""
                    print("\n  ".join([f"{case.id}{known}", *lines]))
    for key in sorted(agreeing.keys() | differing.keys()):
        print(f"{key[0]:15} {key[1]:12} {agreeing[key]:4} agree {differing[key]:4} differ")
    print(f"{'all':28} {agreeing.total():4} agree {differing.total():4} differ")


if __name__ == "__main__":
    main()
