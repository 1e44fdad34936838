"""The files around the templates: azd, the workflow, the package, the licences, the local settings."""

import json
import os
import re
import shutil
import subprocess
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from connector.settings import Settings, load, variable
from tests.unit.infra.bicep import INFRA, read
from tests.unit.infra.facts import OF_THE_HOST

ROOT = INFRA.parent
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text("utf-8"))


def _runs(job):
    return "\n".join(step.get("run", "") for step in WORKFLOW["jobs"][job]["steps"])


def test_the_workflow_checks_tests_compiles_and_looks_ahead():
    assert {"make check", "make test"} <= set(_runs("code").splitlines())
    for file in ("infra/main.bicep", "infra/upload-events.bicep"):
        assert f"az bicep build --file {file}" in _runs("infra")
    assert 'echo "BICEP=' in _runs("code").partition("make check")[0]
    what_if = _runs("what-if")
    # Otherwise it would need every right that the deployment needs, such as giving roles.
    assert "--validation-level ProviderNoRbac" in what_if
    assert "az deployment sub what-if" in what_if
    assert "--template-file infra/main.bicep" in what_if
    required = [d.name for d in read(INFRA / "main.bicep").all("param") if d.value is None]
    assert re.findall(r"(\w+)=", what_if) == required


def test_the_workflow_may_read_and_no_more():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert WORKFLOW["jobs"]["what-if"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in (ROOT / ".github/workflows/check.yml").read_text("utf-8")
    for job in WORKFLOW["jobs"].values():
        assert job["timeout-minutes"] <= 60
        # What a repository's variables hold reaches a shell as variables, never as text of the script.
        assert not any("${{" in step.get("run", "") for step in job["steps"])


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(path):
    used = re.findall(r"uses: (.+)", path.read_text("utf-8"))
    assert used
    assert [u for u in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", u)] == []


def test_an_action_has_the_same_commit_in_all_workflows():
    used = {tuple(u.split("@")) for path in WORKFLOWS for u in re.findall(r"uses: (.+)", path.read_text("utf-8"))}
    assert len({name for name, _ in used}) == len(used)


def test_known_vulnerabilities_are_looked_for_every_week():
    workflow = yaml.safe_load((ROOT / ".github/workflows/dependencies.yml").read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow[True]["schedule"], "YAML 1.1 takes the key `on` for true"
    runs = {name: job["steps"][-1]["run"] for name, job in workflow["jobs"].items()}
    assert "--require-hashes" in runs["python"]
    assert "-r requirements.lock" in runs["python"]
    assert runs["npm"].startswith("npm audit")


@pytest.mark.parametrize(("newest", "status"), [("18.1.0", 0), ("17.0.1", 0), ("19.0.0", 1), ("", 1)])
def test_a_new_major_version_of_av_is_told(tmp_path, newest, status):
    workflow = yaml.safe_load((ROOT / ".github/workflows/dependencies.yml").read_text("utf-8"))
    (tmp_path / "requirements.txt").write_text("azure-core==1.0\nav==18.1.0\n")
    answer = f"echo 'av ({newest})'; echo 'Available versions: {newest}, 1.0.0'" if newest else "exit 1"
    (tmp_path / "python3").write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "python3").chmod(0o755)
    ran = subprocess.run(
        ["bash", "-e", "-c", workflow["jobs"]["av"]["steps"][-1]["run"]],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == status


def test_every_kind_of_package_is_kept_up_to_date():
    found = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text("utf-8"))
    assert {u["package-ecosystem"] for u in found["updates"]} == {"pip", "npm", "github-actions"}


def test_the_app_runs_on_a_python_that_it_is_written_for():
    (wanted,) = re.findall(r'requires-python = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"))
    (deployed,) = read(INFRA / "app/function.bicep").of_type("Microsoft.Web/sites")
    version = deployed.value["properties"]["functionAppConfig"]["runtime"]["version"]
    assert version in SpecifierSet(wanted)
    setup = next(s for s in WORKFLOW["jobs"]["code"]["steps"] if "setup-python" in s.get("uses", ""))
    assert setup["with"]["python-version"] == version


def test_azd_deploys_the_app_that_the_template_tags():
    azd = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))
    ((name, service),) = azd["services"].items()
    assert (name, service["project"], service["language"], service["host"]) == ("api", ".", "py", "function")
    assert "{ 'azd-service-name': 'api' }" in (INFRA / "app/function.bicep").read_text("utf-8")
    # The packages are installed here, by the hook, and the app is deployed as it is.
    assert service["remoteBuild"] is False
    for hook in service["hooks"]["prepackage"].values():
        assert "scripts/wheels.py" in hook["run"]
    assert (ROOT / azd["infra"]["path"] / f"{azd['infra']['module']}.bicep").is_file()


@pytest.mark.parametrize("hook", ["prepackage", "preprovision", "postprovision", "postdeploy"])
def test_azd_has_each_hook_for_both_shells(hook):
    azd = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))
    # `azd deploy` packages, too, but runs hooks of the service only.
    hooks = azd["services"]["api"]["hooks"][hook] if hook == "prepackage" else azd["hooks"][hook]
    assert {name: entry["shell"] for name, entry in hooks.items()} == {"posix": "sh", "windows": "pwsh"}
    for entry in hooks.values():
        for path in re.findall(r"[\w/]+\.(?:sh|ps1|mjs|py)", entry["run"]):
            assert (ROOT / path).is_file()


