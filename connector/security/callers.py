"""Decides what a caller of the API may do, by the token of an identity provider such as Microsoft Entra."""

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from connector.errors import AuthorityUnavailable, Unauthorized
from connector.security.issuers import TrustedIssuer

log = logging.getLogger(__name__)

LEEWAY = timedelta(seconds=60)
"""Difference of clocks that is tolerated."""
INVALID = 'Bearer error="invalid_token"'
READ, WRITE = "Videos.Read", "Videos.Write"
"""Names of the app roles and scopes. WRITE includes READ."""
_OF_ID_TOKENS = ("nonce", "at_hash", "c_hash")
"""Claims that only ID tokens have (OpenID Connect Core 1.0, sections 2 and 3.3.2.11)."""


def granted(issuer: TrustedIssuer, token: str) -> frozenset[str]:
    """Returns the names that a good access token grants: its app roles (claim `roles`), or its scopes (claim `scp`).

    With scopes, a user lets an app act for them. It may do what the scopes allow, as far as the user's roles allow it.
    WRITE counts as READ, too.

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
    by_role = _with_included(role for role in (roles if isinstance(roles, list) else ()) if isinstance(role, str))
    if isinstance(scopes, str):
        by_scope = _with_included(scopes.split())
        return by_scope & by_role if by_role else by_scope
    if not _was_issued_to_an_app(claims):
        log.info("token refused", extra={"reason": "IdToken"})
        raise Unauthorized("The token is not an access token. An ID token does not open this API.", INVALID)
    return by_role


def _with_included(names: Iterable[str]) -> frozenset[str]:
    given = frozenset(names)
    return given | {READ} if WRITE in given else given


def _was_issued_to_an_app(claims: Mapping[str, Any]) -> bool:
    """Whether a token without scopes is the access token of an app, and not an ID token, which has `roles` as well.

    An access token of Microsoft Entra names the app that it was issued to: `azp` in version 2.0, `appid` in version
    1.0. An ID token of Entra does not. `idtyp` says it outright, but is there only when the API's registration asks
    for this optional claim, so it cannot be demanded:
    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    named = any(isinstance(claims.get(name), str) and claims[name] for name in ("azp", "appid"))
    return named and claims.get("idtyp", "app") == "app" and not any(name in claims for name in _OF_ID_TOKENS)
