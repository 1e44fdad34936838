"""Protected content: what is stored cannot be watched without the key, and with the key it is the whole video."""

import io
import json
import logging
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import av
import pytest

from connector.api.app import App
from connector.api.http import Request
from connector.api.routes import ROUTES, respond
from connector.domain import layout
from connector.domain.video import State, Video
from connector.errors import BrokenOutput
from connector.pipeline.attempts import record_failure
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.keys import UploadKey
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.frame_numbers import read
from tests.media.sources import Video as Source
from tests.media.sources import numbered
from tests.media.unusual import UNUSUAL, unusual
from tests.support.apps import KEYS, memory_app
from tests.support.encoded import ffmpeg_complaints
from tests.support.fragments import parse
from tests.support.in_process import drive, publish
from tests.support.published import FAST
from tests.support.secrecy import note_log, noted_app, noted_step, slices, spellings

pytestmark = pytest.mark.media

SOURCE = Source(frames=80, size=(432, 432), gop=17, b_frames=2)
"""Two renditions, four segments, two chunks."""
ROUTE = {route.name: route for route in ROUTES}


def _source() -> Path:
    return cached("protected.mp4", partial(numbered, video=SOURCE, audio=Audio()), SOURCE)


def _app(**settings: object) -> App:
    return memory_app(**{**KEYS, **FAST, **settings})


def _openssl(cipher: str, key: bytes, iv: bytes, data: bytes, *more: str) -> bytes:
    command = ["openssl", "enc", cipher, "-K", key.hex(), "-iv", iv.hex(), *more]
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=60).stdout


def encrypted(key: UploadKey, path: Path) -> bytes:
    """As a client does it."""
    return _openssl("-aes-256-ctr", key.key, key.iv, path.read_bytes())


def ask(app: App, name: str, video_id: object, *, token: str = "", path_id: object = None, **query: str):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    url = f"https://host/api/{ROUTE[name].template.replace('{id}', str(path_id or video_id))}"
    path = {"id": str(path_id or video_id)}
    return respond(lambda: app, ROUTE[name], Request("GET", url, headers, query, path, b"", "the-id"))


@dataclass(frozen=True)
class Protected:
    """As a player gets it: by the manifests, with the key that the API delivers."""

    app: App
    video: Video

    @cached_property
    def blobs(self) -> dict[str, bytes]:
        container = self.app.storage.blobs.containers[layout.output_container(self.video.id)]
        return {name: blob.data for name, blob in container.blobs.items()}

    @cached_property
    def key(self) -> bytes:
        token = ask(self.app, "AuthorizationToken", self.video.id).body["Token"]
        answer = ask(self.app, "Key", self.video.id, token=token, path_id=self.video.key_id)
        assert answer.status == 200
        return answer.body

    def opened(self, playlist: str) -> list[bytes]:
        """Init segment and media segments that a media playlist names, each decrypted by OpenSSL alone."""
        text = self.blobs[playlist].decode()
        method, uri, iv = re.search(r'#EXT-X-KEY:METHOD=(.+?),URI="(.+?)",IV=0x([0-9a-f]{32})\n', text).groups()
        assert method == "AES-128"
        assert uri == f"https://host/api/Keys/{self.video.key_id}"
        assert text.index("#EXT-X-KEY") < text.index("#EXT-X-MAP")
        folder = playlist.rpartition("/")[0]
        names = re.findall(r'(?:#EXT-X-MAP:URI="|^)([^"#\n]+\.(?:mp4|m4s))', text, re.MULTILINE)
        assert len(names) > 1
        return [
            _openssl("-aes-128-cbc", self.key, bytes.fromhex(iv), self.blobs[f"{folder}/{name}"], "-d")
            for name in names
        ]

    @property
    def playlists(self) -> list[str]:
        return [name for name in self.blobs if name.endswith("/media.m3u8")]

    def numbers(self, playlist: str) -> list[int | None]:
        with av.open(io.BytesIO(b"".join(self.opened(playlist)))) as file:
            return [read(frame) for frame in file.decode(video=0)]


@pytest.fixture(scope="module")
def clear() -> list[bytes]:
    """All that a clear video of the same source consists of. The encoders write the same bytes each time."""
    app = noted_app()
    video = publish(app, _source())
    assert video.state is State.READY, video.failure
    made = [data for place, data in app.storage.notes.found if place.startswith(("blob video-", "blob work-", "block"))]
    # Not the manifests, which are the same for all.
    return [data for data in made if not data.startswith((b"#EXTM3U", b"<?xml", b"WEBVTT"))]