def _ignored(path):
    """By .funcignore: patterns without a slash hold for any part of a path. Nothing here is of `.python_packages`."""
    return any(fnmatch(part, pattern) for part in path.parts for pattern in _lines(".funcignore"))


def _lines(name):
    return [line for line in (ROOT / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]


def _project():
    """The files of the project: whatever else lies in a working folder is nobody's business here."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git, to know which files belong to the project")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listed.stdout.split("\0") if name]


def test_the_package_is_what_runs_and_nothing_else():
    # Such a pattern holds for any part of a path, which is how it is read here.
    assert [line for line in _lines(".funcignore") if "/" in line] == ["!.python_packages/**"]
    packed = [path for path in _project() if not _ignored(path)]
    assert {path.parts[0] for path in packed} == {
        *("LICENSE", "NOTICE", "connector", "function_app.py", "host.json", "requirements.txt"),
    }
    assert [path for path in _project() if path.parts[0] == "connector" and path not in packed] == []


@pytest.mark.parametrize(
    "name", ["local.settings.json", ".env", ".azure/video/.env", "node_modules/a.js", "build/lib/a.py"]
)
def test_what_may_hold_secrets_or_is_huge_stays_out(name):
    assert _ignored(Path(name))


def test_the_players_of_the_web_page_are_in_the_package():
    assert not _ignored(Path("connector/portal/vendor/hls.min.js"))


def test_every_script_that_is_served_is_in_the_notice():
    scripts = (ROOT / "scripts" / "vendor.mjs").read_text("utf-8")
    packages = set(re.findall(r'^  "([^/"]+)/', scripts, re.MULTILINE))
    text = (ROOT / "NOTICE").read_text("utf-8").partition("JavaScript")[2]
    assert packages == set(re.findall(r"^  ([a-z0-9.-]+)  ", text, re.MULTILINE))


def test_the_notice_says_what_the_wheel_holds():
    libraries = {
        path.name.partition("-")[0] for path in (metadata.distribution("av").files or []) if ".so" in path.name
    }
    text = (ROOT / "NOTICE").read_text("utf-8")
    for library in ("libx264", "libx265", "libmp3lame"):
        assert (library in libraries) == (f"({library})" in text)


def test_local_settings_are_settings_and_enough_to_start():
    sample = json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))["Values"]
    known = {variable(field) for field in Settings.model_fields}
    assert set(sample) - known == {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
    settings = load(sample)
    assert settings.storage == sample["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"
    assert settings.prepare_storage


def test_no_page_of_another_origin_can_call_the_api_that_core_tools_serve():
    """No key is asked for there, so any page in the developer's browser could."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))
    assert "CORS" not in sample.get("Host", {})
    assert "CORS_ORIGINS" not in sample["Values"]


def test_readme_settings_template_and_local_settings_agree():
    table = (ROOT / "README.md").read_text("utf-8").partition("| Setting | Default | Meaning |")[2].partition("\n\n")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert listed == {variable(field) for field in Settings.model_fields}
    template = set(read(INFRA / "app/function.bicep").one("appSettings").value)
    sample = set(json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))["Values"])
    assert template - set(OF_THE_HOST) <= listed
    assert sample - {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"} <= listed


def test_the_readme_says_how_to_deploy_and_what_was_not_tried():
    text = (ROOT / "README.md").read_text("utf-8").partition("## Deploy to Azure")[2].partition("\n## ")[0]
    for words in ("azd up", "az bicep build --file infra/main.bicep", "what-if", "GPL", "never deployed"):
        assert words in text
    for name in set(re.findall(r"AZURE_\w+|API_URL", text)):
        assert name in {d.name for d in read(INFRA / "main.bicep").all("output")}
