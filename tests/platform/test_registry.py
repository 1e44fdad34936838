"""Microsoft's own worker code finds and registers every function, or says why it does not."""

import json
import subprocess
import sys
from pathlib import Path

from local.stack import Stack
from tests.conftest import PROJECT

REGISTER = """
import json, os, sys
from pathlib import Path
from azure_functions_runtime import handle_event
from local.app import load
os.environ.setdefault("MEDIA_STORAGE", "UseDevelopmentStorage=true")
functions = load(Path(sys.argv[1]), os.environ)
registered = {f.name: handle_event._functions.get_function(f.id).name for f in functions}
print(json.dumps({"registered": registered, "storage": [m for m in sys.modules if m.startswith("azure.storage.blob")]}))
"""


def _register(app: Path) -> dict:
    command = [sys.executable, "-c", REGISTER, str(app)]
    done = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)


def test_every_function_of_the_app_is_registered():
    registered = _register(PROJECT)["registered"]
    assert registered == {name: name for name in registered}
    routes = {
        *("AuthorizationToken", "Docs", "Formats", "Health", "Key", "MarkComplete", "OpenApi", "Playback"),
        *("PlaybackEndpoint", "Portal", "Source", "Status", "Thumbnail", "ThumbnailAt", "Thumbnails", "Video"),
        *("Videos", "ZNoSuchResource"),
    }
    background = {"Advance", "AdvancePoison", "Encode", "EncodePoison", "Sweep", "UploadCompleted"}
    assert set(registered) == routes | background


def test_the_storage_sdk_is_not_loaded_for_the_sake_of_the_blob_trigger():
    assert _register(PROJECT)["storage"] == []


def test_a_function_that_the_worker_refuses_stops_the_local_host_with_its_sentence(tmp_path):
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.queue_trigger('message', 'q', 'MEDIA_STORAGE')\n"
        "@app.queue_output('more', 'q', 'MEDIA_STORAGE')\n"
        "def planted(message: func.QueueMessage, more: func.Out[list[str]]) -> None: ...\n"
    )
    stack = Stack(tmp_path, tmp_path / "data", encoders=0)
    command = [sys.executable, "-m", "local", "--app", str(tmp_path), "--in-memory"]
    done = subprocess.run(
        command, env=stack.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    refused = "cannot load the planted function: binding more has invalid non-type annotation"
    assert f"{refused} azure.functions._abc.Out[list[str]]" in done.stderr
    assert done.stdout == ""