@pytest.fixture(scope="module")
def markers(clear) -> set[bytes]:
    found = {part for data in clear for part in slices(data)}
    assert len(found) > 100
    return found


@pytest.fixture(scope="module")
def protected() -> Protected:
    app = noted_app()
    video = publish(app, _source(), protected=True)
    assert video.state is State.READY, video.failure
    return Protected(app, video)


def test_openssl_with_the_delivered_key_makes_valid_media_of_every_segment(protected, tmp_path):
    assert len(protected.playlists) == 3
    for number, playlist in enumerate(protected.playlists):
        init, *segments = protected.opened(playlist)
        assert init[4:8] == b"ftyp"
        times = [parse(segment).time for segment in segments]
        assert times == sorted(times)
        assert times[0] == 0
        file = tmp_path / f"{number}.mp4"
        file.write_bytes(b"".join([init, *segments]))
        assert ffmpeg_complaints("-i", file) == ""


def test_every_frame_is_there(protected):
    for playlist in protected.playlists:
        if playlist.startswith("video/"):
            assert protected.numbers(playlist) == list(range(SOURCE.frames))


def test_every_stored_segment_is_named_by_a_playlist_and_none_opens_without_the_key(protected):
    named = sum(len(protected.opened(playlist)) for playlist in protected.playlists)
    media = {name: data for name, data in protected.blobs.items() if name.endswith((".mp4", ".m4s"))}
    assert len(media) == named
    for data in media.values():
        assert len(data) % 16 == 0
        with pytest.raises(av.error.FFmpegError):
            av.open(io.BytesIO(data), format="mp4").close()


def test_what_is_public_is_manifests_and_encrypted_media_alone(protected):
    blobs = protected.app.storage.blobs
    public = [name for name, container in blobs.containers.items() if container.public]
    assert public == [layout.output_container(protected.video.id)]
    others = {name for name in protected.blobs if not re.fullmatch(r"(video|audio)/\d+/(init\.mp4|\d+\.m4s)", name)}
    top = {layout.MASTER_PLAYLIST, layout.DASH_MANIFEST, layout.SMOOTH_MANIFEST}
    assert others == {*top, *protected.playlists}
    for name in others:
        assert b"thumbnails" not in protected.blobs[name], "what is private is not named"
        assert b"I-FRAME" not in protected.blobs[name]
    stills = blobs.containers[layout.stills_container(protected.video.id)]
    assert not stills.public
    assert stills.blobs[layout.POSTER].data.startswith(b"\xff\xd8")


def test_thumbnails_are_there_by_expiring_urls(protected):
    listed = ask(protected.app, "Thumbnails", protected.video.id).body
    assert len(listed) > 1
    container = layout.stills_container(protected.video.id)
    for thumbnail in listed:
        assert thumbnail["Url"].startswith(f"memory://account/{container}/thumbnails/")
        assert "?allows=r&" in thumbnail["Url"]


