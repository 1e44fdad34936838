"""The hooks of azure.yaml, run with a stand-in for `az` that keeps its secrets in a folder."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from connector.security.master import KeyRing
from tests.unit.infra.bicep import INFRA, read

HOOKS = INFRA / "hooks"

AZ = """#!/bin/sh
echo "$*" >> "$VAULT/calls"
case "$*" in
  "keyvault secret list "*)
    if [ -s "$VAULT/refusals" ]; then
      sed -i 1d "$VAULT/refusals"
      echo Forbidden >&2
      exit 1
    fi
    ls "$VAULT/secrets" ;;
  "keyvault secret set "*)
    while [ "$1" != --name ]; do shift; done
    name=$2
    while [ "$1" != --file ]; do shift; done
    cp "$2" "$VAULT/secrets/$name"
    echo '{"value": "printed without --output none"}' > /dev/null ;;
  "deployment group create "*)
    if [ -s "$VAULT/refusals" ]; then sed -i 1d "$VAULT/refusals"; exit 1; fi ;;
esac
"""

VARIABLES = {
    "AZURE_SUBSCRIPTION_ID": "sub",
    "AZURE_RESOURCE_GROUP": "rg-video",
    "AZURE_KEY_VAULT_NAME": "kv-video",
    "AZURE_FUNCTION_APP_NAME": "func-video",
    "AZURE_EVENT_TOPIC_NAME": "evgt-video",
    "AZURE_HOST_STORAGE_NAME": "sthost",
}


class Vault:
    def __init__(self, folder):
        self.folder = folder
        (folder / "secrets").mkdir()
        (folder / "bin").mkdir()
        az = folder / "bin" / "az"
        az.write_text(AZ)
        az.chmod(0o755)

    def run(self, hook, refusals=0):
        (self.folder / "refusals").write_text("no\n" * refusals)
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        environment = VARIABLES | {"PATH": path, "VAULT": str(self.folder), "HOOK_WAIT_SECONDS": "0"}
        environment["TMPDIR"] = str(self.folder)
        return subprocess.run(["sh", HOOKS / hook], env=environment, capture_output=True, text=True, check=False)

    @property
    def secrets(self):
        return {path.name: path.read_text() for path in (self.folder / "secrets").iterdir()}

    @property
    def calls(self):
        return (self.folder / "calls").read_text()


@pytest.fixture
def vault(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    return Vault(tmp_path)


def test_keys_are_made_as_the_app_reads_them_and_shown_to_nobody(vault):
    done = vault.run("keys.sh")
    assert done.returncode == 0, done.stderr
    assert set(vault.secrets) == {"master-keys", "signing-keys"}
    assert len(set(vault.secrets.values())) == 2
    for text in vault.secrets.values():
        ((name, key),) = KeyRing.parse(text).keys
        assert (len(name), len(key)) == (8, 32)
        value = text.partition(":")[2]
        assert value not in vault.calls + done.stdout + done.stderr
    assert "--output none" in next(line for line in vault.calls.splitlines() if "secret set" in line)
    # Neither do they stay behind.
    assert {path.name for path in vault.folder.iterdir()} == {"bin", "secrets", "calls", "refusals"}
    assert "configreferences/appsettings/refresh" in vault.calls


def test_keys_that_are_there_are_never_touched(vault):
    vault.run("keys.sh")
    before = vault.secrets
    done = vault.run("keys.sh")
    assert (done.returncode, vault.secrets) == (0, before)
    assert vault.calls.count("secret set") == 2
    assert vault.calls.count("configreferences") == 1


def test_only_the_missing_key_is_made(vault):
    (vault.folder / "secrets" / "master-keys").write_text("kept")
    vault.run("keys.sh")
    assert vault.secrets["master-keys"] == "kept"
    KeyRing.parse(vault.secrets["signing-keys"])


def test_a_vault_that_cannot_be_read_yet_is_waited_for(vault):
    assert vault.run("keys.sh", refusals=3).returncode == 0
    assert len(vault.secrets) == 2


def test_a_vault_that_cannot_be_read_is_never_taken_for_an_empty_one(vault):
    done = vault.run("keys.sh", refusals=100)
    assert done.returncode == 1
    assert "kv-video" in done.stderr
    assert (vault.secrets, "secret set" in vault.calls) == ({}, False)


def test_the_subscription_is_tried_until_the_app_is_up(vault):
    done = vault.run("events.sh", refusals=2)
    assert (done.returncode, vault.calls.count("deployment group create")) == (0, 3)
    assert vault.run("events.sh", refusals=100).returncode == 1


def test_the_subscription_gets_the_parameters_that_it_takes(vault):
    vault.run("events.sh")
    template = vault.calls.partition("--template-file ")[2].split()[0]
    assert Path(template).resolve() == INFRA / "upload-events.bicep"
    given = {word.partition("=")[0] for word in vault.calls.split() if "=" in word}
    assert given == {d.name for d in read(INFRA / "upload-events.bicep").all("param")}


@pytest.mark.parametrize("hook", ["keys", "events"])
def test_hooks_read_what_the_deployment_says_and_exist_for_both_shells(hook):
    outputs = {d.name for d in read(INFRA / "main.bicep").all("output")} | {"AZURE_SUBSCRIPTION_ID"}
    shell, power = ((HOOKS / f"{hook}.{end}").read_text("utf-8") for end in ("sh", "ps1"))
    for name in VARIABLES:
        assert (f"${name}" in shell) == (f"$env:{name}" in power), name
    for text in (shell, power):
        assert set(re.findall(r"\$(?:env:)?(AZURE_\w+)", text)) <= outputs


def test_parameters_come_from_the_environment_and_the_readme_lists_them():
    values = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
    params = {d.name: d for d in read(INFRA / "main.bicep").all("param")}
    assert set(values) == set(params)
    readme = (INFRA / "README.md").read_text("utf-8")
    for name, entry in values.items():
        if name in {"environmentName", "location", "extraSettings"}:
            continue
        variable, _, default = entry["value"].removeprefix("${").removesuffix("}").partition("=")
        wanted = params[name].value
        assert default == (str(wanted).lower() if isinstance(wanted, bool) else str(wanted)), name
        assert f"| `{variable}` | {f'`{default}`' if default else ''} |" in readme, name
