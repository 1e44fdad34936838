"""The hooks of azure.yaml, run with stand-ins for `az` and `azd` that keep what they are told in a folder."""

import datetime as dt
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
  "group exists "*)
    if [ -s "$VAULT/refusals" ]; then echo "not signed in" >&2; exit 1; fi
    if [ -e "$VAULT/group" ]; then echo true; else echo false; fi ;;
  "rest --method get "*)
    if [ -e "$VAULT/unreadable" ]; then echo Forbidden >&2; exit 1; fi
    cat "$VAULT/group" ;;
esac
"""

AZD = """#!/bin/sh
test "$1 $2" = "env set" && echo "$3=$4" >> "$VAULT/environment"
"""

VARIABLES = {
    "AZURE_SUBSCRIPTION_ID": "sub",
    "AZURE_ENV_NAME": "video",
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
        for name, text in (("az", AZ), ("azd", AZD)):
            program = folder / "bin" / name
            program.write_text(text)
            program.chmod(0o755)

    def run(self, hook, refusals=0, **variables):
        (self.folder / "refusals").write_text("no\n" * refusals)
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        environment = VARIABLES | {"PATH": path, "VAULT": str(self.folder), "HOOK_WAIT_SECONDS": "0"}
        environment |= {"TMPDIR": str(self.folder)} | variables
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


BUDGET = {"MONTHLY_BUDGET": "50", "ALERT_EMAIL": "a@b.example"}


def _start(vault):
    return (vault.folder / "environment").read_text()


def _this_month():
    """The month may end while the hook runs."""
    now = dt.datetime.now(dt.UTC)
    return {f"BUDGET_START={day:%Y-%m}-01\n" for day in (now, now - dt.timedelta(minutes=5))}


@pytest.mark.parametrize(
    "variables", [{}, {"MONTHLY_BUDGET": "0", "ALERT_EMAIL": "a@b.example"}, {"MONTHLY_BUDGET": "5"}]
)
def test_without_a_budget_azure_is_not_asked(vault, variables):
    assert vault.run("budget.sh", **variables).returncode == 0
    assert {path.name for path in vault.folder.iterdir()} == {"bin", "secrets", "refusals"}


@pytest.mark.parametrize("subscription", ["sub", ""], ids=["known", "asked-for-later"])
def test_the_first_budget_starts_with_this_month(vault, subscription):
    done = vault.run("budget.sh", AZURE_SUBSCRIPTION_ID=subscription, **BUDGET)
    assert (done.returncode, done.stderr) == (0, "")
    assert _start(vault) in _this_month()


def test_a_budget_keeps_the_start_that_azure_has(vault):
    (vault.folder / "group").write_text("2024-02-01T00:00:00Z\n")
    assert vault.run("budget.sh", **BUDGET, BUDGET_START="2025-05-01").returncode == 0
    assert _start(vault) == "BUDGET_START=2024-02-01\n"
    assert "/resourceGroups/rg-video/providers/Microsoft.Consumption/budgets?" in vault.calls


def test_a_group_without_a_budget_gets_one_from_this_month(vault):
    (vault.folder / "group").write_text("")
    assert vault.run("budget.sh", **BUDGET, BUDGET_START="2025-05-01").returncode == 0
    assert _start(vault) in _this_month()


@pytest.mark.parametrize("refused", ["group", "budgets"])
def test_a_start_is_never_guessed_when_azure_does_not_answer(vault, refused):
    (vault.folder / "group").write_text("2024-02-01T00:00:00Z\n")
    if refused == "budgets":
        (vault.folder / "unreadable").touch()
    done = vault.run("budget.sh", refusals=int(refused == "group"), **BUDGET)
    assert done.returncode != 0
    assert done.stderr
    assert not (vault.folder / "environment").exists()


def test_the_hook_asks_for_the_budget_that_the_template_makes():
    (budget,) = read(INFRA / "app/budget.bicep").of_type("Microsoft.Consumption/budgets")
    assert read(INFRA / "main.bicep").one("group").value["name"] == "rg-${environmentName}"
    for end in ("sh", "ps1"):
        text = (HOOKS / f"budget.{end}").read_text("utf-8")
        assert f"value[?name=='{budget.value['name']}']" in text
        assert f"budgets?api-version={budget.type.partition('@')[2]}" in text
        assert '"rg-$' in text


@pytest.mark.parametrize("hook", ["budget", "keys", "events"])
def test_hooks_read_what_they_are_told_and_exist_for_both_shells(hook):
    told = {"AZURE_SUBSCRIPTION_ID", "AZURE_ENV_NAME"}
    if hook != "budget":  # it runs before the deployment
        told |= {d.name for d in read(INFRA / "main.bicep").all("output")}
    parameters = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"].values()
    told |= {name for p in parameters for name in re.findall(r"\$\{(\w+)", str(p["value"]))}
    shell, power = ((HOOKS / f"{hook}.{end}").read_text("utf-8") for end in ("sh", "ps1"))
    read_by = [
        set(re.findall(r"\$\{?([A-Z]+_[A-Z_]+)", shell)) - {"HOOK_WAIT_SECONDS"},
        set(re.findall(r"\$env:(\w+)", power)),
    ]
    assert read_by[0] == read_by[1]
    assert read_by[0] <= told


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
