"""Other issuers whose tokens are trusted, each known by its JSON Web Key Set; and how any token is verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connector.security.key_sets import KeySet

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Asymmetric ones only: a published key must never be taken for a shared secret."""


@dataclass(frozen=True)
class TrustedIssuer:
    """`issuer` and `audience` are the `iss` and `aud` of its tokens."""

    keys: KeySet
    issuer: str
    audience: str

    def claims(self, token: str, leeway: timedelta, *required: str) -> dict[str, Any]:
        """Of a good token. Raises jwt.PyJWTError for another one, AuthorityUnavailable when that cannot be told."""
        from jwt import InvalidKeyError, get_unverified_header

        key = self.keys.find(get_unverified_header(token).get("kid", ""))
        if key is None:
            raise InvalidKeyError("no such key")
        return verified(
            token, key, ALGORITHMS, issuer=self.issuer, audience=self.audience, leeway=leeway, required=required
        )


def verified(
    token: str,
    key: Any,
    algorithms: Sequence[str],
    *,
    issuer: str,
    audience: str,
    leeway: timedelta,
    required: Sequence[str] = (),
) -> dict[str, Any]:
    """The claims of a token that `key` signed, for this audience and for now; `leeway` forgives clocks that differ.

    Raises jwt.PyJWTError; also when one of the `required` claims is missing.
    """
    from jwt import decode

    claims: dict[str, Any] = decode(
        token,
        key,
        algorithms=algorithms,
        issuer=issuer,
        audience=audience,
        leeway=leeway,
        options={"require": ["iss", "aud", "exp", *required]},
    )
    return claims


def trusted_issuer(jwks: str, issuer: str, audience: str) -> TrustedIssuer | None:
    """None when no such issuer is configured."""
    return TrustedIssuer(KeySet(jwks), issuer, audience) if jwks and issuer else None
