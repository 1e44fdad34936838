"""Another issuer whose tokens are trusted, known by its JSON Web Key Set."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jwt import PyJWKClient

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Asymmetric ones only: a published key must never be taken for a shared secret."""


@dataclass(frozen=True)
class TrustedIssuer:
    jwks: str
    """URL."""
    issuer: str
    audience: str
    algorithms: tuple[str, ...] = field(default=ALGORITHMS)

    @cached_property
    def _client(self) -> "PyJWKClient":
        from jwt import PyJWKClient

        # Keys are cached; an unknown `kid` makes it look again, so that rotation needs no restart.
        return PyJWKClient(self.jwks, cache_jwk_set=True, lifespan=300, timeout=5)

    def key_for(self, token: str) -> Any:
        """The public key that the token names. Raises jwt.PyJWTError."""
        return self._client.get_signing_key_from_jwt(token).key


def trusted_issuer(jwks: str, issuer: str, audience: str) -> TrustedIssuer | None:
    """None when no such issuer is configured."""
    return TrustedIssuer(jwks, issuer, audience) if jwks and issuer else None
