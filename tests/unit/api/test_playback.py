"""Playback addresses, tokens, keys and rendered manifests: who gets them, and who gets which answer instead."""

import base64
import json
import logging
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote
from uuid import UUID, uuid4
from xml.etree.ElementTree import fromstring

import jwt
import pytest

from connector.api.app import App
from connector.api.http import Request
from connector.api.routes import ROUTES, respond
from connector.domain import layout
from connector.domain.layout import UPLOADS
from connector.domain.step import Step
from connector.domain.video import State
from connector.errors import MediaError, StorageUnavailable
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.delete import delete
from connector.pipeline.fail import fail
from connector.pipeline.keys import content_key
from connector.security.master import KeyRing
from connector.security.tokens import KEY_CLAIM, issue
from tests.support.apps import KEYS, quick_app
from tests.support.world import drive

ROUTE = {route.name: route for route in ROUTES}
UNKNOWN = "01a20000-0000-7000-8000-000000000000"
ALL = ("HLS", "DASH", "Streaming", "Progressive")
MANIFESTS = {"HLS": "master.m3u8", "DASH": "manifest.mpd", "Streaming": "smooth.ism/Manifest"}


@pytest.fixture
def app() -> App:
    return quick_app(**KEYS)


@pytest.fixture
def signed_app() -> App:
    return quick_app(**KEYS, playback_access="signed")


def published(app, *, protected=True):
    video = create(app, "a.mp4", protected=protected).video
    app.storage.blobs.put(UPLOADS, video.blob_name, b"x")
    drive(app, complete_upload(app, video.id))
    video = app.storage.videos.get(video.id)
    assert video.state is State.READY, video.failure
    return video


def ask(app, route, ident, method="GET", *, headers=None, query=None, name=""):
    url = f"https://host/api/{ROUTE[route].template}?token=secret"
    path = {"id": str(ident), "name": name}
    return respond(lambda: app, ROUTE[route], Request(method, url, headers or {}, query or {}, path, b"", "the-id"))


def assert_refused(answer, status, code):
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.body["message"]
    assert "secret" not in json.dumps(answer.body)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    if code in {"Unauthorized", "Forbidden"}:
        assert answer.headers["Cache-Control"] == "no-store"


def token_of(app, key_id, **options) -> str:
    return issue(app.tokens, key_id, options.pop("now", datetime.now(UTC)), **options)[0]


def bearer(token):
    return {"authorization": f"Bearer {token}"}


# AuthorizationToken


def test_a_token_answers_as_the_old_service_wrote_it(app):
    video = create(app, "a.mp4", protected=True).video
    answer = ask(app, "AuthorizationToken", video.id)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    body = answer.body
    assert list(body) == ["value", "Token", "ExpiresOn"]
    assert body["value"] == f"Bearer={body['Token']}"
    assert 3590 < body["ExpiresOn"] - time.time() <= 3600
    claims = jwt.decode(body["Token"], options={"verify_signature": False})
    assert set(claims) == {"iss", "aud", "nbf", "exp", "jti", KEY_CLAIM}
    assert claims[KEY_CLAIM] == str(video.key_id)


def test_its_lifetime_is_a_setting():
    app = quick_app(**KEYS, token_minutes=5)
    body = ask(app, "AuthorizationToken", create(app, "a.mp4", protected=True).video.id).body
    assert 290 < body["ExpiresOn"] - time.time() <= 300


@pytest.mark.parametrize("form", [str, lambda k: str(k).upper(), lambda k: f"{{{k}}}", lambda k: ""])
def test_the_video_s_key_can_be_named(app, form):
    video = create(app, "a.mp4", protected=True).video
    assert ask(app, "AuthorizationToken", video.id, query={"keyid": form(video.key_id)}).status == 200


