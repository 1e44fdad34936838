"""Who may call the API, in each mode; the answers that refuse."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import errors
from connector.api.app import App
from connector.api.auth import Permission, authorize, host_level
from connector.api.errors import error_response
from connector.api.http import Request
from tests.support.apps import memory_app
from tests.support.authority import AUDIENCE, ISSUER, Authority, authority, token

READ, WRITE, PUBLIC = Permission.READ, Permission.WRITE, Permission.PUBLIC


@pytest.fixture(scope="module")
def published() -> Iterator[Authority]:
    with authority() as running:
        yield running


@pytest.fixture
def app(published) -> App:
    return memory_app(auth_mode="entra", entra_issuer=ISSUER, entra_audience=AUDIENCE, entra_jwks=published.url)


def ask(authorization: str | None = None, **query: str) -> Request:
    headers = {} if authorization is None else {"authorization": authorization}
    return Request("GET", "https://host/api/Videos?x=secret", headers, query, {}, b"", "the-id")


def refusal(app, permission, request):
    with pytest.raises(errors.ConnectorError) as caught:
        authorize(app, permission, request)
    answer = error_response(request, caught.value)
    assert answer.body["message"]
    return answer


def bearer(**claims) -> str:
    return f"Bearer {token(**claims)}"


@pytest.mark.parametrize("mode", ["keys", "anonymous"])
@pytest.mark.parametrize("permission", Permission, ids=lambda p: p.name)
def test_in_the_other_modes_nothing_is_asked_here(mode, permission):
    assert authorize(memory_app(auth_mode=mode), permission, ask()) is (permission is not PUBLIC)


def test_a_public_route_asks_nothing(app, published):
    before = published.reads
    authorize(app, PUBLIC, ask())
    authorize(app, PUBLIC, ask("Bearer x"))
    assert published.reads == before


@pytest.mark.parametrize(
    ("claims", "allowed"),
    [
        ({"roles": ["Videos.Read"]}, {READ}),
        ({"scp": "openid Videos.Read"}, {READ}),
        ({"roles": ["Videos.Write"]}, {READ, WRITE}),
        ({"scp": "Videos.Write"}, {READ, WRITE}),
        ({"roles": ["Videos.Read"], "scp": "Videos.Write"}, {READ}),
        ({"roles": ["Videos.Write"], "scp": "Videos.Read"}, {READ}),
        ({"roles": ["Videos.Other"], "scp": "Videos.Write"}, set()),
        ({"roles": ["Videos.Read", "Videos.Write"], "scp": "Videos.Read"}, {READ}),
        ({}, set()),
        ({"roles": [], "scp": ""}, set()),
        ({"roles": [""]}, set()),
        ({"roles": ["videos.write", "Videos.WriteAll"], "scp": "Videos.ReadAll xVideos.Read"}, set()),
    ],
    ids=[
        "role",
        "scope",
        "write-role",
        "write-scope",
        "too-wide-a-scope",
        "too-wide-a-role",
        "another-role",
        "narrow-scope",
        "neither",
        "empty",
        "empty-role",
        "similar",
    ],
)
def test_a_role_or_scope_allows_and_writing_includes_reading(app, claims, allowed):
    for permission in (READ, WRITE):
        if permission in allowed:
            assert authorize(app, permission, ask(bearer(**claims))) is (WRITE in allowed)
            continue
        answer = refusal(app, permission, ask(bearer(**claims)))
        assert (answer.status, answer.body["code"]) == (403, "Forbidden")
        challenge = f'Bearer error="insufficient_scope", scope="{permission}"'
        assert answer.headers["WWW-Authenticate"] == challenge
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer   ", "  Bearer"])
def test_the_scheme_is_known_in_any_letter_case(app, scheme):
    authorize(app, READ, ask(f"{scheme} {token(scp='Videos.Read')} "))


ELSEWHERE = {
    "nothing": lambda good: ask(),
    "empty": lambda good: ask(""),
    "basic": lambda good: ask("Basic eDp5"),
    "as-for-key-delivery": lambda good: ask(f"Bearer={good}"),
    "bare": ask,
    "query": lambda good: ask(token=good),
    "access-token-in-query": lambda good: ask(access_token=good),
    "code-in-query": lambda good: ask(code=good),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_without_a_token_where_it_belongs_no_error_is_named(app, name):
    answer = refusal(app, READ, ELSEWHERE[name](token(scp="Videos.Write")))
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.headers["Cache-Control"] == "no-store"


MALFORMED = {
    "garbage": lambda good: "Bearer x.y.z",
    "no-token": lambda good: "Bearer ?",
    "twice": lambda good: f"Bearer {good}, Bearer {good}",
    "with-another-scheme": lambda good: f"Bearer {good}, Basic eDp5",
    "two-tokens": lambda good: f"Bearer {good} {good}",
    "zero-byte": lambda good: f"Bearer {good}\x00",
    "expired": lambda good: bearer(exp=1, scp="Videos.Write"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_bad_token_is_named_as_such(app, name):
    value = MALFORMED[name](token(scp="Videos.Write"))
    answer = refusal(app, READ, ask(value))
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert value[7:40] not in answer.body["message"]


def test_while_tokens_cannot_be_checked_it_is_503(published):
    published.status = 500
    try:
        app = memory_app(auth_mode="entra", entra_issuer=ISSUER, entra_audience=AUDIENCE, entra_jwks=published.url)
        answer = refusal(app, READ, ask(bearer(scp="Videos.Read")))
    finally:
        published.status = 200
    assert (answer.status, answer.body["code"]) == (503, "AuthorityUnavailable")
    assert "Storage" not in answer.body["message"]
    assert int(answer.headers["Retry-After"]) > 0
    assert "WWW-Authenticate" not in answer.headers


def test_half_a_configuration_lets_nobody_in(published):
    for settings in ({}, {"entra_jwks": published.url}, {"entra_jwks": published.url, "entra_issuer": ISSUER}):
        for audience in ("", AUDIENCE):
            request = ask(bearer(aud=audience, scp="Videos.Write"))
            assert refusal(memory_app(auth_mode="entra", **settings), READ, request).status in {401, 503}


@pytest.mark.parametrize(
    ("mode", "permission", "level"),
    [
        ("keys", READ, "FUNCTION"),
        ("keys", WRITE, "FUNCTION"),
        ("keys", PUBLIC, "ANONYMOUS"),
        ("", READ, "FUNCTION"),
        ("Anonymous", WRITE, "FUNCTION"),
        ("entra", WRITE, "ANONYMOUS"),
        ("anonymous", READ, "ANONYMOUS"),
    ],
)
def test_the_host_asks_for_a_key_unless_something_else_is_asked_for(mode, permission, level):
    assert host_level(mode, permission) == level


def test_importing_it_loads_no_cryptography():
    root = Path(__file__).parents[3]
    code = "import connector.api.auth, sys; print([m for m in ('jwt', 'cryptography', 'requests') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
