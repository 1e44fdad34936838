"""Verifies tokens, and trusts those of other issuers, each known by its JSON Web Key Set.

The sets are read by `KeySet`. `key_sets.py` says why not by `jwt.PyJWKClient`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connector.security.key_sets import KeySet

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Algorithms of other issuers, all asymmetric: a published key must never be taken for a shared secret."""


@dataclass(frozen=True)
class TrustedIssuer:
    """Trusts the tokens of one issuer; `issuer` and `audience` are their `iss` and `aud`."""

    keys: KeySet
    issuer: str
    audience: str

    def claims(self, token: str, leeway: timedelta, *required: str) -> dict[str, Any]:
        """Returns the claims of a good token.

        Raises jwt.PyJWTError for another one, AuthorityUnavailable when it cannot be checked.
        """
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
    """Returns the claims of a token that `key` signed, for this audience and for now. `leeway` is for unequal clocks.

    Raises jwt.PyJWTError, also when one of the `required` claims is missing.
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
    """Returns the issuer, or None when none is configured."""
    return TrustedIssuer(KeySet(jwks), issuer, audience) if jwks and issuer else None