def test_who_gets_no_token(app):
    clear, video, other = create(app, "a.mp4").video, *(create(app, "a.mp4", protected=True).video for _ in range(2))
    both = create(app, "a.mp4", protected=True, encrypted_upload=True).video
    for ident, query in (
        (clear.id, {}),
        (UNKNOWN, {}),
        ("x", {}),
        (video.id, {"keyid": str(other.key_id)}),
        (video.id, {"keyid": "x"}),
        (both.id, {"keyid": str(both.upload_key_id)}),
    ):
        assert_refused(ask(app, "AuthorizationToken", ident, query=query), 404, "VideoNotFound")


def test_a_token_may_be_for_later(app):
    video = create(app, "a.mp4", protected=True).video
    later = int(time.time()) + 1000
    body = ask(app, "AuthorizationToken", video.id, query={"notbefore": str(later)}).body
    claims = jwt.decode(body["Token"], options={"verify_signature": False})
    assert (claims["nbf"], claims["exp"], body["ExpiresOn"]) == (later, later + 3600, later + 3600)
    assert_refused(ask(app, "Key", video.key_id, headers=bearer(body["Token"])), 401, "Unauthorized")


def test_a_token_may_be_for_the_next_day_and_no_later(app):
    """Whoever may only read cannot collect tokens for the time when they may no longer."""
    video = create(app, "a.mp4", protected=True).video
    day = 24 * 3600
    for seconds, status in ((day - 10, 200), (day + 10, 400), (364 * day, 400)):
        query = {"notbefore": str(int(time.time()) + seconds)}
        answer = ask(app, "AuthorizationToken", video.id, query=query)
        assert answer.status == status
    assert "at most a day from now" in answer.body["message"]


def test_not_before_the_past_means_now(app):
    video = create(app, "a.mp4", protected=True).video
    body = ask(app, "AuthorizationToken", video.id, query={"notbefore": "0"}).body
    assert ask(app, "Key", video.key_id, headers=bearer(body["Token"])).status == 200


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "99999999999", "253402300799", "9" * 5000, "١٢"])
def test_a_strange_not_before_is_400(app, text):
    answer = ask(app, "AuthorizationToken", create(app, "a.mp4", protected=True).video.id, query={"notbefore": text})
    assert_refused(answer, 400, "InvalidRequest")
    assert [e["field"] for e in answer.body["errors"]] == ["notBefore"]


# Keys


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ("Bearer {}", {}),
        ("bearer {}", {}),
        ("Bearer={}", {}),
        ("Bearer= {}", {}),
        ("  Bearer   {} ", {}),
        (None, {"token": "{}"}),
        ("Basic xyz", {"token": "{}"}),
    ],
)
def test_a_key_is_delivered_for_its_token_in_every_form(app, headers, query):
    video = create(app, "a.mp4", protected=True).video
    token = ask(app, "AuthorizationToken", video.id).body["Token"]
    sent = {"authorization": headers.format(token)} if headers else {}
    answer = ask(app, "Key", video.key_id, headers=sent, query={k: v.format(token) for k, v in query.items()})
    assert (answer.status, answer.body) == (200, content_key(app, video.key_id))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    head = ask(app, "Key", video.key_id, "HEAD", headers=sent, query={k: v.format(token) for k, v in query.items()})
    assert (head.status, head.body, head.headers) == (200, None, answer.headers)


def test_the_value_of_the_answer_can_be_sent_as_it_is(app):
    video = create(app, "a.mp4", protected=True).video
    value = ask(app, "AuthorizationToken", video.id).body["value"]
    assert ask(app, "Key", video.key_id, headers={"authorization": value}).status == 200


def test_key_ids_are_compared_regardless_of_case(app):
    video = create(app, "a.mp4", protected=True).video
    answer = ask(app, "Key", str(video.key_id).upper(), headers=bearer(token_of(app, video.key_id)))
    assert answer.status == 200


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unsigned(app, key_id) -> str:
    _, claims, _ = token_of(app, key_id).split(".")
    return f"{_encoded(json.dumps({'alg': 'none', 'typ': 'JWT', 'kid': 'signing'}).encode())}.{claims}."


