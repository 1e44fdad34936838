"""What Microsoft's worker code finds in an app, and what the local host makes of it."""

import sys

import pytest
from azurefunctions.extensions import base  # noqa: F401 - the worker looks for it once, at the first app

from local.app import load
from local.config import ConfigurationError


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
    assert (function.name, function.kind) == ("f", "queueTrigger")
    assert function.trigger["queueName"] == "q"


@pytest.mark.parametrize("missing", ["Q", "STORE"])
def test_a_missing_setting_is_named(app, missing):
    with pytest.raises(ConfigurationError, match=missing):
        app(QUEUE, **{name: "value" for name in ("Q", "STORE") if name != missing})


def test_a_binding_the_host_does_not_have_is_named(app):
    source = "@app.event_hub_message_trigger('e', connection='S', event_hub_name='h')\ndef f(e): ...\n"
    with pytest.raises(ConfigurationError, match="eventHubTrigger"):
        app(source, S="s")


def test_what_the_worker_refuses_is_told_in_its_words(app):
    source = QUEUE.replace("msg, context", "msg: int, context")
    with pytest.raises(ConfigurationError, match=r"cannot load the f function: .* annotation int"):
        app(source, Q="q", STORE="s")


BLOB = "from connector.blob_trigger import BlobName\n@app.blob_trigger('b', 'c/{n}', 'S')\ndef f(b: KIND): ...\n"


@pytest.mark.parametrize(("kind", "deferred"), [("BlobName", True), ("func.InputStream", False), ("bytes", False)])
def test_a_blob_is_loaded_unless_its_parameter_is_of_an_sdk_type(app, kind, deferred):
    (function,) = app(BLOB.replace("KIND", kind), S="s")
    assert function.deferred is deferred
