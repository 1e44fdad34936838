"""The host's own addresses below `/admin`, as far as the stack needs them.

https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.WebHost/Controllers/FunctionsController.cs and
HostController.cs
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from local.http_message import Request, Response

ManualRun = Callable[[str], Awaitable[None]]
"""Runs one function with the text that the caller gives for it."""


class Drainable(Protocol):
    """An instance that the platform drains before it ends it."""

    @property
    def drain_state(self) -> str:
        """`Disabled`, `InProgress` or `Completed`."""

    def drain(self) -> None:
        """Takes no more messages, while running invocations go on. A second call changes nothing."""


def answer_drain(request: Request, instance: Drainable, path: str) -> Response:
    """Answers `POST /admin/host/drain` and `GET /admin/host/drain/status`, which concern this process only."""
    if path.endswith("/status"):
        if request.method != "GET":
            return Response(404)
        body = json.dumps({"state": instance.drain_state})
        return Response(200, [("Content-Type", "application/json; charset=utf-8")], body.encode())
    if request.method != "POST":
        return Response(404)
    instance.drain()
    return Response(202)


async def run_now(request: Request, run: ManualRun | None) -> Response:
    """Answers a call that runs a function. `run` is None when the app has no such function.

    The function runs only if the body has an `input`.
    """
    if run is None or request.method != "POST":
        return Response(404)
    if request.media_type != "application/json":
        return Response(415)
    try:
        document = json.loads(await request.read())
    except ValueError:
        return Response(400)
    value = document.get("input") if isinstance(document, dict) else None
    if isinstance(value, dict | list) or not isinstance(document, dict):
        return Response(400)
    if value is not None:
        await run(value if isinstance(value, str) else json.dumps(value))
    return Response(202)


def find_run(runs: Mapping[str, ManualRun], path: str) -> ManualRun | None:
    """Returns what runs the function at the end of this path. `runs` has the functions' names in lower case."""
    return runs.get(path.rstrip("/").rpartition("/")[2].lower())