def _flipped(app, key_id) -> str:
    token = token_of(app, key_id)
    signature = bytearray(base64.urlsafe_b64decode(token.rpartition(".")[2] + "=="))
    signature[0] ^= 1
    return f"{token.rpartition('.')[0]}.{_encoded(bytes(signature))}"


BAD = {
    "none": lambda app, key: "",
    "malformed": lambda app, key: "x.y.z",
    "expired": lambda app, key: token_of(app, key, now=datetime.now(UTC) - timedelta(hours=2)),
    "not yet valid": lambda app, key: token_of(app, key, not_before=datetime.now(UTC) + timedelta(hours=2)),
    "unsigned": _unsigned,
    "a flipped bit": _flipped,
    "another secret": lambda app, key: token_of(quick_app(**{**KEYS, "signing_keys": f"signing:{'A' * 43}="}), key),
    "another deployment": lambda app, key: token_of(quick_app(**KEYS, token_issuer="other"), key),
    "another purpose": lambda app, key: token_of(quick_app(**KEYS, token_audience="other"), key),
}


@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize("form", ["header", "query"])
def test_without_a_good_token_there_is_no_key(app, how, form):
    video = create(app, "a.mp4", protected=True).video
    token = BAD[how](app, video.key_id)
    sent = {"headers": bearer(token)} if form == "header" else {"query": {"token": token}}
    assert_refused(ask(app, "Key", video.key_id, **sent), 401, "Unauthorized")
    assert ask(app, "Key", video.key_id, "HEAD", **sent).status == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "xBearer=abc"])
def test_a_header_without_a_token_is_401(app, header):
    video = create(app, "a.mp4", protected=True).video
    assert_refused(ask(app, "Key", video.key_id, headers={"authorization": header}), 401, "Unauthorized")


def test_a_good_token_of_another_key_is_403(app):
    video, other = (create(app, "a.mp4", protected=True).video for _ in range(2))
    assert_refused(ask(app, "Key", video.key_id, headers=bearer(token_of(app, other.key_id))), 403, "Forbidden")
    # Also for a key that does not exist: the answer tells nothing about which do.
    assert_refused(ask(app, "Key", uuid4(), headers=bearer(token_of(app, other.key_id))), 403, "Forbidden")


def test_a_key_that_is_not_there_is_404(app):
    gone = create(app, "a.mp4", protected=True).video
    delete(app, gone.id)
    upload = create(app, "a.mp4", encrypted_upload=True).video.upload_key_id
    for key_id in (gone.key_id, upload, UUID(UNKNOWN)):
        assert_refused(ask(app, "Key", key_id, headers=bearer(token_of(app, key_id))), 404, "VideoNotFound")
    assert_refused(ask(app, "Key", "x", headers=bearer("x.y.z")), 404, "VideoNotFound")
    assert_refused(ask(app, "Key", "x"), 401, "Unauthorized")


def test_a_key_costs_one_read_and_a_refusal_none(app):
    video = create(app, "a.mp4", protected=True).video
    token, calls = token_of(app, video.key_id), []

    class Counting:
        def __init__(self, port):
            self._port = port

        def __getattr__(self, name):
            def call(*arguments, **named):
                calls.append(name)
                return getattr(self._port, name)(*arguments, **named)

            return call

    for part in ("videos", "tasks", "keys", "blobs"):
        setattr(app.storage, part, Counting(getattr(app.storage, part)))
    assert ask(app, "Key", video.key_id, headers=bearer(token)).status == 200
    assert calls == ["get"]
    assert ask(app, "Key", video.key_id, headers=bearer("x.y.z")).status == 401
    assert ask(app, "Key", uuid4(), headers=bearer(token)).status == 403
    assert calls == ["get"]


def test_a_missing_master_key_is_500_and_unsaid(app, caplog):
    video = create(app, "a.mp4", protected=True).video
    later = replace(app, master_keys=KeyRing.parse(f"other:{'A' * 43}="))
    with caplog.at_level(logging.DEBUG):
        answer = ask(later, "Key", video.key_id, headers=bearer(token_of(app, video.key_id)))
    assert_refused(answer, 500, "InternalError")
    assert "key" not in answer.body["message"]
    assert KEYS["master_keys"].partition(":")[2] not in caplog.text


