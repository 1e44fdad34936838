"""What is deployed, installed as azd's hook does it, is enough to publish a video, and not much more."""

import ast
import hashlib
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from importlib import metadata
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from client import Client, Status
from scripts.package import FFMPEG, LIMIT, figures, files, ignored, install, sizes
from scripts.wheels import PACKAGES, PROJECT, PYTHON, pip_install
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import Video, numbered
from tests.support.packaged import BESIDES, Host, copied, python, running, site_packages
from tests.support.publishing import publish

pytestmark = [pytest.mark.media, pytest.mark.azurite]

MODULES = """
import pkgutil, importlib, connector, function_app
for module in pkgutil.walk_packages(connector.__path__, "connector."):
    importlib.import_module(module.name)
"""


@pytest.fixture(scope="module", autouse=True)
def _installed():
    """Fails when a package that is deployed, one that another needs included, has no wheel for Azure."""
    install()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if (sys.platform, platform.machine(), sys.version_info[:2]) != ("linux", "x86_64", PYTHON):
        pytest.skip("the package is for Linux, x86_64 and Python 3.11")
    return copied(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A Python that has the standard library only."""
    return python(tmp_path_factory.mktemp("python"))


def _python(alone, package, code):
    """What the code prints, run in the package's folder with its packages; a warning is an error."""
    command = [alone, "-W", "error", "-c", code]
    path = {"PYTHONPATH": str(site_packages(package))}
    done = subprocess.run(command, cwd=package, env=path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


# What is uploaded


def test_the_players_and_pages_of_the_portal_are_in_the_package():
    vendored = re.findall(r'^  ".*/(.+?)",$', (PROJECT / "scripts/vendor.mjs").read_text("utf-8"), re.MULTILINE)
    pages = {path.relative_to(PROJECT) for path in (PROJECT / "connector/portal").rglob("*") if path.is_file()}
    assert {Path("connector/portal/vendor", name) for name in vendored} < pages <= set(files())


def _func_ignores(path):
    """As Core Tools read .funcignore, which is not as git does:
    https://github.com/Azure/azure-functions-core-tools/blob/main/src/Cli/func/Common/GitIgnoreParser.cs
    """
    lines = [line for line in (PROJECT / ".funcignore").read_text("utf-8").splitlines() if line[:1] not in {"#", ""}]
    included = [line[1:] for line in lines if line.startswith("!")]
    excluded = [line for line in lines if not line.startswith("!")]

    def matches(patterns):
        escaped = (re.sub(r"[-\[\]/{}()+?.\\^$|]", r"\\\g<0>", line.removeprefix("/")) for line in patterns)
        expressions = (line.replace("**", "(.+)").replace("*", "([^/]+)") for line in escaped)
        return re.match(rf"^(({')|('.join(expressions)}))\b", path) is not None

    return matches(excluded) and not matches(included)


def test_azd_and_func_upload_the_same():
    patterns = ignored()
    unwanted = (".env", ".git/config", ".azure/a/.env", ".venv/bin/python", "local.settings.json", "docs/a.png")
    there = [path.name for path in PROJECT.iterdir()]
    for path in (*unwanted, *there):
        assert _func_ignores(path) == patterns.match_file(path), path
    assert all(patterns.match_file(path) for path in unwanted)
    assert not [path for path in files() if _func_ignores(path.as_posix())]


def test_the_installed_packages_are_uploaded_whole():
    """Folders in them may have names that .funcignore has for others."""
    there = {path.relative_to(PROJECT) for path in PACKAGES.rglob("*") if path.is_file()}
    assert there == {path for path in files() if path.parts[0] == ".python_packages"}
    relative = PACKAGES.relative_to(PROJECT)
    for path in ("a/.b/c.py", "a/client/docs/tests/d.py", "local/README.md", "a/__pycache__/e.cpython-311.pyc"):
        assert not _func_ignores((relative / path).as_posix())
        folders = (relative / path).parents[:-1]  # the last one is the project
        assert not any(ignored().match_file(p.as_posix()) for p in (relative / path, *folders))


# What is installed


def _locked_wheel(folder, tag):
    """A lock of one package, and its wheel in the same folder."""
    wheel = folder / f"some_library-1.0-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as written:
        written.writestr("some_library.py", "")
        written.writestr(
            "some_library-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: some-library\nVersion: 1.0\n"
        )
        written.writestr(
            "some_library-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n"
        )
        written.writestr("some_library-1.0.dist-info/RECORD", "")
    lock = folder / "requirements.lock"
    lock.write_text(f"some-library==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n", "utf-8")
    return lock


@pytest.mark.parametrize(
    ("tag", "fits"),
    [
        ("py3-none-any", True),
        ("cp311-cp311-manylinux_2_28_x86_64", True),
        ("cp39-abi3-manylinux2014_x86_64", True),
        ("cp311-abi3-manylinux_2_34_x86_64", False),  # needs a newer glibc than Azure's
        ("cp312-cp312-manylinux_2_28_x86_64", False),
    ],
)
def test_only_what_runs_in_azure_is_installed(tmp_path, monkeypatch, tag, fits):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    lock = _locked_wheel(tmp_path, tag)
    if fits:
        pip_install(lock, tmp_path / "installed")
        assert (tmp_path / "installed" / "some_library.py").is_file()
    else:
        with pytest.raises(subprocess.CalledProcessError):
            pip_install(lock, tmp_path / "installed")


def test_a_package_with_another_content_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    lock = _locked_wheel(tmp_path, "py3-none-any")
    with zipfile.ZipFile(tmp_path / "some_library-1.0-py3-none-any.whl", "a") as changed:
        changed.writestr("some_library_too.py", "")
    with pytest.raises(subprocess.CalledProcessError):
        pip_install(lock, tmp_path / "installed")


def test_the_package_is_small_but_for_ffmpeg(capsys):
    found = sizes()
    with capsys.disabled():
        print("", *figures(found)[:2], sep="\n")
    assert sum(found.values()) - found[FFMPEG] <= LIMIT


def _imported():
    """What the app imports from others, wherever in its code: dotted names, the last part of which may be no module."""
    for path in (PROJECT / "function_app.py", *(PROJECT / "connector").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{name}" for name in names]
            yield from (n for n in names if n.partition(".")[0] not in {"connector", *sys.stdlib_module_names})


def _modules(distribution):
    files = (file.as_posix().partition(".")[0] for file in distribution.files or ())
    return {file.removesuffix("/__init__").replace("/", ".") for file in files}


def test_the_requirements_are_what_the_app_imports():
    lines = [
        line for line in (PROJECT / "requirements.txt").read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    requirements = {canonicalize_name(Requirement(line).name): Requirement(line).specifier for line in lines}
    assert all(str(pinned).startswith("==") for pinned in requirements.values())
    installed = metadata.distributions(path=[str(PACKAGES)])
    owners = {module: canonicalize_name(found.name) for found in installed for module in _modules(found)}
    imported = {owners.get(name) or owners[name.rpartition(".")[0]] for name in _imported()}
    # Pydantic itself pins the one core that fits.
    assert imported - {"pydantic-core"} == set(requirements)


def test_every_module_loads_without_a_warning(alone, package):
    _python(alone, package, MODULES)


def test_the_app_loads_telemetry_only_when_it_is_asked_for(alone, package):
    asked = "any(name.startswith(('opentelemetry', 'azure.monitor')) for name in sys.modules)"
    assert _python(alone, package, f"import sys, function_app, connector.bootstrap; print({asked})") == "False\n"
    key = "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:9/"
    build = f"import os, sys; from connector.otel import application_insights; application_insights({key!r})"
    assert _python(alone, package, f"{build}; print({asked}, flush=True); os._exit(0)") == "True\n"


def test_azd_can_restore(tmp_path):
    """`azd restore` runs `pip install .` if there is a pyproject.toml:
    https://github.com/Azure/azure-dev/blob/main/cli/azd/pkg/tools/python/python.go
    """
    project = tmp_path / "project"
    project.mkdir()
    for (
        path
    ) in PROJECT.iterdir():  # a build looks at the folders beside pyproject.toml, and leaves some of its own there
        if path.name in {"pyproject.toml", "requirements.txt", "function_app.py"}:
            shutil.copyfile(path, project / path.name)
        elif path.is_dir():
            (project / path.name).mkdir()
    installed = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", installed, project]
    subprocess.run(command, check=True)
    assert [path.suffix for path in installed.iterdir()] == [".dist-info"]
    (distribution,) = metadata.distributions(path=[str(installed)])
    lines = (PROJECT / "requirements.txt").read_text("utf-8").splitlines()
    assert set(distribution.requires) == {line for line in lines if not line.startswith("#")}


# What runs


@dataclass
class Run:
    """A video's way through the package, and the files of all modules that were loaded for it."""

    last: Status
    urls: dict[str, int]
    portal: dict[str, int]
    loaded: set[Path]
    host: Path


@pytest.fixture(scope="module")
def run(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("host")
    video = Video(fps=Fraction(25), frames=50, size=(320, 180), gop=25)
    source = cached("package.mp4", lambda path: numbered(path, video, Audio()), video)
    host = Host(folder)
    with running(package, host, tmp_path_factory.mktemp("data")) as stack, Client(stack.api) as client:
        video_id, seen = publish(client, source)
        urls = client.playback_urls(video_id) if seen[-1].status == "Completed" else {}
        pages = [path.relative_to("connector/portal") for path in files() if path.parts[:2] == ("connector", "portal")]
        portal = {page.as_posix(): httpx.get(f"{stack.api}/portal/{page}").status_code for page in pages}
        played = {kind: httpx.get(url).status_code for kind, url in urls.items()}
    return Run(seen[-1], played, portal, host.loaded, folder)


def test_it_publishes_a_video(run):
    assert run.last.status == "Completed", run.last.message
    assert run.urls == dict.fromkeys(("HLS", "DASH", "Streaming", "Progressive"), 200)


def test_it_serves_the_portal_whole(run):
    assert "vendor/hls.min.js" in run.portal
    assert set(run.portal.values()) == {200}, run.portal


def test_all_that_ran_came_out_of_the_package(run, package):
    packages = site_packages(package)
    standard = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    own = {file.relative_to(package).as_posix() for file in run.loaded if file.is_relative_to(package)}
    assert {"function_app.py", "connector/pipeline/package.py", "connector/media/chunk.py"} <= own
    libraries = {file.relative_to(packages).as_posix() for file in run.loaded if file.is_relative_to(packages)}
    for needed in ("av", "azure/data/tables", "azure/functions", "azure/storage/blob", "cryptography", "pydantic"):
        assert f"{needed}/__init__.py" in libraries
    for unused in ("opentelemetry/", "azure/monitor/", "azure/identity/"):
        assert not [file for file in libraries if file.startswith(unused)]
    elsewhere = [file for file in run.loaded if not any(map(file.is_relative_to, (package, packages, run.host)))]
    assert [file for file in elsewhere if "site-packages" in file.parts or not standard & set(file.parents)] == []


def test_the_local_host_brings_nothing_that_the_package_has():
    installed = {canonicalize_name(d.name) for d in metadata.distributions(path=[str(PACKAGES)])}
    assert installed.isdisjoint(BESIDES)
