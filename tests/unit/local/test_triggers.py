import pytest

from local.blobs import PathPattern
from local.protos import TypedData
from local.queues import decode, poison_name
from local.storage import bodies


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("uploads/{name}", "a/b.mp4", True),
        ("uploads/{id}/{file}", "a/b.mp4", True),
        ("uploads/{id}/{file}", "b.mp4", False),
        ("uploads/in/{name}.mp4", "in/b.mp4", True),
        ("uploads/in/{name}.mp4", "out/b.mp4", False),
        ("uploads/in/{name}.mp4", "in/bmp4", False),
        ("uploads", "anything/at all", True),
    ],
)
def test_which_blobs_a_path_means(path, name, expected):
    assert PathPattern(path).matches("uploads", name) is expected
    assert not PathPattern(path).matches("other", name)


def test_only_the_fixed_start_of_a_path_is_listed():
    assert PathPattern("uploads/in/{id}/x/{file}").prefix == "in/"


@pytest.mark.parametrize(
    ("content", "body"), [("YWJj", b"abc"), ("YWJ\nj ", b"abc"), ("", b""), ("abc", None), ("{}", None), ("ä", None)]
)
def test_messages_are_base64(content, body):
    assert decode(content) == body


def test_poison_queues_have_none_of_their_own():
    assert poison_name("work") == "work-poison"
    assert poison_name("work-poison") is None
    assert poison_name("x" * 57) is None


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
    assert bodies(value) == sent