# PlaybackEndpoint


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_protected_video_s_manifests_are_public_as_they_are_useless_without_the_key(app, kind):
    video = published(app)
    answer = ask(app, "PlaybackEndpoint", video.id, query={"endpointtype": kind})
    container = layout.output_container(video.id)
    assert answer.body == {"Type": kind, "PlaybackUrl": f"memory://account/{container}/{MANIFESTS[kind]}"}
    text = app.storage.blobs.get(container, "manifest.mpd").decode()
    assert f"https://host/api/Keys/{video.key_id}" in text
    assert "token" not in text


def test_a_protected_video_has_no_progressive_file(app):
    video = published(app)
    assert_refused(ask(app, "PlaybackEndpoint", video.id, query={"endpointtype": "Progressive"}), 403, "NotPlayable")
    assert not app.storage.blobs.exists(layout.output_container(video.id), layout.PROGRESSIVE)


def followed(app, url):
    """The answer of the app to a URL of its own."""
    path, _, query = url.removeprefix("https://host/api/Playback/").partition("?")
    ident, _, name = path.partition("/")
    assert query.startswith("token=")
    return ask(app, "Playback", ident, query={"token": query.removeprefix("token=")}, name=name)


def test_with_a_token_playlists_carry_it_to_the_key(app):
    video = published(app)
    token = token_of(app, video.key_id)
    query = {"endpointtype": "HLS", "token": token}
    url = ask(app, "PlaybackEndpoint", video.id, query=query).body["PlaybackUrl"]
    assert url == f"https://host/api/Playback/{video.id}/master.m3u8?token={token}"
    master = followed(app, url)
    assert (master.status, master.headers["Cache-Control"]) == (200, "no-store")
    assert master.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    children = re.findall(r'https://[^"\n]+', master.body.decode())
    assert len(children) == 3
    for child in children:
        text = followed(app, child).body.decode()
        assert f'URI="https://host/api/Keys/{video.key_id}?token={token}"' in text
        media = re.findall(r"^memory://.*\.m4s$", text, re.MULTILINE)
        assert len(media) == (4 if "/audio/" in child else 5)
        for address in media:
            blob = address.removeprefix(f"memory://account/{layout.output_container(video.id)}/")
            assert app.storage.blobs.exists(layout.output_container(video.id), blob)


@pytest.mark.parametrize("how", [how for how in BAD if how != "none"])
def test_with_a_bad_token_there_is_no_address(app, how):
    video = published(app)
    query = {"endpointtype": "HLS", "token": BAD[how](app, video.key_id)}
    assert_refused(ask(app, "PlaybackEndpoint", video.id, query=query), 401, "Unauthorized")


def test_with_another_key_s_token_there_is_no_address(app):
    video, other = published(app), published(app)
    query = {"endpointtype": "HLS", "token": token_of(app, other.key_id)}
    assert_refused(ask(app, "PlaybackEndpoint", video.id, query=query), 403, "Forbidden")


def test_a_clear_public_video_needs_no_token_and_takes_none(app):
    video = published(app, protected=False)
    for kind in ALL:
        url = ask(app, "PlaybackEndpoint", video.id, query={"endpointtype": kind, "token": "x"}).body["PlaybackUrl"]
        assert url.startswith(f"memory://account/{layout.output_container(video.id)}/")
        assert "token" not in url


# Playback


@pytest.mark.parametrize("how", BAD)
def test_manifests_are_not_rendered_without_a_good_token(app, how):
    for video in (published(app), published(app, protected=False)):
        for ident in filter(None, (video.key_id, video.id)):
            answer = ask(app, "Playback", video.id, headers=bearer(BAD[how](app, ident)), name="master.m3u8")
            assert_refused(answer, 401, "Unauthorized")


