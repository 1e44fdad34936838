"""Storage that takes connections and says nothing: each call is told in time, and soon after it speaks, all is well."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from client import Client
from connector.api.routes import ROUTES
from connector.bootstrap import shared_app
from connector.storage import transport
from local.azurite import Azurite
from local.stack import Stack
from tests.conftest import PROJECT
from tests.support.functions import call_function
from tests.support.publishing import publish
from tests.support.sources import FAST_ENV, two_renditions_source

pytestmark = [pytest.mark.media, pytest.mark.azurite]

TOLD = 30
"""Seconds within which a caller is told (the contract's table of statuses)."""
BACK = 5
WITHOUT_STORAGE = {"Formats", "Portal", "Docs", "OpenApi", "ZNoSuchResource"}


@contextmanager
def silent(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """Three videos: a clear one, a protected one, and one that was never uploaded."""
    folder: Path = tmp_path_factory.mktemp("silent")
    with Stack(PROJECT, folder, encoders=1, env=FAST_ENV) as stack, Client(stack.api) as client:
        clear, seen = publish(client, two_renditions_source())
        assert seen[-1].status == "Completed", seen[-1].message
        protected = client.create("a.mp4", protect=True)
        client.upload(protected, two_renditions_source())
        client.mark_complete(protected.id)
        assert list(client.watch(protected.id, every=0.2))[-1].status == "Completed"
        # The process that makes pictures takes a while to begin.
        assert httpx.get(f"{stack.api}/Videos/{clear}/Thumbnails/at?time=0.1", timeout=60).status_code == 307
        yield SimpleNamespace(
            stack=stack,
            clear=clear,
            protected=protected,
            token=client.authorization_token(protected.id),
            waiting=client.create("b.mp4").id,
        )


def calls(published: SimpleNamespace) -> dict[tuple[str, str], str]:
    """By name of the route, and method: an address that needs storage. One for each that there is."""
    video, protected = f"Videos/{published.clear}", f"Videos/{published.protected.id}"
    return {
        ("Videos", "GET"): "Videos?status=Completed",
        ("Videos", "POST"): "Videos",
        ("Video", "GET"): video,
        ("Video", "PUT"): video,
        ("Video", "DELETE"): video,
        ("MarkComplete", "POST"): f"Videos/{published.waiting}/MarkComplete",
        ("Status", "GET"): f"{video}/Status",
        ("PlaybackEndpoint", "GET"): f"{video}/PlaybackEndpoint?endpointType=HLS",
        ("AuthorizationToken", "GET"): f"{protected}/AuthorizationToken",
        ("Source", "GET"): f"{video}/Source",
        ("Thumbnails", "GET"): f"{video}/Thumbnails",
        ("ThumbnailAt", "GET"): f"{video}/Thumbnails/at?time=0.5",
        ("Thumbnail", "GET"): f"{video}/Thumbnails/1",
        ("Key", "GET"): f"Keys/{published.protected.key_id}?token={published.token}",
        ("Playback", "GET"): f"Playback/{published.protected.id}/master.m3u8?token={published.token}",
        ("Health", "GET"): "health",
    }


def answer(published: SimpleNamespace, method: str, path: str) -> tuple[httpx.Response, float]:
    """And after how many seconds it came."""
    body = {"POST": {"OriginalFileName": "c.mp4"}, "PUT": {"Title": "holiday"}}.get(method)
    begun = time.monotonic()
    response = httpx.request(method, f"{published.stack.api}/{path}", json=body, timeout=60)
    return response, time.monotonic() - begun


def test_every_call_that_needs_storage_is_told_in_time_and_is_answered_soon_after_storage_is_back(published):
    known = calls(published)
    assert set(known) == {(r.name, m) for r in ROUTES if r.name not in WITHOUT_STORAGE for m in r.operations}
    with ThreadPoolExecutor(2 * len(known)) as threads:
        with silent(published.stack.pids["azurite"]):
            # Each twice, so that there are more of them than threads of the host.
            every = [(method, path) for (_, method), path in known.items()] * 2
            sent = [threads.submit(answer, published, method, path) for method, path in every]
            answers = [future.result() for future in sent]
            assert answer(published, "GET", "Formats")[0].status_code == 200
        for response, seconds in answers:
            assert response.status_code == 408, (response.url.path, response.text)
            assert seconds < TOLD
            assert response.json().keys() == {"status", "source", "message", "code", "requestId"}
            assert response.json()["code"] == "StorageTimeout"
            assert int(response.headers["Retry-After"]) > 0
        back = time.monotonic()
        assert answer(published, "GET", "health")[0].status_code == 200
        assert answer(published, "POST", "Videos")[0].status_code == 201
        assert time.monotonic() - back < BACK
        reads = [(method, path) for (_, method), path in known.items() if method == "GET"]
        for response, _ in threads.map(lambda call: answer(published, *call), reads):
            assert response.status_code in {200, 307}, (response.url.path, response.text)


def test_an_app_that_begins_while_storage_is_silent_says_so_and_works_when_storage_is_back(monkeypatch):
    for name, seconds in (("CALL_READ_SECONDS", 1.0), ("SILENT_SECONDS", 0.5)):
        monkeypatch.setattr(transport, name, seconds)
    with Azurite() as azurite:
        monkeypatch.setenv("MEDIA_STORAGE", azurite.connection_string)
        monkeypatch.setenv("PREPARE_STORAGE", "true")
        shared_app.cache_clear()
        try:
            with silent(azurite.pid):
                begun = time.monotonic()
                response, *_ = call_function("Videos", "POST", "Videos", b'{"OriginalFileName": "a.mp4"}')
                # One request and one more: what was found silent is not asked again for the same call.
                assert time.monotonic() - begun < 10
                assert (response.status_code, response.headers["Retry-After"]) == (408, "5")
            response, *_ = call_function("Videos", "POST", "Videos", b'{"OriginalFileName": "a.mp4"}')
            assert response.status_code == 201
        finally:
            if shared_app.cache_info().currsize:
                shared_app().storage.close()
            shared_app.cache_clear()