@pytest.mark.parametrize("fails", [False, True], ids=["success", "failure"])
def test_no_clear_media_and_no_key_is_ever_written_or_said(fails, markers, caplog, tmp_path, monkeypatch):
    """Also by what was deleted again since, with the real pipeline and a client that encrypts its upload, too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    caplog.set_level(logging.DEBUG)
    app = noted_app()
    notes = app.storage.notes
    made = create(app, "a.mp4", protected=True, encrypted_upload=True)
    upload_key = made.upload_key
    app.storage.blobs.put(layout.UPLOADS, made.video.blob_name, encrypted(upload_key, _source()))

    def step(app, message):
        if fails and (message.step, message.index) == ("chunk", 1):
            notes.add("error", "BrokenOutput")
            error = BrokenOutput("in the middle")
            record_failure(app, message, error)  # as the step does
            raise error
        return noted_step(app, message)

    video = drive(app, complete_upload(app, made.video.id), made.video, step)
    assert video.state is (State.FAILED if fails else State.READY), video.failure
    key = Protected(app, video).key
    for name in ("Video", "Status", "PlaybackEndpoint", "Thumbnails", "Key", "Playback", "Source"):
        for token in ("", "x.y.z"):
            answer = ask(app, name, video.id, token=token, endpointtype="HLS")
            notes.add(f"answer {name}", json.dumps(answer.body, default=str) + repr(answer.headers))
    note_log(notes, caplog.records)

    assert any(place.startswith("blob video-") for place, _ in notes.found), "something was written before it failed"
    # Stills are clear, in a private container of their own.
    stills = f"blob {layout.stills_container(video.id)}/"
    assert {p for p in notes.places_with(markers) if not p.startswith(stills)} == set()
    for secret in (key, upload_key.key, upload_key.iv, bytes(range(32)), bytes(range(100, 132))):
        assert notes.places_with(spellings(secret)) == set()
    assert list(tmp_path.iterdir()) == []
    if fails:
        assert list(app.storage.blobs.containers) == [layout.UPLOADS]


def test_the_search_finds_what_it_looks_for(markers):
    """The test above would pass by a search that finds nothing."""
    app = noted_app()
    video = publish(app, _source())
    assert video.state is State.READY
    found = app.storage.notes.places_with(markers)
    media = {place for place, _ in app.storage.notes.found if place.endswith((".m4s", ".jpg"))}
    assert media
    assert media <= found
    key = bytes(range(16))
    for text in (key, key.hex(), repr(key), "a" + json.dumps({"k": "AAECAwQFBgcICQoLDA0ODw=="})):
        notes = noted_app().storage.notes
        notes.add("x", text if isinstance(text, bytes) else text.encode())
        assert notes.places_with(spellings(key)) == {"x"}


def test_an_upload_that_openssl_encrypted_comes_out_frame_exact():
    app = _app()
    video = publish(app, _source(), encrypt=encrypted)
    assert video.state is State.READY, video.failure
    stored = app.storage.blobs.get(layout.UPLOADS, video.blob_name)
    assert len(stored) == _source().stat().st_size
    assert not stored[4:].startswith(b"ftyp"), "what stays is cipher text"
    with av.open(io.BytesIO(app.storage.blobs.get(layout.output_container(video.id), layout.PROGRESSIVE))) as file:
        assert [read(frame) for frame in file.decode(video=0)] == list(range(SOURCE.frames))


@pytest.mark.parametrize("source", ["short", "long_flv"])
def test_both_modes_together_come_out_frame_exact(source):
    """The second one is remuxed into pieces first, which are encrypted too."""
    path, frames = (_source(), SOURCE.frames) if source == "short" else (unusual(source), UNUSUAL[source][1].frames)
    app = noted_app(segment_seconds=4, chunk_seconds=30) if source == "long_flv" else noted_app()
    video = publish(app, path, encrypt=encrypted, protected=True)
    assert video.state is State.READY, video.failure
    result = Protected(app, video)
    numbers = result.numbers(next(p for p in result.playlists if p.startswith("video/")))
    assert [n for i, n in enumerate(numbers) if i == 0 or n != numbers[i - 1]] == list(range(frames))
    work = [(p, d) for p, d in app.storage.notes.found if p.startswith("blob work-")]
    pieces = [data for place, data in work if "pieces/" in place]
    assert bool(pieces) == (source == "long_flv")
    assert not any(data.startswith(b"nut/multimedia container") for data in pieces)
    assert not any(data.startswith(b"\xff\xd8") for _, data in work)


def _with(change: Callable[[UploadKey], UploadKey]) -> Callable[[UploadKey, Path], bytes]:
    return lambda key, path: encrypted(change(key), path)


WRONG = {
    "key": _with(lambda k: UploadKey(bytes(32), k.iv)),
    "iv": _with(lambda k: UploadKey(k.key, bytes(16))),
    "clear": lambda key, path: path.read_bytes(),
    "cbc": lambda key, path: _openssl("-aes-256-cbc", key.key, key.iv, path.read_bytes()),
}


@pytest.mark.parametrize("how", WRONG)
def test_an_upload_under_a_wrong_key_fails_and_says_so(how):
    app = _app()
    video = publish(app, _source(), encrypt=WRONG[how])
    assert video.state is State.FAILED
    assert video.failure.code == "UndecryptableUpload"
    status = ask(app, "Status", video.id).body
    assert status["Error"]["Message"].startswith("The upload could not be decrypted or read")
    assert "AES-256-CTR" in status["Error"]["Message"]


def test_an_empty_upload_is_called_empty():
    app = _app()
    assert publish(app, _source(), encrypt=lambda key, path: b"").failure.code == "EmptyFile"


def test_a_protected_video_without_its_key_fails(protected):
    app = _app()
    made = create(app, "a.mp4", protected=True)
    app.storage.blobs.put(layout.UPLOADS, made.video.blob_name, _source().read_bytes())
    app.storage.keys.delete(made.video.key_id)
    video = drive(app, complete_upload(app, made.video.id), made.video)
    assert (video.state, video.failure.code) == (State.FAILED, "ProcessingFailed")
    assert list(app.storage.blobs.containers) == [layout.UPLOADS]
