"""What the README says is what the code does."""

import ast
import re
from pathlib import Path

import pytest

from connector.api.errors import STATUS
from connector.api.routes import ROUTES
from connector.domain.failures import SENTENCES
from connector.domain.formats import FORMATS
from connector.settings import Settings, variable
from scripts.readme import README, updated

ROOT = Path(__file__).parents[2]
TEXT = README.read_text("utf-8")
REFERENCE = TEXT.partition("\n## Reference\n")[2]


def test_the_tables_that_follow_from_the_code_are_up_to_date():
    """If not, `python -m scripts.readme` writes them."""
    assert updated(TEXT) == TEXT
    assert all(f"| `{variable(field)}` |" in TEXT for field in Settings.model_fields)
    assert " ".join(f.extension for f in FORMATS) in TEXT


@pytest.mark.parametrize("route", [r for r in ROUTES if r.operations], ids=lambda route: route.name)
def test_every_call_is_in_the_reference(route):
    path = re.escape(route.template.replace("{*name}", "{name}").replace("{id}", "{}"))
    listed = re.findall(r"^\| `([A-Z, ]+) /(.+?)(?:\?.*?)?` \|", REFERENCE, re.MULTILINE)
    found = [methods for methods, address in listed if re.fullmatch(path, re.sub(r"\{\w*[iI]d\}", "{}", address))]
    assert {m for methods in found for m in methods.split(", ")} == set(route.operations)


def _constants() -> tuple[set[str], set[str]]:
    """(codes that failures are made with, all texts) in the code. A code is the first argument of `MediaError` and
    `media_error`.
    """
    codes, texts = set(), set()
    for path in (ROOT / "connector").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and path.name != "failures.py":
                texts.add(node.value)
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id in {"MediaError", "media_error"} and isinstance(node.args[0], ast.Constant):
                codes.add(node.args[0].value)
    return codes, texts


def test_every_code_of_a_failed_video_has_its_sentence_and_is_in_the_reference():
    codes, texts = _constants()
    assert {"EmptyFile", "UploadExpired", "UnreadableMedia", "TooLong"} <= codes <= set(SENTENCES) <= texts
    assert all(f"| `{code}` | " in REFERENCE for code in SENTENCES)


def test_every_status_of_an_error_is_in_the_reference():
    assert [s for s in sorted(set(STATUS.values())) if not re.search(rf"\b{s}\b", REFERENCE)] == []


@pytest.mark.parametrize("page", sorted(p.name for p in ROOT.glob("*.md")))
def test_every_link_to_a_file_of_the_project_leads_to_it(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]*)(?:#[^)]*)?\)", (ROOT / page).read_text("utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_security_page_names_the_settings_that_it_relies_on():
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    named = set(re.findall(r"`([A-Z][A-Z_]{5,})", page))
    assert named <= {variable(field) for field in Settings.model_fields}
    assert {"CONFINEMENT", "PLAYBACK_ACCESS", "MAX_PICTURES"} <= named
