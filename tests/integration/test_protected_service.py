"""Protected content over HTTP, against the running service: tokens, keys, signed access, rotation."""

import base64
import hmac
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import imageio_ffmpeg
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from client import ApiError, Client
from connector.domain.layout import output_container
from connector.security.tokens import KEY_CLAIM
from connector.storage.azure import AzureStorage
from local.stack import Stack
from tests.conftest import PROJECT
from tests.support.secrecy import spellings
from tests.support.sources import FAST_ENV, TWO_RENDITIONS, two_renditions_source

pytestmark = [pytest.mark.media, pytest.mark.azurite]

ISSUER = "https://login.example"
FUNCTIONS_KEY = "a-functions-key"
PAGE = {"Origin": "https://page.example"}


@dataclass(frozen=True)
class Published:
    id: str
    key_id: str | None
    urls: dict[str, str]


def publish(client: Client, *, protect: bool = False) -> Published:
    kinds = ("HLS", "DASH", "Streaming") if protect else ("HLS", "DASH", "Streaming", "Progressive")
    video = client.create("a.mp4", protect=protect)
    client.upload(video, two_renditions_source())
    client.mark_complete(video.id)
    final = list(client.watch(video.id, every=0.2))[-1]
    assert final.status == "Completed", final.message
    return Published(video.id, video.key_id, client.playback_urls(video.id, kinds))


def complaints(url: str) -> str:
    """What FFmpeg says while it decodes everything; also when frames are missing."""
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner"]
    # It judges playlists by their file name, which it does not see behind a query.
    read = [*(("-allowed_extensions", "ALL") if ".m3u8" in url else ()), "-i", url]
    whole = [*ffmpeg, "-v", "warning", *read, "-map", "0", "-f", "null", "-"]
    said = subprocess.run(whole, capture_output=True, text=True, check=False, timeout=60)
    count = [*ffmpeg, "-v", "error", "-stats", *read, "-map", "0:v:0", "-f", "null", "-"]
    counted = subprocess.run(count, capture_output=True, text=True, check=False, timeout=60)
    frames = re.findall(r"frame=\s*(\d+)", counted.stderr)[-1:]
    missing = "" if frames == [str(TWO_RENDITIONS.frames)] else f"frames {frames}"
    return said.stderr + missing + ("" if said.returncode == 0 else f"exit status {said.returncode}")


@cache
def issuer_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@contextmanager
def key_set() -> Iterator[str]:
    """URL of what another issuer publishes."""
    public = {**json.loads(RSAAlgorithm.to_jwk(issuer_key().public_key())), "kid": "theirs", "use": "sig"}

    class Answerer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [public]}).encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answerer) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/keys"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def signed_stack(tmp_path_factory) -> Iterator[Stack]:
    """Private containers, Functions keys, another trusted issuer, and the most talkative log."""
    with key_set() as jwks:
        env = {
            **FAST_ENV,
            "PLAYBACK_ACCESS": "signed",
            "FUNCTIONS_KEY": FUNCTIONS_KEY,
            "TRUSTED_ISSUER": ISSUER,
            "TRUSTED_JWKS": jwks,
            "LOG_LEVEL": "DEBUG",
            "CORS_ORIGINS": PAGE["Origin"],
        }
        folder = tmp_path_factory.mktemp("signed")
        with Stack(PROJECT, folder, encoders=1, env=env, arguments=["--auth"]) as running:
            yield running


@pytest.fixture(scope="module")
def signed_client(signed_stack) -> Iterator[Client]:
    with Client(signed_stack.api, FUNCTIONS_KEY) as api:
        yield api


@pytest.fixture(scope="module")
def clear(signed_client) -> Published:
    return publish(signed_client)


@pytest.fixture(scope="module")
def secret(signed_client) -> Published:
    return publish(signed_client, protect=True)


@pytest.fixture(scope="module")
def protected(client) -> Published:
    return publish(client, protect=True)


