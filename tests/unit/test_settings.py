import base64

import pytest

from connector.settings import Settings, load, variable

STORAGE = {"MEDIA_STORAGE": "AccountKey=secret"}
KEY = base64.b64encode(bytes(range(32))).decode()

IDENTITY = {
    "MEDIA_STORAGE__blobServiceUri": "https://account.blob.core.windows.net",
    "MEDIA_STORAGE__tableServiceUri": "https://account.table.core.windows.net/",
    "MEDIA_STORAGE__credential": "managedidentity",
    "MEDIA_STORAGE__clientId": "00000000-0000-0000-0000-000000000001",
}
FIELDS = {variable(field): field for field in Settings.model_fields}

GOOD = {
    **{name: (text, text) for name, text in IDENTITY.items()},
    "CORS_ORIGINS": ("https://a.example, https://b.example,", ("https://a.example", "https://b.example")),
    "EMBED_ORIGINS": ("https://a.example, https://*.b.example", ("https://a.example", "https://*.b.example")),
    "SEGMENT_SECONDS": ("2.5", 2.5),
    "CHUNK_SECONDS": ("60", 60),
    "MAX_RESOLUTION": ("1080", 1080),
    "ENCODER_PRESET": ("slow", "slow"),
    "ENCODER_THREADS": ("4", 4),
    "TASK_TIMEOUT_SECONDS": ("120", 120),
    "STREAM_TIMEOUT_SECONDS": ("3000", 3000),
    "TASK_MEMORY_MB": ("1024", 1024),
    "MAX_UPLOAD_GB": ("0.5", 0.5),
    "MAX_DURATION_MINUTES": ("90", 90),
    "MAX_SOURCE_PIXELS": ("2073600", 2_073_600),
    "MAX_FRAME_RATE": ("60", 60),
    "MAX_TRACKS": ("2", 2),
    "MAX_OUTPUT_MINUTES": ("600", 600),
    "MAX_PENDING_VIDEOS": ("100", 100),
    "MAX_PICTURES": ("50", 50),
    "UPLOAD_HOURS": ("0.5", 0.5),
    "URL_HOURS": ("1", 1),
    "AUTH_MODE": ("entra", "entra"),
    "ENTRA_ISSUER": ("https://login.example/v2.0", "https://login.example/v2.0"),
    "ENTRA_AUDIENCE": ("client-id", "client-id"),
    "ENTRA_JWKS": ("https://login.example/keys", "https://login.example/keys"),
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
    "ENCODE_SECONDS_PER_GIGAPIXEL": ("7.5", 7.5),
    "INSTANCE_MEMORY_MB": ("4096", 4096),
    "PRICE_GB_SECOND": ("0.00002", 0.00002),
    "PRICE_MILLION_EXECUTIONS": ("0.2", 0.2),
    "PRICE_10K_WRITES": ("0.06", 0.06),
    "PRICE_GB_MONTH": ("0", 0),
    "CURRENCY": ("EUR", "EUR"),
    "STALL_MINUTES": ("2", 2),
    "CONFINEMENT": ("best", "best"),
    "APPLICATIONINSIGHTS_CONNECTION_STRING": ("InstrumentationKey=1", "InstrumentationKey=1"),
    "TELEMETRY": ("console", "console"),
    "SWEEP_SCHEDULE": ("0 */10 * * * *", "0 */10 * * * *"),
    "PREPARE_STORAGE": ("true", True),
    "BLOB_TRIGGER_SOURCE": ("LogsAndContainerScan", "LogsAndContainerScan"),
}

WRONG_JWKS = (
    "hunter2",
    "http://login.example/hunter2",
    "http://localhost.hunter2/keys",
    "http://127.0.0.1@hunter2/keys",
    "https://me:hunter2@login.example/keys",
    "https:///hunter2",
    "file:///hunter2",
    "https://login.example/keys hunter2",
)