def test_nor_for_a_token_of_another_video(app):
    video, clear, other = published(app), published(app, protected=False), published(app)
    for ident in (other.key_id, other.id, uuid4()):
        token = bearer(token_of(app, ident))
        for wanted in (video, clear):
            assert_refused(ask(app, "Playback", wanted.id, headers=token, name="master.m3u8"), 403, "Forbidden")


def test_an_address_that_names_no_manifest_is_404(app):
    video = published(app)
    request = Request("GET", "https://host", bearer(token_of(app, video.id)), {}, {"id": str(video.id)}, b"", "the-id")
    assert_refused(respond(lambda: app, ROUTE["Playback"], request), 404, "VideoNotFound")


def test_an_unknown_video_is_404_only_for_who_has_a_token(app):
    assert_refused(ask(app, "Playback", UNKNOWN, name="master.m3u8"), 401, "Unauthorized")
    assert_refused(ask(app, "Playback", UNKNOWN, headers=bearer("x.y.z"), name="master.m3u8"), 401, "Unauthorized")
    token = bearer(token_of(app, UUID(UNKNOWN)))
    assert_refused(ask(app, "Playback", UNKNOWN, headers=token, name="master.m3u8"), 404, "VideoNotFound")
    assert_refused(ask(app, "Playback", "x", headers=token, name="master.m3u8"), 404, "VideoNotFound")


@pytest.mark.parametrize(
    "name", ["", "x", "download.mp4", "video/1/media.m3u8", "../master.m3u8", "MASTER.M3U8", "video/../master.m3u8"]
)
def test_a_manifest_that_does_not_exist_is_404(app, name):
    video = published(app)
    assert_refused(
        ask(app, "Playback", video.id, headers=bearer(token_of(app, video.key_id)), name=name), 404, "VideoNotFound"
    )


@pytest.mark.parametrize(
    "end", [lambda app, video: None, lambda app, video: fail(app, video.id, MediaError("NoMedia", "No."))]
)
def test_what_is_not_ready_is_403(app, end):
    video = create(app, "a.mp4", protected=True).video
    end(app, video)
    token = token_of(app, video.key_id)
    assert_refused(ask(app, "Playback", video.id, headers=bearer(token), name="master.m3u8"), 403, "NotPlayable")


# Playing while it is encoded


def nearly_ready(app, *, protected=False):
    """A video of which only the packaging is to do."""
    video = create(app, "a.mp4", protected=protected).video
    app.storage.blobs.put(UPLOADS, video.blob_name, b"x")
    drive(app, complete_upload(app, video.id), lambda m: m.step is Step.PACKAGE)
    return video


def watched(app, video):
    return app.storage.videos.get(video.id).watched


def test_who_asks_early_is_known_to_watch(app):
    video = nearly_ready(app)
    assert ask(app, "PlaybackEndpoint", video.id, query={"endpointtype": "HLS"}).status == 403
    assert watched(app, video) is None
    answer = ask(app, "PlaybackEndpoint", video.id, query={"endpointtype": "HLS", "early": "true"})
    assert answer.status == 200
    assert answer.body["PlaybackUrl"].endswith("/master.m3u8")
    assert watched(app, video) is not None


def test_what_is_rendered_for_a_viewer_is_published_for_nobody(app, signed_app):
    protected, private = nearly_ready(app, protected=True), nearly_ready(signed_app)
    query = {"endpointtype": "HLS", "early": "true"}
    assert ask(signed_app, "PlaybackEndpoint", private.id, query=query).status == 200
    assert watched(signed_app, private) is None
    token = token_of(app, protected.key_id)
    assert ask(app, "PlaybackEndpoint", protected.id, query={**query, "token": token}).status == 200
    assert watched(app, protected) is None
    assert ask(app, "PlaybackEndpoint", protected.id, query=query).status == 200
    assert watched(app, protected) is not None


