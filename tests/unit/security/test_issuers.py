"""Tokens of another issuer, which is known by the keys it publishes."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from connector.errors import AuthorityUnavailable, Forbidden, Unauthorized
from connector.security.issuers import TrustedIssuer, trusted_issuer
from connector.security.key_sets import PAUSE_SECONDS, KeySet
from connector.security.master import KeyRing
from connector.security.tokens import KEY_CLAIM, TokenPolicy, check, issue
from tests.support import authority
from tests.support.authority import AUDIENCE, ISSUER, public_jwk, rsa_key, seconds_from_now

KEY_ID = UUID(int=1)
OWN = KeyRing((("own", bytes(range(32))),))

token = partial(authority.token, **{KEY_CLAIM: str(KEY_ID)})


@pytest.fixture
def policy(published, clock) -> TokenPolicy:
    trusted = TrustedIssuer(KeySet(published.url, clock), ISSUER, AUDIENCE)
    return TokenPolicy(OWN, "https://own.example", "own-audience", timedelta(hours=1), trusted)


def test_its_tokens_open_the_key_they_name_and_no_other(policy):
    check(policy, token(), KEY_ID)
    check(policy, token(**{KEY_CLAIM: str(KEY_ID).upper()}), KEY_ID)
    with pytest.raises(Forbidden):
        check(policy, token(), UUID(int=2))


def test_our_own_tokens_still_hold(policy, published):
    check(policy, issue(policy, KEY_ID, datetime.now(UTC))[0], KEY_ID)
    assert published.reads == 0


def test_keys_of_other_kinds_work_too(policy, published):
    key = ec.generate_private_key(ec.SECP256R1())
    published.keys["e"] = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    check(policy, token(key, "ES256", "e"), KEY_ID)


BAD = {
    "another-key": lambda: token(rsa_key("b")),
    "unknown-key": lambda: token(kid="unknown"),
    "no-key-id": lambda: token(kid=None),
    "our-issuer": lambda: token(iss="https://own.example"),
    "third-issuer": lambda: token(iss="https://third.example"),
    "our-audience": lambda: token(aud="own-audience"),
    "expired": lambda: token(exp=1),
    "without-expiry": lambda: token(exp=None),
    "without-the-claim": lambda: token(**{KEY_CLAIM: None}),
    "not-yet-valid": lambda: token(nbf=seconds_from_now(600)),
    "our-secret": lambda: token(OWN.current[1], "HS256", "own"),
    "unsigned": lambda: token("", "none"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused(policy, name):
    with pytest.raises(Unauthorized):
        check(policy, BAD[name](), KEY_ID)


@pytest.mark.parametrize("kid", ["a", "own"])
@pytest.mark.parametrize("issuer", [ISSUER, "https://own.example"])
def test_its_public_key_is_not_taken_for_a_secret(policy, kid, issuer):
    forged = authority.signed_with_public_key("a", kid, iss=issuer, aud=policy.audience, **{KEY_CLAIM: str(KEY_ID)})
    with pytest.raises(Unauthorized):
        check(policy, forged, KEY_ID)


def test_a_shared_secret_that_it_publishes_signs_nothing(policy, published):
    published.keys["s"] = {"kty": "oct", "k": base64url_encode(bytes(range(50, 82))).decode(), "alg": "HS256"}
    with pytest.raises(Unauthorized):
        check(policy, token(bytes(range(50, 82)), "HS256", "s"), KEY_ID)


def test_a_new_key_is_found_without_a_restart(policy, published, clock):
    check(policy, token(), KEY_ID)
    published.keys["b"] = public_jwk("b")
    clock.now += PAUSE_SECONDS
    check(policy, token(rsa_key("b"), kid="b"), KEY_ID)


def test_while_its_keys_cannot_be_read_only_its_own_tokens_wait(policy, published):
    published.status = 500
    with pytest.raises(AuthorityUnavailable):
        check(policy, token(), KEY_ID)
    check(policy, issue(policy, KEY_ID, datetime.now(UTC))[0], KEY_ID)


def test_the_key_set_is_read_once_for_many_tokens(policy, published):
    """Also for tokens of unknown keys: else anybody could have it read over and over."""
    for _ in range(3):
        check(policy, token(), KEY_ID)
        with pytest.raises(Unauthorized):
            check(policy, token(kid="unknown"), KEY_ID)
    assert published.reads == 1


@pytest.mark.parametrize(("jwks", "issuer"), [("", ISSUER), ("http://127.0.0.1/keys", "")])
def test_half_an_issuer_is_none(jwks, issuer):
    assert trusted_issuer(jwks, issuer, AUDIENCE) is None
