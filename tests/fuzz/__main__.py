"""Searches for inputs that break what parses bytes in the worker's own process: `python -m tests.fuzz [target …]`.

Each target runs for a limited time, with limited memory, in a process of its own. `.data/fuzz` keeps what reached new
code, for the next run, and the faults. The exit status is 0 if there was no fault. Needs atheris (Linux on x86-64).
"""

import argparse
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.target import DATA, names

START_SECONDS = 120
"""Time for imports and the corpus, on a busy machine."""
SHOWN = 2000
"""Bytes of a faulty input that are printed."""
SHOWN_LINES = 40
_PROGRESS = ("#", "INFO: ", "stat::", "0x", "\\", "Base64: ", "WARNING: Failed to find function")


def search(name: str, seconds: int) -> str:
    """Runs one target and prints its figures. Returns what was wrong; empty if nothing was."""
    folder = DATA / name
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.glob("*-*"))
    command = [sys.executable, "-m", "tests.fuzz.process", name, str(seconds)]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=seconds + START_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"The process of the target {name} did not end."
    said = done.stdout.decode(errors="replace")
    print(f"{name:<10} {_figures(said)}", flush=True)
    found = sorted(set(folder.glob("*-*")) - before)
    if done.returncode == 0 and not found:
        return ""
    return "\n".join([f"The target {name} ended with a fault:", _report(said), *map(_shown, found)])


def _figures(said: str) -> str:
    """Returns the number of runs, and the counts of branches and kept inputs at the begin and at the end."""
    runs = re.search(r"number_of_executed_units: (\d+)", said)
    states = re.findall(r"cov: (\d+) ft: \d+ corp: (\d+)", said)
    if runs is None or not states:
        return "ended before the search began"
    (branches, inputs), (more_branches, more_inputs) = states[0], states[-1]
    return f"{int(runs[1]):>9,} runs, branches {branches} → {more_branches}, inputs {inputs} → {more_inputs}"


def _report(said: str) -> str:
    """Returns the last that the process said, such as a traceback, without its progress."""
    lines = [line for line in said.splitlines() if line and not line.startswith(_PROGRESS)]
    return "\n".join(lines[-SHOWN_LINES:])


def _shown(path: Path) -> str:
    data = path.read_bytes()
    return f"{path}: {data[:SHOWN]!r}{' …' if len(data) > SHOWN else ''}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", choices=[[], *names()], help="default: all")
    parser.add_argument("--seconds", type=int, default=30, help="time for each target (default: 30)")
    arguments = parser.parse_args()
    if find_spec("atheris") is None:
        print("Nothing was searched: atheris is not installed. It exists for Linux on x86-64.")
        return 0
    problems = [search(name, arguments.seconds) for name in arguments.target or names()]
    print("\n\n".join(filter(None, problems)) or "ok")
    return 1 if any(problems) else 0


if __name__ == "__main__":
    sys.exit(main())
