"""CORS as a Flex Consumption instance does it: before functions and keys, from the site's own setting.

https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.WebHost/Middleware/JobHostCorsMiddleware.cs,
which is ASP.NET's: https://github.com/dotnet/aspnetcore/blob/main/src/Middleware/CORS/src/Infrastructure/CorsService.cs
"""

from collections.abc import Sequence

from local.http1 import Headers, Request, Response


def is_preflight(request: Request) -> bool:
    """Whether a browser asks what it may send."""
    asked = request.header("access-control-request-method") is not None
    return request.method.upper() == "OPTIONS" and asked and request.header("origin") is not None


def preflight(request: Request, origins: Sequence[str]) -> Headers:
    """Headers of the answer to a preflight: what is asked for is granted, or nothing is said."""
    allowed = _allowed(request, origins)
    if not allowed:
        return []
    asked: Headers = []
    wanted = [name.strip() for name in (request.header("access-control-request-headers") or "").split(",")]
    if any(wanted):
        asked.append(("Access-Control-Allow-Headers", ",".join(filter(None, wanted))))
    asked.append(("Access-Control-Allow-Methods", request.header("access-control-request-method") or ""))
    return [*asked, *allowed]


def apply(request: Request, response: Response, origins: Sequence[str]) -> None:
    """Adds to any other answer who may read it. A function's own word is overwritten, but for a foreign origin."""
    allowed = _allowed(request, origins)
    if not allowed:
        return
    kept = [(name, value) for name, value in response.headers if name.lower() != "access-control-allow-origin"]
    response.headers = kept + allowed


def _allowed(request: Request, origins: Sequence[str]) -> Headers:
    origin = request.header("origin")
    if origin is None:
        return []
    if "*" in origins:
        return [("Access-Control-Allow-Origin", "*")]
    if origin not in origins:
        return []
    vary = [("Vary", "Origin")] if len(origins) > 1 else []
    return [("Access-Control-Allow-Origin", origin), *vary]
