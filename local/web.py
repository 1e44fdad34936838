"""The HTTP side of the host decides which address belongs to whom, and who may use it."""

import logging
import socket
from collections.abc import Mapping, Sequence

from local import admin, answers, callers, cors, urls, webhook
from local.app import Function, FunctionFailed, FunctionTimeoutError
from local.blobs import BlobDispatcher
from local.http_message import BodyTooLarge, Disconnected, Request, Response
from local.http_server import Server
from local.keys import LEVELS, Access, Keys
from local.routes import Router
from local.runner import Runner

log = logging.getLogger("local.web")

_HOME = b"<!DOCTYPE html><title>Functions</title><p>Your Functions app is up and running.\n"
_NO_CACHE = [("Cache-Control", "no-store,no-cache"), ("Pragma", "no-cache")]
_HOST_PATHS = frozenset({"/admin/host/status", "/admin/host/drain", "/admin/host/drain/status"})
_CHALLENGE = ("WWW-Authenticate", "Bearer")


class Site:
    """Answers every request to the host."""

    def __init__(
        self,
        *,
        router: Router,
        runner: Runner,
        blobs: BlobDispatcher,
        manual_runs: Mapping[str, admin.ManualRun],
        instance: admin.Drainable,
        keys: Keys | None,
        origins: Sequence[str],
        public_url: str,
        home: bool,
    ) -> None:
        """`manual_runs` maps the lower-case name of a function to what runs it by the admin address.

        `instance` is drained by its admin address. `keys` is None when no keys are required. `origins` is the CORS
        setting of the site, `public_url` the app's own address, and `home` says whether `/` has a page
        (AzureWebJobsDisableHomepage).
        """
        self._router = router
        self._runner = runner
        self._blobs = blobs
        self._manual_runs = manual_runs
        self._instance = instance
        self._keys = keys
        self._origins = origins
        self._public_url = public_url
        self._home = home
        self._server = Server(self._answer)

    async def start(self, listening: socket.socket) -> None:
        """Begins to serve the connections of this socket."""
        await self._server.start(listening)

    def stop_accepting(self) -> None:
        """Accepts no more requests. Those in progress will be answered."""
        self._server.close()

    async def close(self) -> None:
        """Accepts no more requests, and returns when those in progress are answered."""
        self.stop_accepting()
        await self._server.wait_until_idle()

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._answer_with_cors(request)
        except Disconnected:
            raise
        except Exception:
            log.exception("A request could not be answered")
            return Response(500)

    async def _answer_with_cors(self, request: Request) -> Response:
        refusal = callers.refuse_host(request, self._public_url) if self._keys is None else None
        if refusal is not None:
            return refusal
        if request.target == "*":
            return Response(404) if request.method == "OPTIONS" else Response(405, [("Allow", "OPTIONS")], close=True)
        try:
            target = urls.parse(request.target)
        except ValueError:
            return Response(400, close=True)
        if cors.is_preflight(request):
            granted = cors.preflight(request, self._origins)
            home = self._home_page() if target.path == "/" else Response(204)
            return Response(home.status, [*home.headers, *granted], home.body)
        response = await self._dispatch(request, target)
        cors.apply(request, response, self._origins)
        return response

    async def _dispatch(self, request: Request, target: urls.Target) -> Response:
        path = target.path.lower().rstrip("/")
        if not path:
            return self._home_page()
        if path.startswith("/runtime/webhooks/"):
            return await self._webhook(request, target, path)
        if path.startswith("/admin/"):
            return await self._administer(request, target, path)
        found = self._router.find(request.method, target.path)
        if found is None:
            return Response(404)
        function, parameters = found
        level = str(function.trigger.get("authLevel", "FUNCTION"))
        if self._access(request, target, function.name) not in LEVELS[level]:
            return Response(401)
        return await self._run(function, request, target, parameters)

    def _home_page(self) -> Response:
        if not self._home:
            return Response(204)
        return Response(200, [("Content-Length", str(len(_HOME))), ("Content-Type", "text/html")], _HOME)

    async def _run(
        self, function: Function, request: Request, target: urls.Target, parameters: dict[str, str]
    ) -> Response:
        try:
            # Without a Content-Length the host gives the worker an empty body.
            body = await request.read() if request.length is not None else b""
        except BodyTooLarge:
            return Response(500, close=True)
        try:
            result = await self._runner.run(function, answers.to_worker(request, target, parameters, body))
            return answers.from_worker(result.returned)
        except (FunctionFailed, FunctionTimeoutError):
            return Response(500)  # The failure is already in the log.
        except Exception:
            log.exception("The answer of function %s could not be used", function.name)
            return Response(500)

    def _access(self, request: Request, target: urls.Target, scope: str = "") -> Access:
        if self._keys is None:
            return Access.MASTER
        return self._keys.access(request.headers, target.parameters(), scope)

    def _refusal(self, request: Request, target: urls.Target, level: str) -> Response | None:
        """Returns the refusal of a caller who may not use an address of the host itself, or None.

        When no keys are required, programs on this machine may use them.
        """
        if self._keys is None:
            return callers.refuse_page(request) if request.is_local else Response(401, [_CHALLENGE])
        access = self._access(request, target)
        if access in LEVELS[level]:
            return None
        return Response(401, [_CHALLENGE]) if access is Access.NOBODY else Response(403)

    async def _webhook(self, request: Request, target: urls.Target, path: str) -> Response:
        name = path.removeprefix("/runtime/webhooks/")
        refusal = self._refusal(request, target, "SYSTEM" if name == "blobs" else "ADMIN")
        if refusal is not None:
            return refusal
        if name != "blobs":
            return Response(404)
        function = next((value for key, value in target.parameters() if key.lower() == "functionname"), "")
        return await webhook.answer(request, function, self._blobs)

    async def _administer(self, request: Request, target: urls.Target, path: str) -> Response:
        if path == "/admin/host/ping" and request.method in {"GET", "POST"}:
            return Response(200, list(_NO_CACHE))
        known = path in _HOST_PATHS or path.startswith("/admin/functions/")
        if not known:
            return Response(404)
        refusal = self._refusal(request, target, "ADMIN")
        if refusal is not None:
            return refusal
        if path == "/admin/host/status":
            return Response(200, [("Content-Type", "application/json; charset=utf-8")], b'{"state":"Running"}')
        if path.startswith("/admin/host/drain"):
            return admin.answer_drain(request, self._instance, path)
        return await admin.run_now(request, admin.find_run(self._manual_runs, path))
