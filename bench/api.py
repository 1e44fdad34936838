"""What the API adds to a request: `Status` against a bare function on the same host and against the bare table reads.

Also the cold import of the app against that of what every function app in Python with pydantic imports.

Run: python -m bench.api [PAIRS]
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from uuid import UUID

import httpx

from bench.results import write_section
from bench.timing import in_turn
from client import Client
from connector.storage.azure import AzureStorage
from local.stack import Stack

PROJECT = Path(__file__).parent.parent
COLD = {
    "base": "import azure.functions, pydantic\nfrom pydantic import BaseModel",
    "app": "import function_app",
    "nothing": "pass",
}
COLD_RUNS = 11
ALLOWED_COLD = 1.5


def main(pairs: int) -> int:
    status, bare, read = requests(pairs)
    cold = cold_imports()
    text = [
        f"`python -m bench.api {pairs}` on the local stack, {pairs} rounds in turn, medians: `GET …/Status`",
        f"{status:.2f} ms, a function that does nothing {bare:.2f} ms, the table read {read:.2f} ms:",
        f"**{status / bare:.2f} ×** the bare function, **{status / read:.2f} ×** the bare read,",
        f"{status / (bare + read):.2f} × both together.",
        "",
        f"Cold import of `function_app` (CPU seconds, median of {COLD_RUNS} processes each, in turn): **{cold:.2f} ×**",
        f"that of `azure.functions` and `pydantic` (allowed: {ALLOWED_COLD}).",
    ]
    write_section(PROJECT / "bench" / "RESULTS.md", "API overhead and cold import", "\n".join(text))
    return int(cold > ALLOWED_COLD)


def requests(rounds: int) -> tuple[float, float, float]:
    """Medians in ms of (Status, bare function, table read)."""
    app = PROJECT / "bench" / "bare_app"
    with tempfile.TemporaryDirectory() as data, Stack(app, Path(data), encoders=0) as stack:
        with Client(stack.api) as client, httpx.Client() as http:
            video = client.create("a.mp4")
            storage = AzureStorage(stack.connection_string)
            status, bare, read = in_turn(
                rounds,
                lambda: http.get(f"{stack.api}/Videos/{video.id}/Status").raise_for_status(),
                lambda: http.get(f"{stack.api}/bare").raise_for_status(),
                lambda: storage.videos.get(UUID(video.id)),
            )
            storage.close()
    return statistics.median(status), statistics.median(bare), statistics.median(read)


def cold_imports() -> float:
    """The app's CPU time ÷ the base's, both without the interpreter's own."""
    taken: dict[str, list[float]] = {name: [] for name in COLD}
    for _ in range(COLD_RUNS):
        for name, code in COLD.items():
            taken[name].append(_cpu_seconds(code))
    base, app, nothing = (statistics.median(taken[name]) for name in COLD)
    return (app - nothing) / (base - nothing)


def _cpu_seconds(code: str) -> float:
    environment = {**os.environ, "MEDIA_STORAGE": "UseDevelopmentStorage=true"}
    command = [sys.executable, "-c", f"import time\n{code}\nprint(time.process_time())"]
    run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    return float(run.stdout.split()[-1])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