WRONG = {
    "MEDIA_STORAGE__blobServiceUri": ("http://hunter2", "https://account?sig=hunter2", "hunter2"),
    "MEDIA_STORAGE__tableServiceUri": ("hunter2",),
    "MEDIA_STORAGE__credential": ("hunter2",),
    "CORS_ORIGINS": (
        "hunter2",
        "https://hunter2.example/",
        "https://hunter2.example/page",
        "https://HUNTER2.example, https://hunter2.example",
        "https://*.hunter2.example",
        "null",
        "https://a.example;https://hunter2.example",
    ),
    "EMBED_ORIGINS": ("hunter2", "'none'; script-src hunter2"),
    "SEGMENT_SECONDS": ("0", "21", "hunter2"),
    "CHUNK_SECONDS": ("0", "601", "hunter2"),
    "MAX_RESOLUTION": ("100", "5000", "1080.5", "hunter2"),
    "ENCODER_PRESET": ("very fast:hunter2", "X"),
    "ENCODER_THREADS": ("0", "17", "hunter2"),
    "TASK_TIMEOUT_SECONDS": ("9", "hunter2"),
    "STREAM_TIMEOUT_SECONDS": ("9", "hunter2"),
    "TASK_MEMORY_MB": ("511", "hunter2"),
    "MAX_UPLOAD_GB": ("0", "hunter2"),
    "MAX_DURATION_MINUTES": ("0", "2881", "hunter2"),
    "MAX_SOURCE_PIXELS": ("4095", "1.5", "hunter2"),
    "MAX_FRAME_RATE": ("0", "hunter2"),
    "MAX_TRACKS": ("0", "65", "hunter2"),
    "MAX_OUTPUT_MINUTES": ("-1", "hunter2"),
    "MAX_PENDING_VIDEOS": ("-1", "hunter2"),
    "MAX_PICTURES": ("-1", "hunter2"),
    "UPLOAD_HOURS": ("0", "-1", "hunter2"),
    "URL_HOURS": ("0", "hunter2"),
    "AUTH_MODE": ("hunter2", "Entra", "anonymous,hunter2"),
    "ENTRA_JWKS": WRONG_JWKS,
    "TRUSTED_JWKS": WRONG_JWKS,
    "MASTER_KEYS": ("hunter2", f"hunter2{KEY}", f"a:{KEY}hunter2", "a:aHVudGVyMg=="),
    "SIGNING_KEYS": ("hunter2",),
    "TOKEN_MINUTES": ("0", "hunter2"),
    "PLAYBACK_ACCESS": ("hunter2",),
    "ENCODE_SECONDS_PER_GIGAPIXEL": ("0", "hunter2"),
    "INSTANCE_MEMORY_MB": ("0", "1.5", "hunter2"),
    "PRICE_GB_SECOND": ("-1", "hunter2"),
    "PRICE_MILLION_EXECUTIONS": ("-1", "hunter2"),
    "PRICE_10K_WRITES": ("-1", "hunter2"),
    "PRICE_GB_MONTH": ("-1", "hunter2"),
    "CURRENCY": ("hunter2", "eur"),
    "STALL_MINUTES": ("0", "hunter2"),
    "TELEMETRY": ("hunter2", "azure"),
    "SWEEP_SCHEDULE": ("hunter2", "* * * * *"),
    "PREPARE_STORAGE": ("hunter2",),
    "BLOB_TRIGGER_SOURCE": ("hunter2",),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_setting_is_read_from_its_variable(name):
    text, value = GOOD[name]
    settings = load({**STORAGE, name: text})
    assert getattr(settings, FIELDS[name]) == value
    assert settings == load(STORAGE).model_copy(update={FIELDS[name]: value})


def test_no_other_page_may_call_the_api_unless_a_setting_says_so():
    assert load(STORAGE).cors_origins == ()
    assert load({**STORAGE, "CORS_ORIGINS": "*"}).cors_origins == ("*",)
    several = "https://a.example:8443,http://localhost:3000,capacitor://localhost,http://[::1]:3000"
    assert load({**STORAGE, "CORS_ORIGINS": several}).cors_origins == tuple(several.split(","))


def test_every_setting_is_tried():
    assert set(FIELDS) == {*GOOD, *STORAGE}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_a_wrong_value_names_its_variable_and_keeps_the_value_secret(name, text):
    with pytest.raises(ValueError, match=name) as caught:
        load({**STORAGE, name: text})
    assert "hunter2" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_all_wrong_settings_are_named_at_once():
    with pytest.raises(ValueError, match=r"MEDIA_STORAGE__blobServiceUri: .*URL_HOURS: "):
        load({"URL_HOURS": "0"})


def test_without_a_way_to_storage_both_ways_are_named():
    with pytest.raises(ValueError, match=r"^Wrong settings: MEDIA_STORAGE__blobServiceUri: must be given") as caught:
        load({})
    assert "MEDIA_STORAGE__tableServiceUri: must be given when MEDIA_STORAGE is not a connection" in str(caught.value)


@pytest.mark.parametrize("missing", ["MEDIA_STORAGE__blobServiceUri", "MEDIA_STORAGE__tableServiceUri"])
def test_an_identity_needs_both_endpoints(missing):
    load(IDENTITY)
    with pytest.raises(ValueError, match=f"^Wrong settings: {missing}: must be given"):
        load({**IDENTITY, missing: ""})


def test_telemetry_is_sent_only_where_somebody_is_named_to_receive_it():
    load({**STORAGE, "TELEMETRY": "azure", "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=1"})
    with pytest.raises(
        ValueError, match=r"^Wrong settings: TELEMETRY: azure needs APPLICATIONINSIGHTS_CONNECTION_STRING$"
    ):
        load({**STORAGE, "TELEMETRY": "azure"})


@pytest.mark.parametrize("name", ["UPLOAD_HOURS", "URL_HOURS"])
def test_urls_live_no_longer_than_the_key_that_an_identity_gets_to_sign_them(name):
    load({**STORAGE, name: "168"})
    load({**IDENTITY, name: "167"})
    with pytest.raises(ValueError, match=f"^Wrong settings: {name}: at most 167 when storage is opened by identity$"):
        load({**IDENTITY, name: "168"})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_keys_may_come_from_this_machine_without_https(host):
    url = f"http://{host}:8080/keys"
    assert load({**STORAGE, "ENTRA_JWKS": url}).entra_jwks == url


def test_an_empty_variable_means_the_default():
    assert load({**STORAGE, "CHUNK_SECONDS": ""}) == load(STORAGE)


def test_secrets_are_not_printed():
    shown = repr(load({**STORAGE, "MASTER_KEYS": f"a:{KEY}", "SIGNING_KEYS": f"a:{KEY}"}))
    assert "secret" not in shown
    assert KEY not in shown


def test_names_are_case_sensitive_like_the_environment():
    assert load({**STORAGE, "chunk_seconds": "60"}) == load(STORAGE)