def key_of(stack: Stack, video: Published, token: str) -> httpx.Response:
    return httpx.get(f"{stack.api}/Keys/{video.key_id}", headers={"Authorization": f"Bearer {token}"})


# The whole scenario


def test_the_key_is_delivered_for_the_token_in_its_three_forms(stack, client, protected):
    token = client.authorization_token(protected.id)
    address = f"{stack.api}/Keys/{protected.key_id}"
    answers = [
        httpx.get(address, headers={"Authorization": f"Bearer {token}", **PAGE}),
        httpx.get(address, headers={"Authorization": f"Bearer={token}", **PAGE}),
        httpx.get(address, params={"token": token}, headers=PAGE),
    ]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert len(answers[0].content) == 16
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_without_a_good_token_there_is_no_key(stack, client, protected):
    other = client.create("b.mp4", protect=True)
    address = f"{stack.api}/Keys/{protected.key_id}"
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic eDp5"}):
        answer = httpx.get(address, headers={**headers, **PAGE})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    answer = key_of(stack, protected, client.authorization_token(other.id))
    assert answer.status_code == 403
    assert "WWW-Authenticate" not in answer.headers


def test_a_page_of_another_origin_may_ask_with_a_token(stack, protected):
    asked = {**PAGE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    for path in (f"Keys/{protected.key_id}", f"Playback/{protected.id}/video/1/media.m3u8"):
        answer = httpx.options(f"{stack.api}/{path}", headers=asked)
        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()


def test_native_players_get_a_playlist_whose_key_address_carries_the_token(stack, client, protected):
    token = client.authorization_token(protected.id)
    url = client.playback_urls(protected.id, ["HLS"], token)["HLS"]
    assert url.startswith(f"{stack.api}/Playback/{protected.id}/master.m3u8?token=")
    child = re.search(rf"^{re.escape(stack.api)}/Playback/.*/media\.m3u8\?token=.*$", httpx.get(url).text, re.MULTILINE)
    assert child
    text = httpx.get(child[0]).text
    assert f'URI="{stack.api}/Keys/{protected.key_id}?token={token}"' in text
    segments = re.findall(r"^http.*\.m4s$", text, re.MULTILINE)
    assert segments
    assert all(httpx.get(address).status_code == 200 for address in segments)


def test_a_protected_video_has_no_progressive_file(client, protected):
    with pytest.raises(ApiError) as refused:
        client.playback_urls(protected.id, ["Progressive"])
    assert refused.value.status == 403


def test_what_openssl_encrypted_for_the_upload_is_published(client, tmp_path):
    video = client.create("a.mp4", encrypt_upload=True)
    path = tmp_path / "encrypted.mp4"
    key = ["-K", video.upload_key.hex(), "-iv", video.upload_iv.hex()]
    subprocess.run(
        ["openssl", "enc", "-aes-256-ctr", *key, "-in", str(two_renditions_source()), "-out", str(path)], check=True
    )
    client.upload(video, path)
    client.mark_complete(video.id)
    assert list(client.watch(video.id, every=0.2))[-1].status == "Completed"
    assert client.get(video.id).upload_key is None
    assert complaints(client.playback_urls(video.id)["Progressive"]) == ""


def test_deleting_a_video_deletes_its_key(stack, client):
    video = client.create("a.mp4", protect=True)
    token = client.authorization_token(video.id)
    address = f"{stack.api}/Keys/{video.key_id}"
    assert httpx.get(address, params={"token": token}).status_code == 200
    client.delete(video.id)
    assert httpx.get(address, params={"token": token}).status_code == 404


# Another issuer


def theirs(key_id: object, key: object = None, algorithm: str = "RS256", **changes: object) -> str:
    claims = {
        "iss": ISSUER,
        "aud": "urn:video-connector:keys",
        "exp": int(datetime.now(UTC).timestamp()) + 60,
        KEY_CLAIM: str(key_id),
        **changes,
    }
    return jwt.encode(claims, key or issuer_key(), algorithm=algorithm, headers={"kid": "theirs"})


def test_another_issuer_s_token_opens_the_key_it_names(signed_stack, secret, clear):
    assert len(key_of(signed_stack, secret, theirs(secret.key_id)).content) == 16
    assert key_of(signed_stack, secret, theirs(clear.id)).status_code == 403


def test_its_public_key_signs_nothing(signed_stack, secret):
    public = issuer_key().public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _, claims, _ = theirs(secret.key_id).split(".")
    for header in ({"alg": "HS256", "kid": "theirs"}, {"alg": "none", "kid": "theirs"}):
        signed = f"{base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b'=').decode()}.{claims}"
        digest = hmac.digest(pem, signed.encode(), "sha256") if header["alg"] == "HS256" else b""
        forged = f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
        assert key_of(signed_stack, secret, forged).status_code == 401


def test_an_expired_or_early_token_opens_nothing(signed_stack, secret):
    at = int(datetime.now(UTC).timestamp())
    for changes in ({"exp": at - 60}, {"nbf": at + 60}, {"aud": "other"}):
        assert key_of(signed_stack, secret, theirs(secret.key_id, **changes)).status_code == 401


# PLAYBACK_ACCESS=signed


def test_players_need_no_functions_key_and_everybody_else_does(signed_stack, clear):
    assert httpx.get(clear.urls["HLS"]).status_code == 200
    assert httpx.get(f"{signed_stack.api}/Videos/{clear.id}").status_code == 401
    assert httpx.get(f"{signed_stack.api}/Videos/{clear.id}/AuthorizationToken").status_code == 401


@pytest.mark.parametrize("kind", ["HLS", "DASH", "Progressive"])
def test_ffmpeg_decodes_a_clear_signed_video(clear, kind):
    assert complaints(clear.urls[kind]) == ""


def segments_of(url: str) -> list[str]:
    """Addresses of all media that the playlists behind `url` name."""
    found: list[str] = []
    for child in re.findall(r'https?://[^"\n]+/media\.m3u8\?[^"\n]+', httpx.get(url).text):
        found += re.findall(r'https?://[^"\n]+\.(?:m4s|mp4)\?[^"\n]+', httpx.get(child).text)
    return found


def test_smooth_and_dash_manifests_sign_their_templates(clear):
    for kind, part in (("DASH", "$Time$.m4s?"), ("Streaming", "{start time}.m4s?")):
        text = httpx.get(clear.urls[kind]).text
        assert part in text
        assert "sig=" in text


def test_only_a_valid_signature_of_this_video_opens_its_media(signed_stack, clear, secret):
    segments = segments_of(clear.urls["HLS"])
    assert len(segments) > 10
    answers = [httpx.get(address, headers=PAGE) for address in segments]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].headers["Access-Control-Allow-Origin"] == PAGE["Origin"]
    plain, _, query = segments[0].partition("?")
    other = segments_of(secret.urls["HLS"])[0].partition("?")[2]
    storage = AzureStorage(signed_stack.connection_string)
    try:
        container = output_container(clear.id)
        expired = storage.blobs.container_query(container, timedelta(minutes=-1))
    finally:
        storage.close()
    broken = query.replace("sig=", "sig=A", 1)
    for wrong in ("", other, expired, broken):
        answer = httpx.get(f"{plain}?{wrong}")
        assert answer.status_code in {403, 404}
        assert b"moof" not in answer.content
    listing = f"{plain.partition(container)[0]}{container}?restype=container&comp=list&{query}"
    assert httpx.get(listing).status_code == 403
    assert httpx.put(plain + "?" + query, content=b"x", headers={"x-ms-blob-type": "BlockBlob"}).status_code == 403


