"""What a caller of the API may do, by the token that an identity provider such as Microsoft Entra gave it."""

import logging
from datetime import timedelta

from connector.errors import AuthorityUnavailable, Unauthorized
from connector.security.issuers import TrustedIssuer

log = logging.getLogger(__name__)

LEEWAY = timedelta(seconds=60)
"""Difference of clocks that is forgiven."""
INVALID = 'Bearer error="invalid_token"'


def granted(issuer: TrustedIssuer, token: str) -> frozenset[str]:
    """Names of what a good token grants: its app roles (claim `roles`), or its scopes (claim `scp`).

    With scopes somebody lets an app act for them: it may do what it was let, as far as they may it themselves.

    Raises Unauthorized, or AuthorityUnavailable when it cannot be told whether the token is good.
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
