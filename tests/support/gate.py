"""An HTTP proxy between a program and everything it talks to; it sees what is sent, and can hold requests back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread

import httpx


@dataclass(frozen=True)
class Seen:
    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    """Names in lower case."""

    @property
    def block(self) -> str | None:
        """Name of the block that is uploaded."""
        return self.url.params.get("blockid") if self.url.params.get("comp") == "block" else None


@dataclass
class Gate:
    hold: Callable[[Seen], bool] = lambda _: False
    """Requests for which this is true are never answered; called by one thread at a time."""
    url: str = ""
    passed: list[Seen] = field(default_factory=list)
    held: Event = field(default_factory=Event)
    """Set when a request is held back."""

    @property
    def environment(self) -> dict[str, str]:
        """For a program that is to go through here."""
        return {"HTTP_PROXY": self.url, "http_proxy": self.url, "NO_PROXY": "", "no_proxy": ""}

    @property
    def blocks(self) -> list[str]:
        return [seen.block for seen in self.passed if seen.block is not None]


@contextmanager
def gate(hold: Callable[[Seen], bool] = lambda _: False) -> Iterator[Gate]:
    made = Gate(hold)
    lock, closed = Lock(), Event()

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True  # the program under test was interrupted

        def _pass(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            if len(body) < length:
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, httpx.URL(self.path), headers)
            with lock:
                if made.hold(seen):
                    made.held.set()
                    hold = True
                else:
                    made.passed.append(seen)
                    hold = False
            if hold:
                closed.wait()
                return
            kept = {name: value for name, value in headers.items() if not name.startswith(("proxy-", "connection"))}
            answer = onwards.request(self.command, seen.url, headers=kept, content=body)
            self.send_response_only(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name not in {"connection", "transfer-encoding", "keep-alive", "content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815 - names that http.server wants

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with httpx.Client(trust_env=False, timeout=60) as onwards, Server(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield made
        finally:
            closed.set()
            server.shutdown()
