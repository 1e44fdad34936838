"""Decides what a caller of the API may do, by the token of an identity provider such as Microsoft Entra."""

import logging
from datetime import timedelta

from connector.errors import AuthorityUnavailable, Unauthorized
from connector.security.issuers import TrustedIssuer

log = logging.getLogger(__name__)

LEEWAY = timedelta(seconds=60)
"""Difference of clocks that is tolerated."""
INVALID = 'Bearer error="invalid_token"'


def granted(issuer: TrustedIssuer, token: str) -> frozenset[str]:
    """Returns the names that a good token grants: its app roles (claim `roles`), or its scopes (claim `scp`).

    With scopes, a user lets an app act for them. It may do what the scopes allow, as far as the user's roles allow it.

    Raises Unauthorized, or AuthorityUnavailable when the token cannot be checked.
    """
    try:
        claims = issuer.claims(token, LEEWAY)
    except AuthorityUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a token, its bearer learns the same
        log.info("token refused", extra={"reason": type(error).__name__})
        raise Unauthorized("The token is invalid, expired, not yet valid, or not for this API.", INVALID) from None
    roles, scopes = claims.get("roles"), claims.get("scp")
    by_role = frozenset(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else frozenset()
    if not isinstance(scopes, str):
        return by_role
    by_scope = frozenset(scopes.split())
    return by_scope & by_role if by_role else by_scope
