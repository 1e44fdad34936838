"""What a media process may report: every failure that it can find, and nothing else."""

import ast
import inspect
import textwrap
from fractions import Fraction
from pathlib import Path

import pytest

from connector.domain.failures import REPORTED, SENTENCES, media_error, reported
from connector.domain.limits import SourceLimits
from connector.errors import MediaError
from connector.sandbox.protocol import Error

ROOT = Path(__file__).parents[3]
NOTHING = SourceLimits(minutes=0.5, pixels=0, frame_rate=0.5, tracks=0)


def _codes(source: str) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "media_error"]
    return {c.args[0].value for c in named if isinstance(c.args[0], ast.Constant)}


def test_a_media_process_reports_what_its_code_can_find():
    files = [path.read_text("utf-8") for path in (ROOT / "connector" / "media").glob("*.py")]
    limits = [SourceLimits.picture, SourceLimits.rate, SourceLimits.sound]
    assert all(any(f"accepted.{limit.__name__}(" in text for text in files) for limit in limits)
    sources = files + [textwrap.dedent(inspect.getsource(limit)) for limit in limits]
    assert set().union(*map(_codes, sources)) == REPORTED <= set(SENTENCES)


def _raised(act) -> MediaError:
    with pytest.raises(MediaError) as error:
        act()
    return error.value


@pytest.mark.parametrize(
    "error",
    [
        media_error("NoMedia"),
        media_error("UnsupportedCodec", kind="video"),
        media_error("UnsupportedCodec", kind="audio"),
        _raised(lambda: NOTHING.picture(8193, 4096)),
        _raised(lambda: NOTHING.rate(Fraction(1_000_000_000))),
        _raised(lambda: NOTHING.rate(Fraction(120_000, 1001))),
        _raised(lambda: NOTHING.sound(17)),
    ],
    ids=str,
)
def test_the_parent_says_what_the_child_would_say(error):
    wire = Error.model_validate_json(Error(code=error.code, facts=error.facts).model_dump_json())
    assert str(reported(wire.code, wire.facts)) == str(error)
