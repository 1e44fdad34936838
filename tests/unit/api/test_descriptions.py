"""Everything that the OpenAPI document says to people is a sentence, or a noun phrase, that stands alone."""

import re

import pytest

from connector.api.openapi import document
from connector.api.routes import ROUTES

MODES = {mode: document(ROUTES, mode, 10**9) for mode in ("keys", "entra", "anonymous")}
NEEDS_WORDS = re.compile(r"(\S+\s+){2,}\S+")
"""At least three words."""
MIDDLE = re.compile(
    r"(Of|That|Those|Likewise|Which|Whose|From|For|By|With|Without|As|Beside|Null|They|Its|At|In|None)\b"
)
"""First words of what needs the line above it to be understood."""


def _texts(node, place="#"):
    """(place, text) of each description and summary; not of the fields that are called so."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _texts(item, f"{place}/{index}")
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in {"description", "summary"} and isinstance(value, str):
                yield f"{place}/{name}", value
            else:
                yield from _texts(value, f"{place}/{name}")


ALL = sorted({(place, text) for found in MODES.values() for place, text in _texts(found)})


def test_there_are_texts():
    assert len(ALL) > 300


@pytest.mark.parametrize("text", sorted({text for place, text in ALL if not place.endswith("/summary")}))
def test_a_description_is_a_sentence_that_stands_alone(text):
    assert text.lstrip("`")[0].isupper() or text[0] == "`", text
    assert text.endswith("."), text
    assert NEEDS_WORDS.fullmatch(text), text
    assert not MIDDLE.match(text), text


@pytest.mark.parametrize("text", sorted({text for place, text in ALL if place.endswith("/summary")}))
def test_a_summary_begins_with_what_the_operation_does(text):
    assert re.match(r"[A-Z][a-z]+s ", text), text


def test_everything_that_can_be_sent_or_is_answered_is_described():
    found = MODES["keys"]
    missing = [
        f"{name}.{field}"
        for name, schema in found["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if "description" not in described
    ]
    missing += [name for name, schema in found["components"]["schemas"].items() if "description" not in schema]
    missing += [
        f"{path} {parameter['name']}"
        for path, item in found["paths"].items()
        for operation in item.values()
        for parameter in operation["parameters"]
        if "description" not in parameter
    ]
    assert missing == []
