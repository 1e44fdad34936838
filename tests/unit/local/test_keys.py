import pytest

from local.keys import LEVELS, Access, Keys


def access(keys, header=None, query=(), scope=""):
    return keys.access([("x-functions-key", header)] if header is not None else [], list(query), scope)


@pytest.mark.parametrize(
    ("key", "proves"), [("f", Access.FUNCTION), ("s", Access.SYSTEM), ("m", Access.MASTER), ("x", 0), ("", 0)]
)
def test_what_a_key_proves(key, proves):
    keys = Keys("f", "m", "s")
    assert access(keys, key) is Access(proves)
    assert access(keys, query=[("Code", key)]) is Access(proves)


def test_which_keys_open_what():
    opened = {level: {a.name for a in Access if a in accepted} for level, accepted in LEVELS.items()}
    assert opened == {
        "ANONYMOUS": {"NOBODY", "FUNCTION", "SYSTEM", "MASTER"},
        "FUNCTION": {"FUNCTION", "MASTER"},
        "SYSTEM": {"SYSTEM", "MASTER"},
        "ADMIN": {"MASTER"},
    }


def test_a_key_that_is_not_configured_is_nobodys():
    keys = Keys()
    assert access(keys, "") is Access.NOBODY
    assert access(keys) is Access.NOBODY
    assert access(keys, keys.system) is Access.SYSTEM


def test_a_header_that_is_there_decides_and_of_several_the_first():
    keys = Keys("f", "m")
    assert access(keys, "x", [("code", "f")]) is Access.NOBODY
    assert access(keys, None, [("code", "f"), ("code", "x")]) is Access.FUNCTION
    assert access(keys, None, [("code", "x"), ("code", "f")]) is Access.NOBODY


def test_case_counts_until_the_right_key_was_used_on_a_function():
    keys = Keys("Key")
    assert access(keys, "kEY", scope="Video") is Access.NOBODY
    assert access(keys, "Key", scope="Video") is Access.FUNCTION
    assert access(keys, "kEY", scope="Video") is Access.FUNCTION
    assert access(keys, "kEY", scope="Videos") is Access.NOBODY
