"""`python scripts/wheels.py`: installs what is deployed of Python, for Azure, into `.python_packages`.

azd runs it before it packs the app: on any system, with the standard library and pip only. Azure adds
`.python_packages/lib/site-packages` to the app's path:
https://learn.microsoft.com/azure/azure-functions/python-build-options
"""

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCK = PROJECT / "requirements.lock"
PACKAGES = PROJECT / ".python_packages" / "lib" / "site-packages"

PYTHON = (3, 11)
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""The image of Azure Functions for Python 3.11 is Debian 11, which has glibc 2.31. Wheels for a newer one fail there:
https://github.com/Azure/azure-functions-python-worker/issues/1651
"""


def pip_install(lock: Path, folder: Path) -> None:
    """Installs the packages of the lock into the folder: wheels for Azure, whatever machine this is.

    Raises subprocess.CalledProcessError if a package, also one that another needs, has no such wheel, has another hash
    or is not in the lock.
    """
    options = ["--python-version", ".".join(map(str, PYTHON)), "--implementation", "cp", "--only-binary", ":all:"]
    options += [option for abi in ("cp311", "abi3", "none") for option in ("--abi", abi)]
    options += [option for platform in PLATFORMS for option in ("--platform", platform)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts"]
    subprocess.run(
        [*command, "--no-compile", *options, "--require-hashes", "-r", str(lock), "--target", str(folder)], check=True
    )


def install() -> None:
    """Makes `.python_packages` anew. Raises subprocess.CalledProcessError as pip_install does."""
    shutil.rmtree(PACKAGES.parent.parent, ignore_errors=True)
    pip_install(LOCK, PACKAGES)
    shutil.rmtree(PACKAGES / "bin", ignore_errors=True)  # scripts that name the Python of this machine
    if sys.version_info[:2] == PYTHON:
        # The app's folder is read-only in Azure: each start would compile again what it imports. Python does not
        # compare these with the times of their sources, which a deployment may change.
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(PACKAGES, quiet=1, invalidation_mode=mode, stripdir=os.fspath(PACKAGES))


def main() -> int:
    """The exit status; pip has said why it is not 0."""
    if sys.version_info < PYTHON:  # older versions of pip compare this Python with what packages need
        sys.exit("Python 3.11 or later is needed.")
    try:
        install()
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
