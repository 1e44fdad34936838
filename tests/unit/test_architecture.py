"""The architecture is checked, not only drawn: import contracts, and what a cold start loads."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _python(code: str) -> str:
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_import_contracts_are_kept():
    """The `lint-imports` command, without its cache in the project folder."""
    output = _python("from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))")
    assert ", 0 broken." in output


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_azure_functions_is_known_at_the_edge_only():
    assert "azure.functions" in _imports(ROOT / "function_app.py")
    for path in (ROOT / "connector").rglob("*.py"):
        assert not [name for name in _imports(path) if name.startswith(("azure.functions", "function_app"))], path


def test_the_edge_knows_no_adapter():
    adapters = ("connector.storage", "connector.media", "local", "av", "azure.storage", "azure.data")
    assert not [name for name in _imports(ROOT / "function_app.py") if name.startswith(adapters)]


def test_storage_clients_are_made_in_one_place_where_both_ways_in_are_known():
    making = re.compile(r"\b\w*(Service|Container|Blob|Table|Queue)Client(\(|\.from_)|from_connection_string")
    found = {path.name for path in (ROOT / "connector").rglob("*.py") if making.search(path.read_text("utf-8"))}
    assert found == {"azure.py"}


@pytest.mark.parametrize(
    "modules",
    [
        "function_app",
        "function_app, connector.pipeline.steps, connector.pipeline.sweep, connector.pipeline.complete",
    ],
)
def test_a_cold_start_loads_neither_codecs_nor_storage_sdks(modules):
    heavy = ("av", "azure.storage", "azure.data", "azure.core", "azure.identity", "opentelemetry", "numpy")
    found = _python(f"import {modules}, sys; print([m for m in {heavy!r} if m in sys.modules])")
    assert found.strip() == "[]"


def test_a_cold_start_that_runs_no_job_loads_neither_the_sandbox_nor_the_jobs():
    names = ("connector.sandbox", "connector.domain.jobs", "ctypes", "pydantic.type_adapter")
    found = _python(f"import function_app, sys; print([m for m in {names!r} if m in sys.modules])")
    assert found.strip() == "[]"


TESTS = [path for path in (ROOT / "tests").rglob("*.py") if "_app" not in path.parent.name]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_test_imports_another_one(path):
    """What several tests need is in tests/support, tests/fakes or beside them, in a file that is no test."""
    assert not [name for name in _imports(path) if re.search(r"^tests\..*\btest_\w+$", name)]
    folder = path.relative_to(ROOT / "tests").parts[0]
    others = {"unit", "contract", "integration", "faults", "hostile", "browser", "platform", "compat"} - {folder}
    assert not [name for name in _imports(path) if name.split(".")[:1] == ["tests"] and name.split(".")[1] in others]
