"""No secret is in any log line: all that was issued is looked for, in every spelling, in the most talkative log."""

import base64
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from client import ApiError, Client
from client.models import Video
from local.azurite import ACCOUNT_KEY
from local.stack import Stack
from tests.conftest import PROJECT
from tests.support.secrecy import secret_shapes, spellings, written
from tests.support.sources import small_source
from tests.support.toy import until

pytestmark = [pytest.mark.media, pytest.mark.azurite]

FUNCTIONS_KEY, MASTER_KEY = "functions-key-3f9a1c", "functions-master-key-77b2e0"
WRONG_KEY, WRONG_TOKEN = "a-mistyped-key-91d4", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.bm90LWEtc2lnbmF0dXJl"


class Issued:
    """Every secret that was handed out or in, by what it is."""

    def __init__(self) -> None:
        self._spellings: dict[str, set[bytes]] = {}

    def key(self, what: str, secret: bytes) -> None:
        self._spellings.setdefault(what, set()).update(spellings(secret))

    def text(self, what: str, secret: str) -> None:
        self._spellings.setdefault(what, set()).update(written(secret))

    def token(self, what: str, token: str) -> None:
        """The whole, and the part that makes it valid."""
        self.text(what, token)
        self.text(what, token.rpartition(".")[2])

    def address(self, url: str) -> None:
        parameters = httpx.URL(url).params
        if "sig" in parameters:
            self.text("signature of an address", parameters["sig"])
        if "token" in parameters:
            self.token("token in an address", parameters["token"])

    def document(self, text: str) -> None:
        """All addresses that a manifest names."""
        for url in re.findall(r"https?://[^\s\"'<>]+", text):
            self.address(url.replace("&amp;", "&").replace("{", "").replace("}", ""))

    def found_in(self, log: bytes) -> list[str]:
        return [what for what, forms in self._spellings.items() if any(form in log for form in forms)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._spellings)


@pytest.fixture(scope="module")
def talkative(tmp_path_factory) -> Iterator[Stack]:
    env = {
        "FUNCTIONS_KEY": FUNCTIONS_KEY,
        "FUNCTIONS_MASTER_KEY": MASTER_KEY,
        "PLAYBACK_ACCESS": "signed",
        "LOG_LEVEL": "DEBUG",
        "TELEMETRY": "console",
        "SEGMENT_SECONDS": "1",
        "ENCODER_PRESET": "ultrafast",
    }
    folder = tmp_path_factory.mktemp("talkative")
    with Stack(PROJECT, folder, encoders=1, env=env, arguments=["--auth"]) as running:
        yield running


def publish(client: Client, issued: Issued, path: Path, **wishes: bool) -> tuple[Video, str]:
    """The video and what became of it."""
    video = client.create("a.mp4", **wishes)
    issued.address(video.upload_uri)
    if video.encryption is not None:
        issued.key("upload key", video.encryption.key)
        issued.key("upload IV", video.encryption.iv)
    client.upload(video, path, encryption=video.encryption)
    client.mark_complete(video.id)
    return video, list(client.watch(video.id, every=0.2))[-1].status


def play(stack: Stack, client: Client, issued: Issued, video: Video) -> None:
    """As players do: every manifest, one segment, the key, thumbnails and the original."""
    token = None
    if video.key_id is not None:
        token = client.authorization_token(video.id)
        issued.token("authorization token", token)
        for key in (
            httpx.get(f"{stack.api}/Keys/{video.key_id}", params={"token": token}),
            httpx.get(f"{stack.api}/Keys/{video.key_id}", headers={"Authorization": f"Bearer {token}"}),
        ):
            assert len(key.content) == 16
            issued.key("content key", key.content)
    for kind in ("HLS", "DASH", "Streaming"):
        url = client.playback_urls(video.id, [kind], token if kind == "HLS" else None)[kind]
        issued.address(url)
        master = httpx.get(url).raise_for_status().text
        issued.document(master)
        for child in re.findall(r"^https?://\S+", master, re.MULTILINE):
            media = httpx.get(child).raise_for_status().text
            issued.document(media)
            httpx.get(re.findall(r"^https?://\S+", media, re.MULTILINE)[0]).raise_for_status()
    for thumbnail in client.thumbnails(video.id):
        issued.address(thumbnail["Url"])
    original = httpx.get(f"{stack.api}/Videos/{video.id}/Source", headers={"x-functions-key": FUNCTIONS_KEY})
    issued.address(original.headers["Location"])


