"""What the README says about Functions Core Tools, line by line, up to `func start` itself.

In its place, Microsoft's worker code loads the app with the settings of local.settings.json. Calls of its functions
publish a video.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.media.cache import cached
from tests.media.sources import Video, numbered

pytestmark = [pytest.mark.media, pytest.mark.azurite]

PORTS = (10000, 10001, 10002)
SOURCE = Video(fps=Fraction(25), frames=50, size=(320, 180), gop=25)

PUBLISH = """
import asyncio, json, os, pathlib, sys, urllib.request
from local.app import Invoker, load
from local.protos import RpcHttp, TypedData

os.environ |= json.loads(pathlib.Path("local.settings.json").read_text())["Values"]
functions = {function.name: function for function in load(pathlib.Path.cwd(), os.environ)}
invoker = Invoker(None)
waiting = []

async def run(name, data, metadata=None):
    result = await invoker.run(functions[name], data, metadata)
    for value in result.outputs.values():
        waiting.extend(json.loads(value.json))
    return result.returned

async def call(method, name, body=b"", **path):
    headers = {"content-type": "application/json"}
    http = RpcHttp(
        method=method, url="http://localhost:7071/api", headers=headers, query={}, params=path,
        body=TypedData(bytes=body),
    )
    answer = (await run(name, TypedData(http=http))).http
    assert answer.status_code in {"200", "201", "202"}, (name, answer.status_code, answer.body.bytes)
    return json.loads(answer.body.bytes) if answer.body.bytes else None

async def main():
    video = await call("POST", "Videos", json.dumps({"OriginalFileName": "a.mp4"}).encode())
    data = pathlib.Path(sys.argv[1]).read_bytes()
    headers = {"x-ms-blob-type": "BlockBlob"}
    urllib.request.urlopen(urllib.request.Request(video["UploadUri"], data, headers, method="PUT")).close()
    await call("POST", "MarkComplete", id=video["Id"])
    while waiting:
        text = waiting.pop(0)
        queue = "Advance" if json.loads(text)["step"] in {"probe", "package"} else "Encode"
        await run(queue, TypedData(string=text), {"DequeueCount": TypedData(json="1")})
    print((await call("GET", "Status", id=video["Id"]))["Status"], flush=True)
    os._exit(0)

asyncio.run(main())
"""


def _lines() -> list[str]:
    """The commands of the README's section, without what comes behind them."""
    section = (PROJECT / "README.md").read_text("utf-8").partition("\n## With Functions Core Tools\n")[2]
    (block,) = re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    return [re.sub(r"\s+#.*", "", line) for line in block.splitlines()]


@pytest.fixture
def clone(tmp_path) -> Path:
    """A folder that looks like a clone after `make setup`. Nothing here may install: its packages are this clone's."""
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                pytest.skip(f"port {port}, which Azurite takes by default, is not free")
    for entry in PROJECT.iterdir():
        if entry.name not in {"local.settings.json", ".data", ".git"}:
            (tmp_path / entry.name).symlink_to(entry)
    return tmp_path


def test_the_lines_for_core_tools_work_up_to_func_start(clone):
    first, *before, last = _lines()
    assert first == "make setup && . .venv/bin/activate"  # whoever runs tests has done that
    assert last == "func start"
    assert [shlex.split(line)[0] for line in before] == ["cp", "npx"]
    script = "\n".join(["set -e", *before, "echo started", "wait"])
    with (clone / "azurite.log").open("w") as log:
        shell = subprocess.Popen(["bash", "-c", script], cwd=clone, stdout=log, stderr=log, start_new_session=True)
    try:
        _listening(shell, clone / "azurite.log")
        source = cached("core-tools.mp4", lambda path: numbered(path, SOURCE), SOURCE)
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = subprocess.run(
            [sys.executable, "-c", PUBLISH, str(source)],
            cwd=clone,
            env={**environment, "PYTHONPATH": str(clone)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.stdout == "Completed\n", done.stderr[-3000:]
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait()


def _listening(shell: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 60
    for port in PORTS:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert shell.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