def test_manifests_are_not_rendered_for_strangers(signed_stack, clear, secret):
    master = f"{signed_stack.api}/Playback/{clear.id}/master.m3u8"
    assert httpx.get(master).status_code == 401
    assert httpx.get(master, params={"token": "x.y.z"}).status_code == 401
    other = httpx.URL(secret.urls["HLS"]).params["token"]
    assert httpx.get(master, params={"token": other}).status_code == 403


def test_what_opens_the_manifests_opens_no_key(signed_stack, secret):
    viewing = httpx.URL(secret.urls["HLS"]).params["token"]
    assert key_of(signed_stack, secret, viewing).status_code == 403


def test_the_original_is_where_the_app_says(signed_stack, clear):
    answer = httpx.get(f"{signed_stack.api}/Videos/{clear.id}/Source", headers={"x-functions-key": FUNCTIONS_KEY})
    assert answer.status_code == 307
    assert httpx.get(answer.headers["Location"]).content == two_renditions_source().read_bytes()
    assert httpx.get(answer.headers["Location"].partition("?")[0]).status_code in {403, 404}


def test_thumbnails_of_protected_videos_open_by_their_url_only(client, signed_client, protected, secret):
    for api, video in ((client, protected), (signed_client, secret)):
        for thumbnail in api.thumbnails(video.id):
            assert httpx.get(thumbnail["Url"]).content.startswith(b"\xff\xd8")
            assert httpx.get(thumbnail["Url"].partition("?")[0]).status_code in {403, 404}


