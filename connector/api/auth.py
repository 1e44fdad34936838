"""Authorization of callers. Each operation demands one permission; the setting `AUTH_MODE` says how it is proved.

Importing this loads no cryptography, because Functions keys need none.
"""

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from connector.errors import Forbidden, Unauthorized
from connector.security import callers
from connector.security.callers import INVALID, granted

if TYPE_CHECKING:
    from connector.api.app import App
    from connector.api.http import Request

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
"""The Authorization header (RFC 6750 section 2.1)."""


class Permission(StrEnum):
    """What an operation demands. The values name app roles and scopes."""

    READ = callers.READ
    WRITE = callers.WRITE
    """Permission to change videos. It includes READ."""
    PUBLIC = ""
    """No permission: a static page, or a route that checks tokens itself."""


def host_level(mode: str, permission: Permission) -> str:
    """Returns the level at which the Functions host lets requests through. Any unknown mode asks for a key."""
    return "ANONYMOUS" if permission is Permission.PUBLIC or mode in {"entra", "anonymous"} else "FUNCTION"


def authorize(app: "App", permission: Permission, request: "Request") -> bool:
    """Checks that the caller has the permission, and returns whether they may write. With Functions keys the host has
    checked the caller already, and a key allows everything. On a public route nobody may write.

    Raises Unauthorized without a good token, Forbidden when it lacks the permission, AuthorityUnavailable when the
    token cannot be checked.
    """
    if permission is Permission.PUBLIC:
        return False
    if app.api.auth_mode != "entra":
        return True
    names = granted(app.callers, _token(request))
    if permission not in names:
        challenge = f'Bearer error="insufficient_scope", scope="{permission}"'
        raise Forbidden(f"This operation needs the app role or scope {permission}.", challenge)
    return Permission.WRITE in names


def _token(request: "Request") -> str:
    """Returns the token from the Authorization header. It is never taken from the address, because addresses end up in
    logs.
    """
    given = request.headers.get("authorization", "").strip()
    found = _BEARER.fullmatch(given)
    if found is not None:
        return found[1]
    if given.lower().startswith("bearer "):
        raise Unauthorized("The Authorization header must consist of Bearer, a space and one token.", INVALID)
    # RFC 6750 section 3.1: a request without credentials gets no error code.
    raise Unauthorized("This operation needs a token in the Authorization header.")