def test_who_opens_the_embedded_player_is_known_to_watch(app, signed_app, monkeypatch):
    video, private, another = nearly_ready(app), nearly_ready(signed_app), nearly_ready(app)
    assert ask(app, "Portal", "", name=f"embed/{video.id}").status == 200
    assert watched(app, video) is not None
    assert ask(signed_app, "Portal", "", name=f"embed/{private.id}").status == 200
    assert watched(signed_app, private) is None, "what is rendered for a viewer"

    def unavailable(*_args):
        raise StorageUnavailable("Storage answered 503 ServerBusy.")

    monkeypatch.setattr(app.storage.videos, "save", unavailable)
    assert ask(app, "Portal", "", name=f"embed/{another.id}").status == 200, "the page has no part in the trouble"


def test_the_embedded_player_s_page_does_not_tell_whether_there_is_such_a_video(app):
    video = nearly_ready(app)
    there, not_there = (ask(app, "Portal", "", name=f"embed/{ident}") for ident in (video.id, UNKNOWN))
    assert there.status == not_there.status == 200
    assert there.body.replace(str(video.id).encode(), UNKNOWN.encode()) == not_there.body


def test_nothing_stays_of_a_deleted_protected_video(app):
    video = published(app)
    assert len(app.storage.blobs.containers) == 3
    assert ask(app, "Video", video.id, "DELETE").status == 204
    assert list(app.storage.blobs.containers) == [UPLOADS]
    assert app.storage.blobs.containers[UPLOADS].blobs == {}
    assert list(app.storage.keys.all()) == []
    assert app.storage.tasks.of(video.id) == []


# PLAYBACK_ACCESS=signed


@pytest.mark.parametrize("protected", [False, True])
def test_signed_videos_are_in_private_containers_only(signed_app, protected):
    published(signed_app, protected=protected)
    assert not any(container.public for container in signed_app.storage.blobs.containers.values())


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("kind", MANIFESTS)
def test_signed_manifests_are_rendered_and_sign_every_address_of_media(signed_app, kind, protected):
    app, video = signed_app, published(signed_app, protected=protected)
    container = layout.output_container(video.id)
    url = ask(app, "PlaybackEndpoint", video.id, query={"endpointtype": kind}).body["PlaybackUrl"]
    answer = followed(app, url)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == layout.content_type(MANIFESTS[kind])
    texts = [answer.body.decode()]
    if kind == "HLS":
        texts += [
            followed(app, child).body.decode()
            for child in re.findall(r'https://[^"\n]+/media\.m3u8\?[^"\n]+', texts[0])
        ]
        assert len(texts) == 4
    else:
        fromstring(texts[0])  # noqa: S314 - our own
        assert ("storyboard" in texts[0]) == (kind == "DASH" and not protected)
    media = re.findall(r'memory://[^"\n]+', "".join(texts))
    assert media
    query = f"?allows=r&container={container}&seconds=43200"
    for address in media:
        assert address.startswith(f"memory://account/{container}/")
        assert address.replace("&amp;", "&").endswith(query)
    keys = re.findall(r'https://host/api/Keys/[^"]+', "".join(texts))
    assert set(keys) == ({f"https://host/api/Keys/{video.key_id}"} if protected else set()), "players send the token"


def test_what_opens_signed_manifests_opens_no_key(signed_app):
    video = published(signed_app)
    url = ask(signed_app, "PlaybackEndpoint", video.id, query={"endpointtype": "HLS"}).body["PlaybackUrl"]
    viewing = url.partition("token=")[2]
    assert_refused(ask(signed_app, "Key", video.key_id, headers=bearer(viewing)), 403, "Forbidden")
    assert_refused(ask(signed_app, "Key", video.id, headers=bearer(viewing)), 404, "VideoNotFound")


def test_signed_and_with_a_token_the_key_s_address_carries_it(signed_app):
    video = published(signed_app)
    token = token_of(signed_app, video.key_id)
    query = {"endpointtype": "HLS", "token": token}
    url = ask(signed_app, "PlaybackEndpoint", video.id, query=query).body["PlaybackUrl"]
    child = re.search(r'https://[^"\n]+/media\.m3u8\?[^"\n]+', followed(signed_app, url).body.decode())[0]
    text = followed(signed_app, child).body.decode()
    assert f"Keys/{video.key_id}?token={token}" in text
    assert "allows=r" in text


