"""What a caller's token grants, and which tokens grant nothing."""

import logging
from collections.abc import Callable

import pytest
from jwt.utils import base64url_encode

from connector.errors import AuthorityUnavailable, Unauthorized
from connector.security.callers import granted
from connector.security.issuers import TrustedIssuer
from connector.security.key_sets import FRESH_SECONDS, PAUSE_SECONDS, KeySet
from tests.support.authority import (
    AUDIENCE,
    ISSUER,
    public_jwk,
    rsa_key,
    seconds_from_now,
    signed_with_public_key,
    token,
)


@pytest.fixture
def issuer(published, clock) -> TrustedIssuer:
    return TrustedIssuer(KeySet(published.url, clock), ISSUER, AUDIENCE)


GRANTED: dict[str, tuple[Callable[[], dict], set[str]]] = {
    "a-role": (lambda: {"roles": ["Videos.Read"]}, {"Videos.Read"}),
    "roles": (lambda: {"roles": ["Videos.Read", "Other"]}, {"Videos.Read", "Other"}),
    "a-scope": (lambda: {"scp": "Videos.Read"}, {"Videos.Read"}),
    "scopes": (lambda: {"scp": "openid Videos.Write"}, {"openid", "Videos.Read", "Videos.Write"}),
    "the-role-that-includes-the-other": (lambda: {"roles": ["Videos.Write"]}, {"Videos.Read", "Videos.Write"}),
    "a-wide-role-and-a-narrow-scope": (lambda: {"roles": ["Videos.Write"], "scp": "Videos.Read"}, {"Videos.Read"}),
    "a-narrow-role-and-a-wide-scope": (lambda: {"roles": ["Videos.Read"], "scp": "Videos.Write"}, {"Videos.Read"}),
    "an-app-of-version-1": (lambda: {"azp": None, "appid": "an-app", "roles": ["A"]}, {"A"}),
    "an-app-that-says-so": (lambda: {"idtyp": "app", "roles": ["A"]}, {"A"}),
    "a-user-of-an-app-that-is-not-named": (lambda: {"azp": None, "scp": "A"}, {"A"}),
    "both": (lambda: {"roles": ["A", "B"], "scp": "B C"}, {"B"}),
    "neither": (dict, set()),
    "a-list-of-audiences": (lambda: {"aud": ["other", AUDIENCE], "roles": ["A"]}, {"A"}),
    "roles-that-are-no-list": (lambda: {"roles": "Videos.Write"}, set()),
    "roles-that-are-no-names": (lambda: {"roles": [1, None, ["Videos.Write"], {"Videos.Write": 1}]}, set()),
    "scopes-that-are-no-text": (lambda: {"scp": ["Videos.Write"]}, set()),
    "no-start": (lambda: {"nbf": None, "roles": ["A"]}, {"A"}),
    "their-clock-is-ahead": (lambda: {"nbf": seconds_from_now(30), "iat": seconds_from_now(30), "roles": ["A"]}, {"A"}),
    "our-clock-is-ahead": (lambda: {"exp": seconds_from_now(-20), "roles": ["A"]}, {"A"}),
}


@pytest.mark.parametrize("name", GRANTED)
def test_a_good_token_grants_its_roles_and_scopes(issuer, name):
    claims, names = GRANTED[name]
    assert granted(issuer, token(**claims())) == names


def unsigned() -> str:
    return token("", "none", roles=["Videos.Write"])


def with_another_signature() -> str:
    return token(roles=["Videos.Write"]).rpartition(".")[0] + "." + token(scp="x").rpartition(".")[2]


def with_other_claims() -> str:
    head, _, signature = token().split(".")
    return ".".join((head, token(roles=["Videos.Write"]).split(".")[1], signature))


def with_a_strange_header() -> str:
    _, claims, signature = token().split(".")
    return ".".join((base64url_encode(b'{"alg": "RS256", "kid": ["a"]}').decode(), claims, signature))


BAD: dict[str, Callable[[], str]] = {
    "no-token": lambda: "x",
    "empty": lambda: "",
    "three-dots": lambda: "a.b.c",
    "unsigned": unsigned,
    "another-signature": with_another_signature,
    "other-claims": with_other_claims,
    "strange-header": with_a_strange_header,
    "another-key": lambda: token(rsa_key("b")),
    "unknown-key": lambda: token(rsa_key("b"), kid="b"),
    "no-key-id": lambda: token(kid=None),
    "another-issuer": lambda: token(iss="https://login.example/other/v2.0"),
    "issuer-with-a-slash": lambda: token(iss=ISSUER + "/"),
    "no-issuer": lambda: token(iss=None),
    "another-audience": lambda: token(aud="other"),
    "no-audience": lambda: token(aud=None),
    "expired": lambda: token(exp=seconds_from_now(-120)),
    "without-expiry": lambda: token(exp=None),
    "endless": lambda: token(exp=float("inf")),
    "expiry-that-is-no-number": lambda: token(exp="tomorrow"),
    "not-yet-valid": lambda: token(nbf=seconds_from_now(120)),
    "issued-in-the-future": lambda: token(iat=seconds_from_now(120)),
    "public-key-as-secret": lambda: signed_with_public_key("a", roles=["Videos.Write"]),
    "some-secret": lambda: token(bytes(32), "HS256"),
    # An ID token of Entra has roles, names no app, and mostly repeats the nonce of its request.
    "an-id-token": lambda: token(azp=None, nonce="n", roles=["Videos.Write"], preferred_username="a@b.example"),
    "an-id-token-without-a-nonce": lambda: token(azp=None, roles=["Videos.Write"]),
    "an-id-token-of-another-provider": lambda: token(nonce="n", roles=["Videos.Write"]),
    "an-id-token-beside-an-access-token": lambda: token(at_hash="h", roles=["Videos.Write"]),
    "an-id-token-beside-a-code": lambda: token(c_hash="h", roles=["Videos.Write"]),
    "a-user-without-scopes": lambda: token(idtyp="user", roles=["Videos.Write"]),
    "an-app-without-a-name": lambda: token(azp="", roles=["Videos.Write"]),
    "an-app-whose-name-is-no-text": lambda: token(azp=["an-app"], roles=["Videos.Write"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused_and_not_logged(issuer, caplog, name):
    bad = BAD[name]()
    with caplog.at_level(logging.DEBUG), pytest.raises(Unauthorized) as caught:
        granted(issuer, bad)
    assert caught.value.challenge == 'Bearer error="invalid_token"'
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    said = " ".join(str(record.__dict__) for record in caplog.records)
    assert not [part for part in bad.split(".") if len(part) > 8 and part in said]


def test_keys_rotate(issuer, published, clock):
    old, new = token(scp="A"), token(rsa_key("b"), kid="b", scp="A")
    assert granted(issuer, old)
    published.keys["b"] = public_jwk("b")
    clock.now += PAUSE_SECONDS
    assert granted(issuer, new)
    assert granted(issuer, old)
    del published.keys["a"]
    clock.now += FRESH_SECONDS
    assert granted(issuer, new)
    with pytest.raises(Unauthorized):
        granted(issuer, old)


def test_a_storm_of_unknown_keys_asks_the_issuer_once(issuer, published):
    for n in range(30):
        with pytest.raises(Unauthorized):
            granted(issuer, token(kid=f"unknown-{n}"))
    assert published.reads == 1
    assert granted(issuer, token(scp="A"))


def test_without_the_issuers_keys_nobody_can_tell(issuer, published):
    published.answer = b"<html>"
    with pytest.raises(AuthorityUnavailable):
        granted(issuer, token(scp="A"))
