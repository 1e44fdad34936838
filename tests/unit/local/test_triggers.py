import sys

import pytest

from local.app import load
from local.blobs import LazyBlob, PathPattern
from local.config import ConfigurationError
from local.queues import decode, poison_name
from local.storage import bodies
from local.web import Keys


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


def test_a_blob_is_not_fetched_before_it_is_read():
    nobody = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:9/a;"
    with LazyBlob(nobody, "uploads", "a b.mp4", 5) as blob:
        assert (blob.name, blob.length) == ("uploads/a b.mp4", 5)
        assert blob.uri == "http://127.0.0.1:9/a/uploads/a%20b.mp4"


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
    [("a", [b"a"]), (b"\xff", [b"\xff"]), (["a", "b"], [b"a", b"b"]), ([], []), ('["a"]', [b'["a"]'])],
)
def test_an_output_is_one_message_or_a_list_of_them(value, sent):
    assert bodies(value) == sent


def test_keys_open_what_they_are_for():
    keys = Keys(function="f", master="m")
    allowed = {level: [k for k in ("f", "m", "x", "") if keys.allow(level, k)] for level in ("FUNCTION", "ADMIN")}
    assert allowed == {"FUNCTION": ["f", "m"], "ADMIN": ["m"]}
    assert keys.allow("WEBHOOK", keys.webhook)
    assert not Keys(function=None, master=None).allow("FUNCTION", "")


@pytest.fixture
def app(tmp_path, monkeypatch):
    """Loads a function app from its source."""

    def load_source(source, **environment):
        (tmp_path / "function_app.py").write_text("import azure.functions as func\napp = func.FunctionApp()\n" + source)
        monkeypatch.setattr("sys.path", [*sys.path])
        monkeypatch.delitem(sys.modules, "function_app", raising=False)
        try:
            return load(tmp_path, environment)
        finally:
            sys.modules.pop("function_app", None)

    return load_source


QUEUE = "@app.queue_trigger('msg', '%Q%', 'STORE')\ndef f(msg, context: func.Context): ...\n"


def test_settings_in_bindings_are_filled_in(app):
    (function,) = app(QUEUE, Q="q", STORE="UseDevelopmentStorage=true")
    assert (function.name, function.kind, function.context) == ("f", "queueTrigger", "context")
    assert function.trigger["queueName"] == "q"


@pytest.mark.parametrize("missing", ["Q", "STORE"])
def test_a_missing_setting_is_named(app, missing):
    with pytest.raises(ConfigurationError, match=missing):
        app(QUEUE, **{name: "value" for name in ("Q", "STORE") if name != missing})


def test_a_binding_the_host_does_not_have_is_named(app):
    source = "@app.event_hub_message_trigger('e', connection='S', event_hub_name='h')\ndef f(e): ...\n"
    with pytest.raises(ConfigurationError, match="eventHubTrigger"):
        app(source, S="s")
