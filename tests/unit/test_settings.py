import base64

import pytest

from connector.settings import Settings, load, variable

STORAGE = {"AzureWebJobsStorage": "AccountKey=secret"}
KEY = base64.b64encode(bytes(range(32))).decode()

GOOD = {
    "CORS_ORIGINS": ("https://a.example, https://b.example,", ("https://a.example", "https://b.example")),
    "SEGMENT_SECONDS": ("2.5", 2.5),
    "CHUNK_SECONDS": ("60", 60),
    "MAX_RESOLUTION": ("1080", 1080),
    "ENCODER_PRESET": ("slow", "slow"),
    "ENCODER_THREADS": ("4", 4),
    "TASK_TIMEOUT_SECONDS": ("120", 120),
    "TASK_MEMORY_MB": ("1024", 1024),
    "UPLOAD_HOURS": ("0.5", 0.5),
    "URL_HOURS": ("1", 1),
    "MASTER_KEYS": (f"new:{KEY}, old:{KEY}", f"new:{KEY}, old:{KEY}"),
    "SIGNING_KEYS": (f"a:{KEY}", f"a:{KEY}"),
    "TOKEN_MINUTES": ("5", 5),
    "TOKEN_ISSUER": ("me", "me"),
    "TOKEN_AUDIENCE": ("you", "you"),
    "TRUSTED_ISSUER": ("https://login.example", "https://login.example"),
    "TRUSTED_JWKS": ("https://login.example/keys", "https://login.example/keys"),
    "TRUSTED_AUDIENCE": ("players", "players"),
    "PUBLIC_URL": ("https://video.example/api", "https://video.example/api"),
    "PLAYBACK_ACCESS": ("signed", "signed"),
    "STALL_MINUTES": ("2", 2),
    "PREPARE_STORAGE": ("true", True),
    "BLOB_TRIGGER_SOURCE": ("LogsAndContainerScan", "LogsAndContainerScan"),
}

WRONG = {
    "SEGMENT_SECONDS": ("0", "21", "hunter2"),
    "CHUNK_SECONDS": ("0", "601", "hunter2"),
    "MAX_RESOLUTION": ("100", "5000", "1080.5", "hunter2"),
    "ENCODER_PRESET": ("very fast:hunter2", "X"),
    "ENCODER_THREADS": ("0", "17", "hunter2"),
    "TASK_TIMEOUT_SECONDS": ("9", "hunter2"),
    "TASK_MEMORY_MB": ("511", "hunter2"),
    "UPLOAD_HOURS": ("0", "-1", "hunter2"),
    "URL_HOURS": ("0", "hunter2"),
    "MASTER_KEYS": ("hunter2", f"hunter2{KEY}", f"a:{KEY}hunter2", "a:aHVudGVyMg=="),
    "SIGNING_KEYS": ("hunter2",),
    "TOKEN_MINUTES": ("0", "hunter2"),
    "PLAYBACK_ACCESS": ("hunter2",),
    "STALL_MINUTES": ("0", "hunter2"),
    "PREPARE_STORAGE": ("hunter2",),
    "BLOB_TRIGGER_SOURCE": ("hunter2",),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_setting_is_read_from_its_variable(name):
    text, value = GOOD[name]
    settings = load({**STORAGE, name: text})
    assert getattr(settings, name.lower()) == value
    assert settings == load(STORAGE).model_copy(update={name.lower(): value})


def test_every_setting_is_tried():
    assert {variable(field) for field in Settings.model_fields} == {*GOOD, *STORAGE}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_a_wrong_value_names_its_variable_and_keeps_the_value_secret(name, text):
    with pytest.raises(ValueError, match=name) as caught:
        load({**STORAGE, name: text})
    assert "hunter2" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_all_wrong_settings_are_named_at_once():
    with pytest.raises(ValueError, match=r"AzureWebJobsStorage: .*URL_HOURS: "):
        load({"URL_HOURS": "0"})


def test_an_empty_variable_means_the_default():
    assert load({**STORAGE, "CHUNK_SECONDS": ""}) == load(STORAGE)


def test_secrets_are_not_printed():
    shown = repr(load({**STORAGE, "MASTER_KEYS": f"a:{KEY}", "SIGNING_KEYS": f"a:{KEY}"}))
    assert "secret" not in shown
    assert KEY not in shown


def test_names_are_case_sensitive_like_the_environment():
    assert load({**STORAGE, "chunk_seconds": "60"}) == load(STORAGE)
