"""How much memory the portal takes to upload a large file: a real Chromium reads and sends 2 GiB.

Run: python -m bench.uploads

The file is sparse. A server that throws away what it gets stands in storage's place: the emulator would keep it all in
memory. The rest is the real service.
"""

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import sync_playwright

from bench.results import write_section
from client import Client
from local.stack import Stack
from tests.support.chromium import ARGUMENTS, chromium

PROJECT = Path(__file__).parent.parent
SIZE = 2 * 1024**3
BLOCK = 8 * 1024**2
ALLOWED_MB = 200


@contextmanager
def forgetful_storage() -> Iterator[tuple[int, set[str]]]:
    """Port of a server that takes blocks and forgets them, and the queries that it was sent."""
    queries: set[str] = set()

    class Forgetful(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_OPTIONS(self) -> None:
            self._answer(200)

        def do_PUT(self) -> None:
            left = int(self.headers["Content-Length"])
            while left:
                left -= len(self.rfile.read(min(left, 1024**2)))
            queries.add(re.sub("^.*comp=", "", self.path))
            self._answer(201)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            for name in ("Origin", "Methods", "Headers"):
                self.send_header(f"Access-Control-Allow-{name}", "PUT" if name == "Methods" else "*")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the page tells."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, queries
        server.shutdown()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, Stack(PROJECT, Path(folder) / "data", encoders=1) as stack:
        with Client(stack.api) as client:
            real = re.sub(r"^\w+://([^/]+)/.*", r"\1", client.create("a.mp4").upload_uri or "")
        path = Path(folder) / "large.mp4"
        with path.open("wb") as sparse:
            sparse.truncate(SIZE)
        with forgetful_storage() as (port, queries), sync_playwright() as playwright:
            arguments = [*ARGUMENTS, f"--host-resolver-rules=MAP {real} 127.0.0.1:{port}"]
            browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
            page = browser.new_page()
            page.goto(f"{stack.api}/portal")
            session = page.context.new_cdp_session(page)
            begin, most = time.monotonic(), 0.0
            page.locator("#files").set_input_files(path)
            # The service finds nothing in the real storage: its refusal ends the upload.
            while not page.locator(".transfer [role=alert]").count():
                most = max(most, session.send("Runtime.getHeapUsage")["usedSize"])
                page.wait_for_timeout(100)
            seconds = time.monotonic() - begin
            browser.close()
    assert len(queries) == SIZE // BLOCK + 1, f"{len(queries)} requests: not all blocks and their list"
    megabytes = most / 1024**2
    text = [
        "`python -m bench.uploads`: 2 GiB from the portal in Chromium to a server that throws them away:",
        f"{seconds:.0f} s, JavaScript heap at most **{megabytes:.1f} MiB** (allowed: {ALLOWED_MB} MiB).",
    ]
    write_section(PROJECT / "bench" / "RESULTS.md", "Memory of a large upload from the browser", "\n".join(text))
    return int(megabytes > ALLOWED_MB)


if __name__ == "__main__":
    sys.exit(main())
