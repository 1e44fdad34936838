"""requirements.lock is requirements.txt with everything that it needs, and no more."""

import re
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def _named():
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def _locked():
    """The version of each locked package, and how many hashes it has."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    entries = re.findall(r"^(\S+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^[^#\s]", text, re.MULTILINE)), "an entry without a version or a hash"
    return {canonicalize_name(name): version for name, version, _ in entries}


def _needed():
    """Names of the packages in requirements.txt and of all that they need in this environment."""
    found, wanted = set(), _named()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        wanted += map(Requirement, metadata.distribution(name).requires or [])
    return found


def test_the_lock_has_the_versions_that_are_named():
    """If not, `make lock` makes it anew."""
    locked = _locked()
    for requirement in _named():
        assert str(requirement.specifier) == f"=={locked.get(canonicalize_name(requirement.name))}", requirement.name


def test_the_lock_has_what_is_needed_and_nothing_else():
    """Nothing that only development needs is deployed, `azure-functions-runtime` for one."""
    assert set(_locked()) == _needed()


def test_the_tests_run_with_the_versions_that_are_deployed():
    """If not, `make setup` installs them."""
    locked = _locked()
    assert {name: metadata.version(name) for name in locked} == locked


def test_every_package_that_is_deployed_is_in_the_notice_and_none_besides():
    text = (ROOT / "NOTICE").read_text("utf-8")
    python = text.partition("Python packages\n---")[2].partition("JavaScript")[0]
    assert set(re.findall(r"^  ([a-z0-9-]+)  ", python, re.MULTILINE)) == set(_locked())


def test_every_package_that_is_named_has_one_version():
    for file in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / file).read_text("utf-8").splitlines()
        named = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]
        assert [str(r) for r in named if [s.operator for s in r.specifier] != ["=="]] == []
