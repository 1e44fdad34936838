import pytest

from local.protos import TypedData
from local.storage import message_bodies


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (TypedData(string="a"), [b"a"]),
        (TypedData(bytes=b"\xff"), [b"\xff"]),
        (TypedData(json='["a", "b"]'), [b"a", b"b"]),
        (TypedData(json="[]"), []),
        (TypedData(string='["a"]'), [b'["a"]']),
    ],
)
def test_an_output_is_one_message_or_a_list_of_them(value, sent):
    assert message_bodies(value) == sent
