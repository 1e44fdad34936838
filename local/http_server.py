"""An HTTP/1.1 server that treats connections as the Functions host's web server, Kestrel, does."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import h11

from local.http_message import MAX_BODY, Disconnected, Request, Response
from local.http_reader import CHUNK, RequestReader
from local.http_writer import write_response

_DRAIN_SECONDS = 5.0
"""How long the server reads on for the rest of a body that the handler did not read."""

Handler = Callable[[Request], Awaitable[Response]]


class Server:
    """Serves the connections of one listening socket until it is closed."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._connections: dict[asyncio.Task[None], bool] = {}
        """Maps the task of each connection to whether it is serving a request."""
        self._server: asyncio.Server | None = None
        self._closing = False

    async def start(self, listening: socket.socket) -> None:
        """Begins to accept connections."""
        self._server = await asyncio.start_server(self._serve, sock=listening, backlog=512, limit=CHUNK)

    def close(self) -> None:
        """Stops accepting connections, and requests on the open ones. Requests in progress go on."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        for task, busy in list(self._connections.items()):
            if not busy:
                task.cancel()

    async def wait_until_idle(self) -> None:
        """Returns when no request is in progress."""
        while busy := [task for task, busy in self._connections.items() if busy]:
            await asyncio.wait(busy)

    async def _serve(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._connections[task] = False
        received = b""
        try:
            while not self._closing:
                reader = RequestReader(stream, writer, received)
                request = await reader.request()
                if request is None:
                    return
                self._connections[task] = True
                if isinstance(request, Response):
                    await write_response(writer, request, method="", version="1.1")
                    return
                if not await self._respond(request, reader, writer):
                    return
                self._connections[task] = False
                received = reader.trailing()
        except (ConnectionError, Disconnected, asyncio.CancelledError):
            return
        finally:
            del self._connections[task]
            writer.close()

    async def _respond(self, request: Request, reader: RequestReader, writer: asyncio.StreamWriter) -> bool:
        """Handles one request. Returns whether the connection is kept alive."""
        handling = asyncio.ensure_future(self._handle(request))
        unread: asyncio.Task[bytes] | None = None
        if request.length is None and not reader.complete:
            # The host hands no chunked body to its handler, but notices when the client disconnects.
            unread = asyncio.create_task(reader.body())
            done, _ = await asyncio.wait({handling, unread}, return_when=asyncio.FIRST_COMPLETED)
            if unread in done and isinstance(unread.exception(), Disconnected):
                raise Disconnected  # The function itself goes on, as it does in Azure.
        response = await asyncio.shield(handling)
        client_closes = "close" in (request.header("connection") or "").lower()
        if not await write_response(
            writer, response, method=request.method, version=request.version, client_closes=client_closes
        ):
            return False
        if unread is None and not reader.complete:
            if (request.length or 0) > MAX_BODY:
                return False
            unread = asyncio.create_task(reader.body())
        if unread is not None:
            try:
                await asyncio.wait_for(unread, _DRAIN_SECONDS)
            except (TimeoutError, h11.RemoteProtocolError):
                return False
        return True
