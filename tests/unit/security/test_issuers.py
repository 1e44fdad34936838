"""Tokens of another issuer, which is known by the keys it publishes."""

import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

from connector.errors import Forbidden, Unauthorized
from connector.security.issuers import trusted_issuer
from connector.security.master import KeyRing
from connector.security.tokens import KEY_CLAIM, TokenPolicy, check, issue

ISSUER, AUDIENCE = "https://login.example", "their-audience"
KEY_ID = UUID(int=1)
OWN = KeyRing((("own", bytes(range(32))),))


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


class KeySet:
    """What the issuer publishes now."""

    def __init__(self) -> None:
        self.keys: dict[str, dict] = {"a": json.loads(RSAAlgorithm.to_jwk(rsa_key("a").public_key()))}
        self.reads = 0

    def document(self) -> bytes:
        self.reads += 1
        return json.dumps({"keys": [{**key, "kid": kid, "use": "sig"} for kid, key in self.keys.items()]}).encode()


@pytest.fixture
def published() -> KeySet:
    return KeySet()


@pytest.fixture
def policy(published) -> Iterator[TokenPolicy]:
    class Answerer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(published.document())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answerer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        trusted = trusted_issuer(f"http://127.0.0.1:{server.server_port}/keys", ISSUER, AUDIENCE)
        yield TokenPolicy(OWN, "https://own.example", "own-audience", timedelta(hours=1), trusted)
        server.shutdown()
        thread.join()


def claims(**changes) -> dict:
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": int(datetime.now(UTC).timestamp()) + 60,
        KEY_CLAIM: str(KEY_ID),
    }
    return {**good, **changes}


def token(key: object = None, algorithm: str = "RS256", kid: str = "a", **changes) -> str:
    return jwt.encode(claims(**changes), key or rsa_key("a"), algorithm=algorithm, headers={"kid": kid})


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


@pytest.mark.parametrize(
    "make",
    [
        lambda: token(rsa_key("b")),
        lambda: token(kid="unknown"),
        lambda: token(iss="https://own.example"),
        lambda: token(iss="https://third.example"),
        lambda: token(aud="own-audience"),
        lambda: token(exp=1),
        lambda: token(nbf=int(datetime.now(UTC).timestamp()) + 600),
        lambda: token(OWN.current[1], "HS256", "own"),
        lambda: jwt.encode(claims(), None, algorithm="none", headers={"kid": "a"}),
    ],
)
def test_a_bad_token_is_refused(policy, make):
    with pytest.raises(Unauthorized):
        check(policy, make(), KEY_ID)


@pytest.mark.parametrize("kid", ["a", "own"])
def test_its_public_key_is_not_taken_for_a_secret(policy, kid):
    """By hand: PyJWT refuses to sign so."""
    public = rsa_key("a").public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for issuer in (ISSUER, policy.issuer):
        parts = ({"alg": "HS256", "kid": kid}, claims(iss=issuer, aud=policy.audience))
        signed = b".".join(base64url_encode(json.dumps(part).encode()) for part in parts)
        forged = b".".join([signed, base64url_encode(hmac.digest(pem, signed, "sha256"))]).decode()
        with pytest.raises(Unauthorized):
            check(policy, forged, KEY_ID)


def test_a_shared_secret_that_it_publishes_signs_nothing(policy, published):
    published.keys["s"] = {"kty": "oct", "k": base64url_encode(bytes(range(50, 82))).decode(), "alg": "HS256"}
    with pytest.raises(Unauthorized):
        check(policy, token(bytes(range(50, 82)), "HS256", "s"), KEY_ID)


def test_a_new_key_is_found_without_a_restart(policy, published):
    check(policy, token(), KEY_ID)
    policy.trusted._client.cooldown_duration = 0  # what another half minute would do
    published.keys["b"] = json.loads(RSAAlgorithm.to_jwk(rsa_key("b").public_key()))
    check(policy, token(rsa_key("b"), kid="b"), KEY_ID)


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
