"""The local host around the deployment package: with its files and a Python of its own, and nothing else of this
project.
"""

import contextlib
import os
import shutil
import threading
import venv
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Self

from local.stack import Stack
from scripts.package import files, install
from scripts.wheels import PACKAGES, PROJECT

BESIDES = (
    "aiohappyeyeballs",
    "aiohttp",
    "aiosignal",
    "attrs",
    "azure-functions-runtime",
    "azure-storage-queue",
    "frozenlist",
    "h11",
)
"""What the local host needs and the app must not."""

_WATCH = """
import os, sys

_pipe = os.open(os.path.join(os.path.dirname(__file__), "loaded"), os.O_WRONLY)

def _tell(event, arguments):
    file = None
    if event == "exec" and arguments[0].co_name == "<module>":
        file = arguments[0].co_filename
    elif event == "import":
        file = arguments[1]  # of a compiled module, otherwise nothing
    if file and file.startswith("/"):
        try:
            os.write(_pipe, (file + "\\n").encode())
        except OSError:  # nobody listens any more
            pass

sys.addaudithook(_tell)
"""


def copied(folder: Path) -> Path:
    """The folder, with the package as it arrives in Azure. The installed packages are links: they are large."""
    install()
    for path in files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if path.parts[0] == ".python_packages":
            (folder / path).symlink_to(PROJECT / path)
        else:
            shutil.copyfile(PROJECT / path, folder / path)
    return folder


def python(folder: Path) -> Path:
    """A Python in the new folder that has the standard library only."""
    venv.create(folder, symlinks=True)
    return folder / "bin" / "python"


def site_packages(package: Path) -> Path:
    """The packages of the package, which Azure puts on its path."""
    return package / PACKAGES.relative_to(PROJECT)


class Host:
    """A new folder with the local host, what it needs, and a Python: all that is added to the package.

    While it is entered, every process with that folder on its path tells which modules it loads and from where: by a
    pipe, because a media process may write no file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("local", "node_modules"):
            self._link(Path(name), PROJECT / name)
        for name in BESIDES:
            distribution = metadata.distribution(name)
            for file in distribution.files or ():
                if ".." not in file.parts:
                    self._link(Path(file), Path(str(distribution.locate_file(file))))
        (folder / "sitecustomize.py").write_text(_WATCH, "utf-8")
        self._python = python(folder / "python")
        self._pipe = folder / "loaded"
        os.mkfifo(self._pipe)
        self.loaded: set[Path] = set()
        """Files of the modules that were loaded, complete when the context is left."""

    def _link(self, name: Path, target: Path) -> None:
        (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self._folder / name).symlink_to(target)

    def stack(self, package: Path, data: Path) -> Stack:
        """The stack, to be entered, with the package's packages."""
        path = os.pathsep.join(map(str, (site_packages(package), self._folder)))
        stack = Stack(package, data, encoders=1, env={"PYTHONPATH": path})
        stack._command[0] = str(self._python)
        return stack

    def __enter__(self) -> Self:
        opened = os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK)  # does not wait until somebody writes
        os.set_blocking(opened, True)
        self._writing = os.open(self._pipe, os.O_WRONLY)  # or the pipe would end with the first process
        self._reader = threading.Thread(target=self._read, args=(opened,))
        self._reader.start()
        return self

    def _read(self, opened: int) -> None:
        with os.fdopen(opened, encoding="utf-8") as lines:
            self.loaded.update(Path(line.rstrip("\n")) for line in lines)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._writing)
        self._reader.join()


@contextlib.contextmanager
def running(package: Path, host: Host, data: Path):
    """The API of the package, served from its folder as in Azure; a working folder is on the path of Python's `-m`."""
    with host:
        stack = host.stack(package, data)
        with contextlib.chdir(package):
            stack.__enter__()
        try:
            yield stack
        finally:
            stack.stop()
