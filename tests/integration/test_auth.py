"""The running service with AUTH_MODE=entra: tokens of an issuer on this machine open it, nothing else does."""

from collections.abc import Iterator

import httpx
import pytest

from local.stack import Stack
from tests.conftest import PROJECT
from tests.support.authority import AUDIENCE, ISSUER, Authority, authority, seconds_from_now, token

pytestmark = pytest.mark.azurite

PAGE = "https://page.example"
NEW = {"OriginalFileName": "a.mp4"}


@pytest.fixture(scope="module")
def published() -> Iterator[Authority]:
    with authority() as running:
        yield running


@pytest.fixture(scope="module")
def stack(tmp_path_factory, published) -> Iterator[Stack]:
    """Asks for Functions keys, too, where the app wants them: in this mode it wants none."""
    env = {
        "AUTH_MODE": "entra",
        "ENTRA_ISSUER": ISSUER,
        "ENTRA_AUDIENCE": AUDIENCE,
        "ENTRA_JWKS": published.url,
        "LOG_LEVEL": "DEBUG",
        "CORS_ORIGINS": PAGE,
    }
    with Stack(PROJECT, tmp_path_factory.mktemp("entra"), encoders=1, env=env, arguments=["--auth"]) as running:
        yield running


def bearer(**claims) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(**claims)}"}


def reader() -> dict[str, str]:
    return bearer(roles=["Videos.Read"])


def writer() -> dict[str, str]:
    return bearer(scp="openid Videos.Write")


@pytest.fixture(scope="module")
def video(stack) -> str:
    answer = httpx.post(f"{stack.api}/Videos", json=NEW, headers=writer())
    assert answer.status_code == 201, answer.text
    return answer.json()["Id"]


def assert_refused(answer, status, challenge):
    assert answer.status_code == status, answer.text
    assert answer.headers["WWW-Authenticate"] == challenge
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["status"] == status


def test_who_may_write_may_read(stack, video):
    assert httpx.get(f"{stack.api}/Videos/{video}", headers=writer()).status_code == 200


def test_who_may_read_may_not_write(stack, video):
    address = f"{stack.api}/Videos/{video}"
    assert httpx.get(address, headers=reader()).status_code == 200
    assert httpx.get(f"{address}/Status", headers=reader()).status_code == 200
    challenge = 'Bearer error="insufficient_scope", scope="Videos.Write"'
    assert_refused(httpx.post(f"{stack.api}/Videos", json=NEW, headers=reader()), 403, challenge)
    assert_refused(httpx.post(f"{address}/MarkComplete", headers=reader()), 403, challenge)
    assert_refused(httpx.delete(address, headers=reader()), 403, challenge)
    assert httpx.get(address, headers=reader()).status_code == 200


def test_without_a_token_nothing_is_told(stack, video):
    for path in ("Videos", f"Videos/{video}", "Videos/no-id", f"Videos/{video}/Status"):
        assert_refused(httpx.get(f"{stack.api}/{path}"), 401, "Bearer")
    good = writer()["Authorization"].partition(" ")[2]
    for query in ({"token": good}, {"access_token": good}, {"code": good}):
        assert_refused(httpx.get(f"{stack.api}/Videos/{video}", params=query), 401, "Bearer")


@pytest.mark.parametrize(
    "claims",
    [{"iss": "https://login.example"}, {"aud": "other"}, {"exp": 1}, {"nbf": 1 << 40}, {"kid": "unknown"}],
    ids=["issuer", "audience", "expired", "not-yet-valid", "key"],
)
def test_a_bad_token_is_refused(stack, video, claims):
    bad = bearer(scp="Videos.Write", **claims)
    assert_refused(httpx.get(f"{stack.api}/Videos/{video}", headers=bad), 401, 'Bearer error="invalid_token"')


def test_of_two_authorization_headers_none_is_chosen_that_is_not_good(stack, video):
    """Hosts differ in which they keep, or join them; a bad one alone never opens."""
    bad = [("Authorization", "Bearer x.y.z"), ("Authorization", "Basic eDp5")]
    assert httpx.get(f"{stack.api}/Videos/{video}", headers=bad).status_code == 401


def test_clocks_may_differ_a_little(stack, video):
    slow = bearer(scp="Videos.Read", nbf=seconds_from_now(30))
    assert httpx.get(f"{stack.api}/Videos/{video}", headers=slow).status_code == 200


def test_pages_get_their_preflight_without_a_token(stack, video):
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = httpx.options(f"{stack.api}/Videos/{video}", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    refusal = httpx.get(f"{stack.api}/Videos/{video}", headers={"Origin": PAGE})
    assert (refusal.status_code, refusal.headers["Access-Control-Allow-Origin"]) == (401, PAGE)


def test_no_token_reaches_the_log(stack, video):
    sent = [token(scp="Videos.Read"), token(aud="other")]
    for one in sent:
        httpx.get(f"{stack.api}/Videos/{video}", headers={"Authorization": f"Bearer {one}"})
    log = stack.log.read_text("utf-8")
    assert not [one for one in sent if one.split(".")[1] in log or one.split(".")[2] in log]