def test_a_signed_progressive_file_is_a_signed_url(signed_app):
    video = published(signed_app, protected=False)
    url = ask(signed_app, "PlaybackEndpoint", video.id, query={"endpointtype": "Progressive"}).body["PlaybackUrl"]
    container = layout.output_container(video.id)
    assert url == f"memory://account/{container}/download.mp4?allows=r&seconds=43200"


# Source, and what POST tells


def test_the_original_stays_the_user_s(app):
    video = published(app)
    answer = ask(app, "Source", video.id)
    assert (answer.status, answer.body, answer.headers["Cache-Control"]) == (307, None, "no-store")
    address, _, query = answer.headers["Location"].partition("?")
    assert address == f"memory://account/{UPLOADS}/{video.blob_name}"
    signed = dict(part.split("=", 1) for part in query.split("&"))
    snapshot = app.storage.videos.get(video.id).snapshot
    assert (signed["allows"], signed["seconds"], signed["snapshot"]) == ("r", "43200", snapshot)
    named = f"attachment; filename=\"{video.file_name}\"; filename*=UTF-8''{video.file_name}"
    assert unquote(signed["rscd"]) == named


def test_the_original_of_a_video_without_a_snapshot_is_the_upload_as_it_is(app):
    video = published(app)
    app.storage.videos.save(replace(app.storage.videos.get(video.id), snapshot=None))
    location = ask(app, "Source", video.id).headers["Location"]
    assert "snapshot" not in location
    assert "rscd=" in location


def test_there_is_no_original_before_it_is_uploaded_or_when_it_never_was(app):
    video = create(app, "a.mp4").video
    assert_refused(ask(app, "Source", video.id), 409, "NotUploaded")
    fail(app, video.id, MediaError("UploadExpired", "Nothing was uploaded."))
    assert_refused(ask(app, "Source", video.id), 409, "NotUploaded")
    assert_refused(ask(app, "Source", UNKNOWN), 404, "VideoNotFound")


def post(app, **fields):
    body = json.dumps({"OriginalFileName": "a.mp4", **fields}).encode()
    headers = {"content-type": "application/json"}
    return respond(lambda: app, ROUTE["Videos"], Request("POST", "https://host/api/Videos", headers, {}, {}, body, "i"))


def test_upload_keys_are_told_once(app):
    answer = post(app, InputStorageEncryptionMode="AES256", ContentProtectionMode="AES128")
    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    body = answer.body
    assert (body["InputStorageEncryptionMode"], body["ContentProtectionMode"]) == ("AES256", "AES128")
    assert len(base64.b64decode(body["InputStorageEncryptionSymmetricKey"], validate=True)) == 32
    assert len(base64.b64decode(body["InputStorageEncryptionIv"], validate=True)) == 16
    UUID(body["ContentProtectionKeyId"])
    again = ask(app, "Video", body["Id"]).body
    assert again["InputStorageEncryptionMode"] == "AES256"
    assert again["ContentProtectionKeyId"] == body["ContentProtectionKeyId"]
    assert again["InputStorageEncryptionSymmetricKey"] is again["InputStorageEncryptionIv"] is None


def test_without_the_modes_no_key_is_told(app):
    body = post(app).body
    assert body["ContentProtectionMode"] == "None"
    assert body["ContentProtectionKeyId"] is body["InputStorageEncryptionMode"] is None
    assert body["InputStorageEncryptionSymmetricKey"] is body["InputStorageEncryptionIv"] is None


@pytest.mark.parametrize("fields", [{"ContentProtectionMode": "AES128"}, {"InputStorageEncryptionMode": "AES256"}])
def test_protection_without_a_master_key_is_501_and_creates_nothing(fields):
    app = quick_app()
    assert_refused(post(app, **fields), 501, "FeatureDisabled")
    assert app.storage.videos._rows == {}
