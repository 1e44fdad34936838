import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Forbidden, Unauthorized
from connector.security.master import KeyRing
from connector.security.tokens import KEY_CLAIM, LEEWAY, TokenPolicy, check, issue

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
POLICY = TokenPolicy(KeyRing((("new", NEW), ("old", OLD))), "https://issuer.example", "video", timedelta(hours=1))
KEY_ID, OTHER = UUID(int=1), UUID(int=2)


def now() -> datetime:
    return datetime.now(UTC)


def claims(**changes) -> dict:
    """Those of a good token; None takes one away."""
    seconds = int(now().timestamp())
    good = {
        "iss": POLICY.issuer,
        "aud": POLICY.audience,
        "nbf": seconds,
        "exp": seconds + 60,
        "jti": "1",
        KEY_CLAIM: str(KEY_ID),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def token(key: object = NEW, algorithm: str = "HS256", kid: str | None = "new", **changes) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": kid} if kid else None)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: dict, key: bytes | None, digest: str = "sha256", **changes) -> str:
    """What PyJWT would refuse or warn to make; an attacker would not ask it. Without a key, without a signature."""
    signed = ".".join(encoded(json.dumps(content).encode()) for content in (header, claims(**changes)))
    return f"{signed}.{encoded(hmac.digest(key, signed.encode(), digest)) if key else ''}"


def test_an_issued_token_opens_its_key_and_tells_when_it_ends():
    at = now()
    text, expires = issue(POLICY, KEY_ID, at)
    check(POLICY, text, KEY_ID)
    assert expires == int((at + timedelta(hours=1)).timestamp())
    assert jwt.get_unverified_header(text) == {"alg": "HS256", "kid": "new", "typ": "JWT"}
    found = jwt.decode(text, options={"verify_signature": False})
    assert found[KEY_CLAIM] == str(KEY_ID)
    assert (found["iss"], found["aud"], found["exp"]) == (POLICY.issuer, POLICY.audience, expires)


def test_no_two_tokens_are_the_same():
    at = now()
    assert issue(POLICY, KEY_ID, at)[0] != issue(POLICY, KEY_ID, at)[0]


def test_a_good_token_of_another_key_is_known_but_not_allowed():
    text, _ = issue(POLICY, OTHER, now())
    with pytest.raises(Forbidden):
        check(POLICY, text, KEY_ID)


@pytest.mark.parametrize(
    "make",
    [
        lambda: issue(POLICY, KEY_ID, now() - POLICY.lifetime - LEEWAY - timedelta(seconds=2))[0],
        lambda: issue(POLICY, KEY_ID, now(), now() + LEEWAY + timedelta(minutes=1))[0],
        lambda: token(iss="https://other.example"),
        lambda: token(aud="other"),
        lambda: token(kid="unknown"),
        lambda: token(kid=None),
        lambda: token(OLD),
        lambda: by_hand({"alg": "HS384", "kid": "new"}, NEW, "sha384"),
        lambda: by_hand({"alg": "HS512", "kid": "new"}, NEW, "sha512"),
        lambda: by_hand({"alg": "none", "kid": "new"}, None),
        lambda: by_hand({"alg": "None", "kid": "new"}, None),
        lambda: by_hand({"alg": "none", "kid": "new"}, NEW),
        lambda: by_hand({"alg": "HS256", "kid": "new"}, None),
        lambda: by_hand({"alg": "HS256", "kid": ["new"]}, NEW),
        lambda: by_hand({"kid": "new"}, NEW),
        lambda: token(exp="soon"),
        *(lambda name=name: token(**{name: None}) for name in ("iss", "aud", "exp", KEY_CLAIM)),
        lambda: "",
        lambda: "Bearer",
        lambda: "a.b.c",
        lambda: "ä.ö.ü",
        lambda: token()[:-1],
        lambda: token() + ".x",
    ],
)
def test_a_bad_token_is_refused_and_all_are_refused_alike(make):
    with pytest.raises(Unauthorized) as refused:
        check(POLICY, make(), KEY_ID)
    assert str(refused.value) == "The token is missing, invalid, expired or not yet valid."
    assert refused.value.__suppress_context__


def test_a_difference_of_clocks_is_forgiven():
    seconds = LEEWAY.total_seconds() / 2
    at = int(now().timestamp())
    check(POLICY, token(exp=int(at - seconds)), KEY_ID)
    check(POLICY, token(nbf=int(at + seconds)), KEY_ID)


def test_a_token_signed_by_an_rsa_key_is_no_token():
    key = rsa.generate_private_key(65537, 2048)
    with pytest.raises(Unauthorized):
        check(POLICY, token(key, "RS256"), KEY_ID)


def test_a_public_key_used_as_a_secret_signs_nothing():
    public = rsa.generate_private_key(65537, 2048).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(Unauthorized):
        check(POLICY, by_hand({"alg": "HS256", "kid": "new"}, pem), KEY_ID)


def test_tokens_of_an_old_signing_key_hold_until_it_is_removed():
    before = TokenPolicy(KeyRing((("old", OLD),)), POLICY.issuer, POLICY.audience, POLICY.lifetime)
    text, _ = issue(before, KEY_ID, now())
    check(POLICY, text, KEY_ID)
    after = TokenPolicy(KeyRing((("new", NEW),)), POLICY.issuer, POLICY.audience, POLICY.lifetime)
    with pytest.raises(Unauthorized):
        check(after, text, KEY_ID)


_GOOD = issue(POLICY, KEY_ID, now() + timedelta(seconds=-1))[0]


@given(st.data())
def test_a_flipped_bit_anywhere_spoils_a_token(data):
    pieces = [bytearray(base64.urlsafe_b64decode(p + "==")) for p in _GOOD.split(".")]
    piece = data.draw(st.sampled_from(pieces))
    bit = data.draw(st.integers(0, 8 * len(piece) - 1))
    piece[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Unauthorized):
        check(POLICY, ".".join(map(encoded, map(bytes, pieces))), KEY_ID)


def test_a_key_id_is_compared_as_a_whole():
    with pytest.raises(Forbidden):
        check(POLICY, token(**{KEY_CLAIM: str(KEY_ID)[:-1]}), KEY_ID)
    with pytest.raises(Forbidden):
        check(POLICY, token(**{KEY_CLAIM: [str(KEY_ID)]}), KEY_ID)


def test_a_key_claim_of_odd_letters_is_another_key():
    with pytest.raises(Forbidden):
        check(POLICY, token(**{KEY_CLAIM: "ä"}), KEY_ID)


@given(
    st.text(max_size=80) | st.binary(max_size=60).map(lambda data: f"{encoded(data)}.{encoded(data)}.{encoded(data)}")
)
def test_no_text_is_anything_but_refused(text):
    with pytest.raises(Unauthorized):
        check(POLICY, text, KEY_ID)
