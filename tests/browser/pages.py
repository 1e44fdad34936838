"""Serves the test page and the players from node_modules, from an origin of its own: media must come with CORS."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

STATIC = Path(__file__).parent / "static"
NODE_MODULES = Path(__file__).parents[2] / "node_modules"


class _Pages(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        root = NODE_MODULES.parent if path.startswith("/node_modules/") else STATIC
        self.directory = str(root)
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
