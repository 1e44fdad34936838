"""CORS as a Flex Consumption instance applies it: before keys and functions, from the setting of the site.

The host's middleware is
https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.WebHost/Middleware/JobHostCorsMiddleware.cs,
which uses that of ASP.NET:
https://github.com/dotnet/aspnetcore/blob/main/src/Middleware/CORS/src/Infrastructure/CorsService.cs
"""

from collections.abc import Sequence

from local.http_message import Headers, Request, Response


def is_preflight(request: Request) -> bool:
    """Whether a browser asks which requests it may send."""
    asked = request.header("access-control-request-method") is not None
    return request.method.upper() == "OPTIONS" and asked and request.header("origin") is not None


def preflight(request: Request, origins: Sequence[str]) -> Headers:
    """Returns the CORS headers of the answer to a preflight: all that is asked for, or none for a foreign origin."""
    allowed = _allowed(request, origins)
    if not allowed:
        return []
    granted: Headers = []
    wanted = [name.strip() for name in (request.header("access-control-request-headers") or "").split(",")]
    if any(wanted):
        granted.append(("Access-Control-Allow-Headers", ",".join(filter(None, wanted))))
    granted.append(("Access-Control-Allow-Methods", request.header("access-control-request-method") or ""))
    return [*granted, *allowed]


def apply(request: Request, response: Response, origins: Sequence[str]) -> None:
    """Adds to any other response who may read it.

    The function's own Access-Control-Allow-Origin is replaced, unless the origin is a foreign one.
    """
    allowed = _allowed(request, origins)
    if not allowed:
        return
    others = [(name, value) for name, value in response.headers if name.lower() != "access-control-allow-origin"]
    response.headers = others + allowed


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
