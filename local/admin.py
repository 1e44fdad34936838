"""The host's own addresses below `/admin`, as far as they are of use here.

https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.WebHost/Controllers/FunctionsController.cs and
HostController.cs
"""

import json
from collections.abc import Awaitable, Callable, Mapping

from local.http1 import Request, Response

Fire = Callable[[str], Awaitable[None]]
"""Runs a function with the text that was given for it."""


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
