"""The host's HTTP side: function routes, keys, the blob webhook and the admin address."""

import asyncio
import hmac
import ipaddress
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from local.app import Function, FunctionTimeoutError, Invoker
from local.blobs import BlobDispatcher
from local.protos import RpcHttp, TypedData
from local.routes import Router
from local.storage import Queues

log = logging.getLogger("local.web")

MAX_BODY = 100 * 1024 * 1024
"""Bytes; the real host's limit."""

Fire = Callable[[str], Awaitable[None]]
"""Runs a non-HTTP function with the admin address's input."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Values of FUNCTIONS_KEY and FUNCTIONS_MASTER_KEY; not set means that nobody has that key.

    `webhook` is the blob webhook's own key, as in the real host; here it lives as long as the process.
    """

    function: str | None
    master: str | None
    webhook: str = field(default_factory=secrets.token_urlsafe)

    def allow(self, level: str, given: str) -> bool:
        """Whether this key opens an address of this auth level; the master key opens all."""
        if level == "ANONYMOUS":
            return True
        own = {"FUNCTION": self.function, "WEBHOOK": self.webhook}.get(level)
        accepted = [own, self.master]
        return any(hmac.compare_digest(key.encode(), given.encode()) for key in accepted if key)


class Site:
    """Answers every request of the host."""

    def __init__(
        self,
        *,
        router: Router,
        invoker: Invoker,
        queues: Queues,
        blobs: BlobDispatcher,
        admin: Mapping[str, Fire],
        keys: Keys | None,
    ) -> None:
        """`admin` maps a function's lower-case name to what runs it; `keys` is None when keys are not asked for."""
        self._router = router
        self._invoker = invoker
        self._queues = queues
        self._blobs = blobs
        self._admin = admin
        self._keys = keys
        self._pending = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def idle(self) -> None:
        """Returns when no request is under way."""
        await self._idle.wait()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_route("*", r"/{path:[\s\S]*}", self._counted)
        application.on_response_prepare.append(_name_server)
        return application

    async def _counted(self, request: web.Request) -> web.Response:
        self._pending += 1
        self._idle.clear()
        try:
            return await self._answer(request)
        finally:
            self._pending -= 1
            if not self._pending:
                self._idle.set()

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.rel_url.raw_path
        # Compared as the rest of the host compares paths: regardless of case.
        if path.lower() == "/runtime/webhooks/blobs":
            return await self._blob_event(request)
        if path.lower().startswith("/admin/functions/"):
            return await self._run_now(request, path.rstrip("/").rpartition("/")[2])
        found = self._router.find(request.method, path)
        if found is None:
            return web.Response(status=404)
        function, route_parameters = found
        if not self._allowed(request, str(function.trigger.get("authLevel", "FUNCTION"))):
            return web.Response(status=401)
        if (request.content_length or 0) > MAX_BODY:
            return web.Response(status=413)
        # Without a Content-Length the real host hands an empty body to Python.
        body = await request.read() if request.content_length is not None else b""
        return await self._run(function, _decode(request, route_parameters, body))

    async def _run(self, function: Function, request: Any) -> web.Response:
        try:
            result = await self._invoker.run(function, request)
        except FunctionTimeoutError:
            return web.Response(status=500)
        except Exception:  # noqa: BLE001 - the function's failure is in the log already
            return web.Response(status=500)
        try:
            await self._queues.write_outputs(function, result)
            return _encode(result.returned)
        except Exception:
            log.exception("The outputs of function %s could not be used", function.name)
            return web.Response(status=500)

    def _allowed(self, request: web.Request, level: str) -> bool:
        given = request.headers.get("x-functions-key") or request.query.get("code", "")
        return self._keys is None or self._keys.allow(level, given)

    def _internal(self, request: web.Request, level: str) -> bool:
        """Addresses of the host itself answer this machine only."""
        return _is_local(request) and self._allowed(request, level)

    async def _blob_event(self, request: web.Request) -> web.Response:
        if not self._internal(request, "WEBHOOK"):
            return web.Response(status=401)
        trigger = self._blobs.triggers.get(request.query.get("functionName", ""))
        if trigger is None:
            return web.Response(status=404)
        if request.method == "OPTIONS":  # handshake of CloudEvents
            origin = request.headers.get("WebHook-Request-Origin", "")
            return web.Response(headers={"WebHook-Allowed-Origin": origin})
        try:
            document = await request.json()
        except ValueError:
            return web.Response(status=400)
        events = document if isinstance(document, list) else [document]
        if not all(isinstance(event, dict) for event in events):
            return web.Response(status=400)
        if request.headers.get("aeg-event-type") == "SubscriptionValidation" and events:
            code = (events[0].get("data") or {}).get("validationCode")
            return web.json_response({"validationResponse": code})
        for event in events:
            message = trigger.accept(event)
            if message is not None:
                await self._blobs.enqueue(message)
        return web.Response(status=202)

    async def _run_now(self, request: web.Request, name: str) -> web.Response:
        if not self._internal(request, "ADMIN"):
            return web.Response(status=401)
        fire = self._admin.get(name.lower())
        if fire is None or request.method != "POST":
            return web.Response(status=404)
        try:
            given = (await request.json()).get("input", "")
        except (ValueError, AttributeError):
            return web.Response(status=400)
        await fire(given if isinstance(given, str) else json.dumps(given))
        return web.Response(status=202)


def _decode(request: web.Request, route_parameters: dict[str, str], body: bytes) -> TypedData:
    def joined(values: Any) -> dict[str, str]:
        return {name: ",".join(values.getall(name)) for name in dict.fromkeys(values.keys())}

    http = RpcHttp(
        method=request.method,
        url=f"{request.scheme}://{request.host}{request.rel_url.raw_path_qs}",
        headers=joined(request.headers),
        query=joined(request.query),
        params=route_parameters,
        body=TypedData(bytes=body) if body else TypedData(),
    )
    return TypedData(http=http)


def _encode(returned: TypedData | None) -> web.Response:
    if returned is None:
        return web.Response(status=500)
    if returned.WhichOneof("data") == "string":
        return web.Response(text=returned.string)
    http = returned.http
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in http.headers.items():
        if name.lower() not in {"content-length", "transfer-encoding"}:  # the server's own business
            headers.add(name, value)
    return web.Response(status=int(http.status_code), headers=headers, body=http.body.bytes)


def _is_local(request: web.Request) -> bool:
    transport = request.transport
    own = transport.get_extra_info("sockname") if transport else None
    remote = request.remote or ""
    return bool(remote) and (ipaddress.ip_address(remote).is_loopback or bool(own and own[0] == remote))


async def _name_server(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "Kestrel"
