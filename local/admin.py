"""The host's own addresses below `/admin`, as far as they are of use here.

https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.WebHost/Controllers/FunctionsController.cs and
HostController.cs
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from local.http1 import Request, Response

Fire = Callable[[str], Awaitable[None]]
"""Runs a function with the text that was given for it."""


class Drain(Protocol):
    """What the platform asks for before it ends an instance."""

    @property
    def drain_state(self) -> str:
        """`Disabled`, `InProgress` or `Completed`."""

    def drain(self) -> None:
        """Take no more messages; what runs goes on. Repeating it changes nothing."""


def drained(request: Request, instance: Drain, path: str) -> Response:
    """`POST /admin/host/drain` and `GET /admin/host/drain/status`, of this process alone."""
    if path.endswith("/status"):
        if request.method != "GET":
            return Response(404)
        body = json.dumps({"state": instance.drain_state})
        return Response(200, [("Content-Type", "application/json; charset=utf-8")], body.encode())
    if request.method != "POST":
        return Response(404)
    instance.drain()
    return Response(202)


async def run_now(request: Request, fire: Fire | None) -> Response:
    """Runs a function, which None stands for when there is none. Without input nothing runs."""
    if fire is None or request.method != "POST":
        return Response(404)
    if (request.header("content-type") or "").partition(";")[0].strip().lower() != "application/json":
        return Response(415)
    try:
        given = json.loads(await request.read())
    except ValueError:
        return Response(400)
    value = given.get("input") if isinstance(given, dict) else None
    if isinstance(value, dict | list) or not isinstance(given, dict):
        return Response(400)
    if value is not None:
        await fire(value if isinstance(value, str) else json.dumps(value))
    return Response(202)


def find(functions: Mapping[str, Fire], path: str) -> Fire | None:
    """What runs the function that an address names."""
    return functions.get(path.rstrip("/").rpartition("/")[2].lower())
