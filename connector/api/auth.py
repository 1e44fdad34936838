"""Who may call the API. Each operation demands one permission; how it is proved is the setting `AUTH_MODE`.

Importing this loads no cryptography: with Functions keys none is needed.
"""

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from connector.errors import Forbidden, Unauthorized
from connector.security.callers import INVALID, granted

if TYPE_CHECKING:
    from connector.api.http import Request
    from connector.pipeline.app import App

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
"""RFC 6750 section 2.1."""


class Permission(StrEnum):
    """What an operation demands, as an app role or scope is named."""

    READ = "Videos.Read"
    WRITE = "Videos.Write"
    """Includes READ."""
    PUBLIC = ""
    """Nothing: a static page, or a route that checks tokens of its own."""


def host_level(mode: str, permission: Permission) -> str:
    """Name of the level at which the Functions host lets requests through; also for a mode that is no such one."""
    return "ANONYMOUS" if permission is Permission.PUBLIC or mode in {"entra", "anonymous"} else "FUNCTION"


def authorize(app: "App", permission: Permission, request: "Request") -> None:
    """Lets the caller pass, or raises Unauthorized (no good token), Forbidden (it lacks the permission) or
    AuthorityUnavailable (nobody can tell). With Functions keys the host has asked for one already.
    """
    if permission is Permission.PUBLIC or app.settings.auth_mode != "entra":
        return
    names = granted(app.callers, _token(request))
    if permission not in names and Permission.WRITE not in names:
        challenge = f'Bearer error="insufficient_scope", scope="{permission}"'
        raise Forbidden(f"This needs the app role or scope {permission}.", challenge)


def _token(request: "Request") -> str:
    """From the Authorization header only: addresses end up in logs."""
    given = request.headers.get("authorization", "").strip()
    found = _BEARER.fullmatch(given)
    if found is not None:
        return found[1]
    if given.lower().startswith("bearer "):
        raise Unauthorized("The Authorization header must hold one token: Bearer, a space, and the token.", INVALID)
    # RFC 6750 section 3.1: who did not try to authenticate is told no error.
    raise Unauthorized("This needs a token in the Authorization header.")
