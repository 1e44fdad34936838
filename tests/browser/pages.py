"""Serves the test page, the app's browser helper and the players, from an origin of its own: media need CORS."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

STATIC = Path(__file__).parent / "static"
PROJECT = Path(__file__).parents[2]
NODE_MODULES = PROJECT / "node_modules"
_ROOTS = {"node_modules": PROJECT, "portal": PROJECT / "connector"}


class _Pages(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        self.directory = str(_ROOTS.get(path.split("/")[1], STATIC))
        return super().translate_path(path)

    def log_message(self, *_: object) -> None:
        """Requests are seen from the browser's side."""


@contextmanager
def serve() -> Iterator[str]:
    """The origin of the pages, while they are served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