def be_refused(stack: Stack, video: Video) -> None:
    """With what nobody issued, but somebody may have mistyped."""
    for key in (WRONG_KEY, ""):
        assert httpx.get(f"{stack.api}/Videos", headers={"x-functions-key": key}).status_code == 401
        assert httpx.get(f"{stack.api}/Videos", params={"code": key}).status_code == 401
    for token in (WRONG_TOKEN, WRONG_TOKEN[:-4], "x.y.z"):
        key, manifest = f"{stack.api}/Keys/{video.key_id}", f"{stack.api}/Playback/{video.id}/master.m3u8"
        for address in (key, manifest):
            assert httpx.get(address, params={"token": token}).status_code == 401
            assert httpx.get(address, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def lose_storage(stack: Stack, client: Client, issued: Issued, video: Video, path: Path) -> None:
    """Everything fails in the middle of what it does; the storage has forgotten all when it is back."""
    running = client.create("a.mp4", protect=True)
    issued.address(running.upload_uri)
    client.upload(running, path)
    client.mark_complete(running.id)
    pids = stack.pids
    os.kill(pids["supervisor"], signal.SIGSTOP)  # it would start the storage again at once
    try:
        os.kill(pids["azurite"], signal.SIGKILL)
        for call in ("Thumbnails", "AuthorizationToken", "PlaybackEndpoint?endpointType=HLS"):
            url = f"{stack.api}/Videos/{video.id}/{call}"
            assert httpx.get(url, headers={"x-functions-key": FUNCTIONS_KEY}, timeout=60).status_code in {408, 503}
    finally:
        os.kill(pids["supervisor"], signal.SIGCONT)
    until(lambda: stack.pids["azurite"] != pids["azurite"], "the storage to be started again")
    with pytest.raises(ApiError):
        client.authorization_token(video.id)


def test_nothing_that_was_issued_is_in_the_log(talkative, tmp_path):
    issued = Issued()
    issued.text("Functions key", FUNCTIONS_KEY)
    issued.text("master key of the host", MASTER_KEY)
    issued.text("mistyped key", WRONG_KEY)
    issued.token("forged token", WRONG_TOKEN)
    issued.text("account key", ACCOUNT_KEY)
    for name, named in json.loads((talkative.data_dir / "development-keys.json").read_text()).items():
        issued.key(name, base64.b64decode(named.partition(":")[2]))
    nonsense = tmp_path / "nonsense.mp4"
    nonsense.write_bytes(os.urandom(20_000))
    with Client(talkative.api, FUNCTIONS_KEY) as client:
        clear, became = publish(client, issued, small_source())
        assert became == "Completed"
        secret, became = publish(client, issued, small_source(), protect=True, encrypt_upload=True)
        assert became == "Completed"
        for wishes in ({}, {"encrypt_upload": True}):
            _, became = publish(client, issued, nonsense, **wishes)
            assert became == "Failed"
        play(talkative, client, issued, clear)
        play(talkative, client, issued, secret)
        be_refused(talkative, secret)
        lose_storage(talkative, client, issued, secret, small_source())
    log = talkative.log.read_bytes()
    assert b"step ends" in log
    assert b"request failed" in log, "storage was missed"
    assert {"signature of an address", "token in an address", "content key", "upload key"} <= set(issued)
    assert issued.found_in(log) == []
    assert secret_shapes(log) == []


def test_the_search_finds_a_secret_however_it_is_written():
    issued = Issued()
    issued.key("key", b"0123456789abcdef")
    issued.text("signature", "a+b/c1234567890=")
    issued.token("token", WRONG_TOKEN)
    for line, what in (
        (b"key 30313233343536373839616263646566", "key"),
        (b'{"k": "MDEyMzQ1Njc4OWFiY2RlZg=="}', "key"),
        (b"?x=1&s=a%2Bb%2Fc1234567890%3D", "signature"),
        (b"a+b/c1234567890=", "signature"),
        (b"... .bm90LWEtc2lnbmF0dXJl", "token"),
    ):
        assert issued.found_in(line) == [what]
    for line in (b"GET http://host/a?se=1&sig=abc", b"AccountKey=abc;", b"token=eyJhbGciOiJIUzI1NiJ9.e", b"Bearer x"):
        assert secret_shapes(line)
    assert secret_shapes(b"step ends; WWW-Authenticate: Bearer\ndesign=1") == []
