"""What the host tells, and when it refuses to start."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from connector.bootstrap import configured, log_start, require_callers, require_keys, storage_access, storage_origins
from connector.security.master import KeyRing, fingerprint
from connector.settings import load
from connector.storage.identity import Identity
from connector.storage.transport import Transport
from tests.support.apps import KEYS, memory_app

ROOT = Path(__file__).parents[2]
STORAGE = {"MEDIA_STORAGE": "AccountKey=secret"}
IDENTITY = {
    "MEDIA_STORAGE__blobServiceUri": "https://account.blob.core.windows.net",
    "MEDIA_STORAGE__tableServiceUri": "https://account.table.core.windows.net",
}
AZURE = {"WEBSITE_HOSTNAME": "app.azurewebsites.net"}
HERE = {"WEBSITE_HOSTNAME": "localhost:7071"}
ENTRA = {
    "AUTH_MODE": "entra",
    "ENTRA_ISSUER": "https://login.example/v2.0",
    "ENTRA_AUDIENCE": "client-id",
    "ENTRA_JWKS": "https://login.example/keys",
}
BOTH = {"MASTER_KEYS": KEYS["master_keys"], "SIGNING_KEYS": KEYS["signing_keys"]}


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, ""),
        (AZURE, "https://app.azurewebsites.net/api"),
        ({"WEBSITE_HOSTNAME": "localhost:7071"}, "http://localhost:7071/api"),
        ({**AZURE, "PUBLIC_URL": "https://video.example/api"}, "https://video.example/api"),
    ],
)
def test_players_reach_the_api_where_the_host_says(environ, url):
    assert configured({**STORAGE, **environ}).public_url == url


@pytest.mark.parametrize(
    ("public_url", "own"),
    [
        ("https://video.example/api", ("https://video.example",)),
        ("https://Video.example:8443/api", ("https://video.example:8443",)),
        ("http://127.0.0.1:7071/api", ("http://localhost:7071", "http://127.0.0.1:7071")),
        ("http://[::1]:7071/api", ("http://[::1]:7071",)),
        ("", ()),
    ],
)
def test_storage_lets_in_the_pages_of_the_app_itself_and_those_of_the_setting(public_url, own):
    given = {**STORAGE, "PUBLIC_URL": public_url}
    assert storage_origins(configured(given)) == own
    page = "https://page.example"
    assert storage_origins(configured({**given, "CORS_ORIGINS": page})) == (*own, page)
    assert storage_origins(configured({**given, "CORS_ORIGINS": ",".join((page, *own))})) == (*own, page)
    assert storage_origins(configured({**given, "CORS_ORIGINS": f"*,{page}"})) == ("*",)


def test_core_tools_tell_their_own_address_so_that_their_pages_can_read_storage():
    assert storage_origins(configured({**STORAGE, **HERE})) == ("http://localhost:7071", "http://127.0.0.1:7071")


@pytest.mark.parametrize(
    ("environ", "confinement"),
    [({}, "best"), (HERE, "best"), (AZURE, "required"), ({**AZURE, "CONFINEMENT": "best"}, "best")],
)
def test_media_processes_must_be_confined_in_azure(environ, confinement):
    assert configured({"MEDIA_STORAGE": "unused", **environ}).confinement == confinement


@pytest.mark.parametrize("environ", [{}, {"WEBSITE_HOSTNAME": "localhost:7071"}, {**AZURE, **BOTH}])
def test_it_starts_outside_azure_and_with_keys(environ):
    require_keys(environ)


@pytest.mark.parametrize("missing", ["MASTER_KEYS", "SIGNING_KEYS"])
def test_it_refuses_to_start_in_azure_without_a_key(missing):
    with pytest.raises(ValueError, match=f"^{missing} must be configured"):
        require_keys({**AZURE, **BOTH, missing: ""})


@pytest.mark.parametrize(
    "environ",
    [
        {},
        AZURE,
        {**AZURE, "AUTH_MODE": "keys"},
        {**AZURE, **ENTRA},
        ENTRA,
        {"AUTH_MODE": "anonymous"},
        {**HERE, "AUTH_MODE": "anonymous"},
    ],
    ids=["default", "azure", "azure-keys", "azure-entra", "entra", "anonymous", "core-tools-anonymous"],
)
def test_it_starts_when_it_is_clear_who_may_call(environ):
    require_callers(environ)


def test_it_refuses_to_let_everybody_in_in_azure():
    with pytest.raises(ValueError, match=r"^AUTH_MODE must be keys or entra in Azure"):
        require_callers({**AZURE, "AUTH_MODE": "anonymous"})


@pytest.mark.parametrize("missing", [name for name in ENTRA if name != "AUTH_MODE"])
def test_it_refuses_to_start_with_entra_half_configured(missing):
    with pytest.raises(ValueError, match=f"^{missing} must be configured for AUTH_MODE=entra"):
        require_callers({**ENTRA, missing: ""})


def test_all_that_entra_needs_is_named_at_once():
    with pytest.raises(ValueError, match=r"^ENTRA_ISSUER and ENTRA_AUDIENCE and ENTRA_JWKS must"):
        require_callers({"AUTH_MODE": "entra"})


def test_a_connection_string_goes_before_an_identity_as_in_the_host():
    assert storage_access(load({**STORAGE, **IDENTITY})) == "AccountKey=secret"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"MEDIA_STORAGE__credential": "managedidentity"}, "ManagedIdentityCredential"),
        ({"MEDIA_STORAGE__credential": "managedidentity", "MEDIA_STORAGE__clientId": "1"}, "ManagedIdentityCredential"),
        ({}, "DefaultAzureCredential"),
    ],
    ids=["system-assigned", "user-assigned", "developer"],
)
def test_an_identity_is_the_one_that_is_configured(given, kind):
    access = storage_access(load({**IDENTITY, **given}))
    assert isinstance(access, Identity)
    assert (access.blob_uri, access.table_uri) == tuple(IDENTITY.values())
    with access.credential(Transport()) as credential:
        assert type(credential).__name__ == kind


@pytest.mark.parametrize(
    ("environ", "refusal"),
    [
        (AZURE, "MASTER_KEYS and SIGNING_KEYS must be configured in Azure"),
        ({**AZURE, **BOTH, "AUTH_MODE": "anonymous"}, "AUTH_MODE must be keys or entra in Azure"),
        ({"AUTH_MODE": "entra"}, "ENTRA_ISSUER and ENTRA_AUDIENCE and ENTRA_JWKS must be configured"),
    ],
    ids=["keys", "anonymous", "entra"],
)
def test_the_refusal_comes_before_any_function_is_known(environ, refusal):
    done = subprocess.run(
        [sys.executable, "-c", "import function_app"],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"ValueError: {refusal}" in done.stderr


@pytest.mark.parametrize("telemetry", ["", "console", "azure"])
def test_nothing_of_opentelemetry_is_loaded_unless_telemetry_is_on(telemetry):
    code = (
        "import sys, function_app\n"
        "from connector.bootstrap import shared_app\n"
        "app = shared_app()\n"
        "with app.telemetry.span('probe', {}):\n"
        "    app.telemetry.measure('queue.age', 1.0)\n"
        "    print(app.storage.blobs is not None, app.telemetry.traceparent()[:3])\n"
        "app.telemetry.close() if hasattr(app.telemetry, 'close') else None\n"
        "print([name for name in ('opentelemetry', 'azure.monitor') if name in sys.modules])"
    )
    insights = "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=http://127.0.0.1:1/"
    given = {
        "MEDIA_STORAGE": "UseDevelopmentStorage=true",
        "TELEMETRY": telemetry,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": insights,
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    first, *_, last = done.stdout.splitlines()
    if telemetry:
        assert first == "True 00-"
        assert (
            last == f"[{', '.join(repr(n) for n in ('opentelemetry', 'azure.monitor')[: 1 + (telemetry == 'azure')])}]"
        )
    else:
        assert (first, last) == ("True ", "[]")


def test_the_start_is_logged_with_the_id_and_the_fingerprint_of_the_master_key_and_never_the_key(caplog):
    caplog.set_level(logging.INFO)
    log_start(memory_app(**KEYS))
    name, key = KeyRing.parse(KEYS["master_keys"]).current
    (line,) = caplog.messages
    assert name in line
    assert fingerprint(key) in line
    assert KEYS["master_keys"].partition(":")[2] not in line
    log_start(memory_app())
    assert len(caplog.messages) == 1
