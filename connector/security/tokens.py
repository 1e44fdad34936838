"""Issues and checks authorization tokens: who holds one may have one content key, for a while."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from connector.errors import AuthorityUnavailable, Forbidden, Unauthorized
from connector.security.issuers import TrustedIssuer, verified
from connector.security.master import KeyRing

ALGORITHM = "HS256"
KEY_CLAIM = "urn:microsoft:azure:mediaservices:contentkeyidentifier"
"""Claim of the old service that names the content key."""
LEEWAY = timedelta(seconds=10)
"""Difference of clocks that is tolerated."""


@dataclass(frozen=True)
class TokenPolicy:
    """Says what is put into tokens and demanded of them."""

    signing_keys: KeyRing
    issuer: str
    audience: str
    lifetime: timedelta
    trusted: TrustedIssuer | None = None


def issue(
    policy: TokenPolicy,
    key_id: UUID,
    now: datetime,
    not_before: datetime | None = None,
    lifetime: timedelta | None = None,
) -> tuple[str, int]:
    """Returns (JWT, expiry in epoch seconds) for one content key. Raises KeyUnavailable without a signing key."""
    from jwt import encode

    name, key = policy.signing_keys.current
    expires = int(((not_before or now) + (lifetime or policy.lifetime)).timestamp())
    claims = {
        "iss": policy.issuer,
        "aud": policy.audience,
        "nbf": int((not_before or now).timestamp()),
        "exp": expires,
        "jti": secrets.token_hex(16),
        KEY_CLAIM: str(key_id),
    }
    return encode(claims, key, algorithm=ALGORITHM, headers={"kid": name}), expires


def check(policy: TokenPolicy, token: str, key_id: UUID) -> None:
    """Checks a token for a content key.

    Raises Unauthorized for a token that is bad, expired or not yet valid, Forbidden for one of another key, and
    AuthorityUnavailable when it names the other issuer, whose keys cannot be read.
    """
    try:
        claims = _claims(policy, token)
    except AuthorityUnavailable:
        raise
    except Exception:  # noqa: BLE001 - whatever is wrong with a token, its bearer learns the same
        raise Unauthorized("The token is missing, invalid, expired or not yet valid.") from None
    if not hmac.compare_digest(str(claims[KEY_CLAIM]).lower().encode(errors="replace"), str(key_id).encode()):
        raise Forbidden("The token is for another key.")


def _claims(policy: TokenPolicy, token: str) -> dict[str, Any]:
    """Returns the claims of a good token. The issuer that it names decides how it is checked, and never its `alg`."""
    from jwt import decode, get_unverified_header

    trusted = policy.trusted
    stated = decode(token, options={"verify_signature": False})
    if trusted is not None and stated.get("iss") == trusted.issuer:
        return trusted.claims(token, LEEWAY, KEY_CLAIM)
    name = get_unverified_header(token).get("kid", "")
    key = policy.signing_keys.find(name)
    return verified(
        token,
        key,
        (ALGORITHM,),
        issuer=policy.issuer,
        audience=policy.audience,
        leeway=LEEWAY,
        required=(KEY_CLAIM,),
    )
