"""The targets of `python -m tests.fuzz`, without the search: what is kept of it breaks nothing any more."""

import ast
import json
import time

import pytest

from tests.fuzz.mutate import mutator
from tests.fuzz.target import FOLDER, Target, TooSlow, corpus, load, names


@pytest.mark.parametrize("name", names())
def test_seeds_are_no_faults_and_some_are_taken_to_the_end(name, caplog):
    caplog.set_level("CRITICAL")
    target, taken = load(name), 0
    for seed in target.seeds():
        try:
            target.run(seed)
        except target.allowed:
            continue
        taken += 1
    if name != "tokens":  # whose seeds are forged
        assert taken


@pytest.mark.parametrize(
    ("name", "path"),
    [(name, path) for name in names() for path in corpus(name)],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_what_was_a_fault_once_is_none(name, path):
    load(name)(path.read_bytes())


def test_every_folder_of_the_corpus_belongs_to_a_target():
    assert {path.name for path in (FOLDER / "corpus").iterdir()} <= set(names())


def test_only_documented_errors_are_allowed():
    def run(data):
        raise {b"a": ValueError, b"b": KeyError}[data]

    target = Target(run, list, (ValueError,))
    target(b"a")
    with pytest.raises(KeyError):
        target(b"b")


def test_an_input_that_is_slow_each_time_is_a_fault():
    def spin(data):
        end = time.process_time() + (0.02 if data or not calls else 0)
        while time.process_time() < end:
            pass
        calls.append(data)

    calls = []
    target = Target(spin, list, (), seconds=0.01)
    target(b"")  # slow the first time only
    with pytest.raises(TooSlow):
        target(b"a")


def test_the_mutator_changes_values_of_the_json_line_and_stays_in_the_limit():
    line = b'head\n{"a":[1,{"b":"text"}],"c":0.5}'
    mutate = mutator(lambda data, _most: data)
    made = {mutate(line, 200, seed) for seed in range(300)}
    assert len(made) > 50
    for data in made:
        head, _, value = data.partition(b"\n")
        assert (head, len(data) <= 200) == (b"head", True)
        json.loads(value)
    assert {mutate(b"no json", 200, seed) for seed in range(20)} == {b"no json"}


def test_only_the_search_needs_atheris():
    """It is not there on every machine that runs the tests."""
    for path in FOLDER.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        assert ("atheris" in modules) == (path.name == "process.py")
