"""Tokens that nobody issued: for a content key, and for the API. Lines: header, claims, signature; or a whole token."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from jwt.utils import base64url_encode

from connector.errors import Unauthorized
from connector.security.callers import granted
from connector.security.issuers import TrustedIssuer
from connector.security.master import KeyRing
from connector.security.tokens import KEY_CLAIM, TokenPolicy, check
from tests.fuzz.target import Target
from tests.support.authority import AUDIENCE, ISSUER, rsa_key, signed_with_public_key, token

_KEY_ID = UUID(int=1)


class _Keys:
    """The key set of the other issuer, without a network."""

    def find(self, key_id: str) -> Any:
        return rsa_key("a").public_key() if key_id == "a" else None


@cache
def _policy() -> TokenPolicy:
    keys = KeyRing((("signing", bytes(range(100, 132))),))
    trusted = TrustedIssuer(_Keys(), ISSUER, AUDIENCE)  # type: ignore[arg-type]
    return TokenPolicy(keys, "https://issuer.example", "video", timedelta(hours=1), trusted)


def _token(data: bytes) -> str:
    parts = data.split(b"\n")
    if len(parts) != 3:
        return data.decode("utf-8", "surrogateescape")
    return b".".join(base64url_encode(part) for part in parts).decode()


def _run(data: bytes) -> None:
    text, policy = _token(data), _policy()
    assert policy.trusted is not None
    for use in (lambda: check(policy, text, _KEY_ID), lambda: granted(policy.trusted, text)):
        try:
            use()
        except Unauthorized:
            continue
        raise AssertionError("a token that nobody issued was accepted")


def _seeds() -> Iterator[bytes]:
    mine = {"iss": "https://issuer.example", "aud": "video", "exp": 9_999_999_999, KEY_CLAIM: str(_KEY_ID)}
    theirs = {"iss": ISSUER, "aud": AUDIENCE, "exp": 9_999_999_999, KEY_CLAIM: str(_KEY_ID), "roles": ["Videos.Write"]}
    for claims in (mine, theirs):
        for algorithm in ("HS256", "RS256", "none"):
            header = {"alg": algorithm, "typ": "JWT", "kid": "a" if claims is theirs else "signing"}
            yield b"\n".join((json.dumps(header).encode(), json.dumps(claims).encode(), bytes(32)))
    yield signed_with_public_key("a", **theirs).encode()
    yield token(rsa_key("b"), **theirs).encode()


TARGET = Target(
    _run, _seeds, (), (b'"kid"', b'"alg"', b'"none"', b'"crit"', b'"b64"', b'"jwk"', b'"RS256"', b'"HS256"', b"Bearer ")
)