def test_neither_keys_nor_tokens_nor_signatures_are_in_the_log(signed_stack, signed_client, secret, clear):
    token = signed_client.authorization_token(secret.id)
    key = key_of(signed_stack, secret, token).content
    segments_of(clear.urls["HLS"])
    log = signed_stack.log.read_bytes()
    assert b"step ends" in log
    development = json.loads((signed_stack.data_dir / "development-keys.json").read_text())
    masters = [base64.b64decode(text.partition(":")[2]) for text in development.values()]
    for hidden in (key, *masters):
        assert not any(spelling in log for spelling in spellings(hidden))
    assert b"sig=" not in log
    assert b"eyJ" not in log


def test_the_development_keys_are_for_their_owner_only(signed_stack):
    assert (signed_stack.data_dir / "development-keys.json").stat().st_mode & 0o777 == 0o600


# Rotation


def _key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


def test_after_rotation_old_videos_play_and_old_tokens_hold_until_their_key_is_removed(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    old = {name: _key("old") for name in ("MASTER_KEYS", "SIGNING_KEYS")}
    new = {name: _key("new") for name in old}

    def started(keys: dict[str, str], encoders: int = 0) -> Stack:
        env = {**FAST_ENV, **keys, "PORT": port}
        return Stack(PROJECT, tmp_path / "data", encoders=encoders, env=env, in_memory=False)

    with started(old, encoders=1) as stack, Client(stack.api) as client:
        video = publish(client, protect=True)
        old_token = client.authorization_token(video.id)
        key = key_of(stack, video, old_token).content
        assert len(key) == 16

    both = {name: f"{new[name]},{old[name]}" for name in old}
    with started(both) as stack, Client(stack.api) as client:
        assert key_of(stack, video, old_token).content == key
        assert jwt.get_unverified_header(client.authorization_token(video.id))["kid"] == "new"
        environment = {**os.environ, **both, "MEDIA_STORAGE": stack.connection_string}
        command = [sys.executable, "-m", "connector.rewrap"]
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("1 keys were wrapped under the current master key.\n")

    with started(new) as stack, Client(stack.api) as client:
        assert key_of(stack, video, old_token).status_code == 401
        token = client.authorization_token(video.id)
        assert key_of(stack, video, token).content == key
        playlist = client.playback_urls(video.id, ["HLS"], token)["HLS"]
        assert complaints(playlist) == ""

    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    stored = b"".join(path.read_bytes() for path in files)
    assert b"/Keys/" + video.key_id.encode() in stored, "the storage's files were looked at"
    assert not any(spelling in stored for spelling in spellings(key))
