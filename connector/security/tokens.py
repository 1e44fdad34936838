"""Authorization tokens: who holds one may have one content key, for a while."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import jwt

from connector.errors import Forbidden, Unauthorized
from connector.security.master import KeyRing

ALGORITHM = "HS256"
KEY_CLAIM = "urn:microsoft:azure:mediaservices:contentkeyidentifier"
"""The claim of the old service that names the content key."""
LEEWAY = timedelta(seconds=10)
"""Difference of clocks that is forgiven."""


@dataclass(frozen=True)
class TokenPolicy:
    """What is put into tokens and demanded of them."""

    signing_keys: KeyRing
    issuer: str
    audience: str
    lifetime: timedelta


def issue(policy: TokenPolicy, key_id: UUID, now: datetime, not_before: datetime | None = None) -> tuple[str, int]:
    """(JWT, expiry in epoch seconds) for one content key."""
    name, key = policy.signing_keys.current
    expires = int((now + policy.lifetime).timestamp())
    claims = {
        "iss": policy.issuer,
        "aud": policy.audience,
        "nbf": int((not_before or now).timestamp()),
        "exp": expires,
        "jti": secrets.token_hex(16),
        KEY_CLAIM: str(key_id),
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": name}), expires


def check(policy: TokenPolicy, token: str, key_id: UUID) -> None:
    """Raises Unauthorized for a token that is bad, expired or not yet valid, Forbidden for one of another key."""
    try:
        name = jwt.get_unverified_header(token).get("kid", "")
        claims = jwt.decode(
            token,
            policy.signing_keys.find(name),
            # Pinned: the token does not choose how it is checked, so neither `none` nor another key type gets in.
            algorithms=[ALGORITHM],
            issuer=policy.issuer,
            audience=policy.audience,
            leeway=LEEWAY,
            options={"require": ["iss", "aud", "nbf", "exp", "jti", KEY_CLAIM]},
        )
    except Exception:  # noqa: BLE001 - whatever is wrong with a token, its bearer learns the same
        raise Unauthorized("The token is missing, invalid, expired or not yet valid.") from None
    if not hmac.compare_digest(str(claims[KEY_CLAIM]), str(key_id)):
        raise Forbidden("The token is for another key.")
