"""Resumable upload, as any HTTP client can do it: blocks of a block blob, and a list that makes them the file."""

import base64
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree as ET

import httpx
import pytest

from client import ApiError, Client
from client.models import Video
from connector.domain.layout import output_container
from connector.storage.azure import AzureStorage
from local.stack import Stack
from tests.conftest import PROJECT
from tests.media.cache import cached
from tests.media.sources import Video as Source
from tests.media.sources import numbered
from tests.support.sources import small_source

pytestmark = [pytest.mark.media, pytest.mark.azurite]

OTHER = Source(frames=30, size=(144, 192), first=100)
PARTS = 7


def other() -> Path:
    return cached("other.mp4", lambda path: numbered(path, OTHER), OTHER)


def parts(data: bytes) -> list[bytes]:
    length = -(-len(data) // PARTS)
    return [data[at : at + length] for at in range(0, len(data), length)]


def block_id(n: int) -> str:
    return base64.b64encode(f"{n:06}".encode()).decode()


def put_block(uri: str, n: int, data: bytes | Iterator[bytes]) -> None:
    url = httpx.URL(uri).copy_merge_params({"comp": "block", "blockid": block_id(n)})
    httpx.put(url, content=data).raise_for_status()


def breaking_off(data: bytes) -> Iterator[bytes]:
    yield data[: len(data) // 2]
    raise httpx.WriteError("the network is gone")


def put_block_list(uri: str, blocks: Sequence[int], headers: dict[str, str] | None = None) -> httpx.Response:
    listed = "".join(f"<Latest>{block_id(n)}</Latest>" for n in blocks)
    url = httpx.URL(uri).copy_merge_params({"comp": "blocklist"})
    return httpx.put(url, content=f"<BlockList>{listed}</BlockList>", headers=headers)


def uploaded_as_a_whole(client: Client, path: Path) -> Video:
    video = client.create("a.mp4")
    client.upload(video, path)
    return video


def ready(client: Client, video: Video) -> None:
    final = list(client.watch(video.id, every=0.2))[-1]
    assert final.status == "Completed", final.message


def original(client: Client, video: Video, folder: Path) -> bytes:
    path = folder / video.id
    client.download(video.id, path)
    return path.read_bytes()


def published(stack: Stack, video: Video) -> dict[str, tuple[str, bytes]]:
    """ETag and content of everything that was made of a video."""
    storage = AzureStorage(stack.connection_string)
    try:
        container = storage.blob_service.get_container_client(output_container(UUID(video.id)))
        names = [blob.name for blob in container.list_blobs()]
        downloads = {name: container.download_blob(name) for name in names}
        return {name: (download.properties.etag, download.readall()) for name, download in downloads.items()}
    finally:
        storage.close()


def test_an_upload_goes_on_where_it_broke_off(client, tmp_path):
    video, data = client.create("a.mp4"), small_source().read_bytes()
    pieces = parts(data)
    for n in range(3):
        put_block(video.upload_uri, n, pieces[n])
    with pytest.raises(httpx.TransportError):
        put_block(video.upload_uri, 3, breaking_off(pieces[3]))
    for n in range(3, PARTS):
        put_block(video.upload_uri, n, pieces[n])
    put_block_list(video.upload_uri, range(PARTS)).raise_for_status()
    client.mark_complete(video.id)
    ready(client, video)
    assert original(client, video, tmp_path) == data


def test_blocks_may_come_in_any_order_at_the_same_time_and_twice(client, tmp_path):
    video, data = client.create("a.mp4"), small_source().read_bytes()
    pieces = parts(data)
    put_block(video.upload_uri, 2, b"of an earlier attempt: the last one counts")
    with ThreadPoolExecutor(4) as pool:
        order = [6, 1, 4, 0, 2, 5, 3, 1, 6]
        list(pool.map(lambda n: put_block(video.upload_uri, n, pieces[n]), order))
    put_block_list(video.upload_uri, range(PARTS)).raise_for_status()
    client.mark_complete(video.id)
    ready(client, video)
    assert original(client, video, tmp_path) == data


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_readme_s_commands_upload_in_blocks(client, tmp_path):
    commands = re.search(r"^split -b 8M .*?^```", (PROJECT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    script = commands[0].removesuffix("```").replace("8M", "8K")
    video, data = client.create("a.mp4"), small_source().read_bytes()
    (tmp_path / "holiday.mp4").write_bytes(data)
    environment = {**os.environ, "URI": video.upload_uri}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("part-*"))) > 3
    client.mark_complete(video.id)
    ready(client, video)
    assert original(client, video, tmp_path) == data


def test_only_the_list_of_blocks_completes_an_upload(client):
    video = client.create("a.mp4")
    for n, piece in enumerate(parts(small_source().read_bytes())):
        put_block(video.upload_uri, n, piece)
    with pytest.raises(ApiError) as refused:
        client.mark_complete(video.id)
    assert refused.value.status == 409
    # The trigger sees another file, which came later; it would have seen this one.
    ready(client, awaited(client, uploaded_as_a_whole(client, small_source())))
    assert client.status(video.id).status == "AwaitingUpload"
    put_block_list(video.upload_uri, range(PARTS)).raise_for_status()
    ready(client, awaited(client, video))


def awaited(client: Client, video: Video) -> Video:
    """Once the blob trigger has noticed it: nobody says that it is complete."""
    while client.status(video.id).status == "AwaitingUpload":
        time.sleep(0.2)
    return video


def test_a_list_whose_answer_was_lost_can_be_sent_again(client):
    """The condition keeps it from replacing what may be read already."""
    video = client.create("a.mp4")
    put_block(video.upload_uri, 0, small_source().read_bytes())
    once = {"If-None-Match": "*"}
    assert put_block_list(video.upload_uri, [0], once).status_code == 201
    again = put_block_list(video.upload_uri, [0], once)
    assert again.status_code in {409, 412}
    client.mark_complete(video.id)
    ready(client, video)


def test_a_list_that_names_a_missing_block_is_refused_and_can_be_sent_again(client):
    video = client.create("a.mp4")
    first, *rest = parts(small_source().read_bytes())
    put_block(video.upload_uri, 0, first)
    refused = put_block_list(video.upload_uri, range(PARTS))
    assert refused.status_code == 400
    assert ET.fromstring(refused.content).findtext("Code") == "InvalidBlockList"  # noqa: S314 - our own storage's
    for n, piece in enumerate(rest, 1):
        put_block(video.upload_uri, n, piece)
    put_block_list(video.upload_uri, range(PARTS)).raise_for_status()
    client.mark_complete(video.id)
    ready(client, video)


def test_overwriting_the_upload_afterwards_changes_nothing_that_was_published(stack, client):
    video = uploaded_as_a_whole(client, small_source())
    client.mark_complete(video.id)
    ready(client, video)
    before, shown = published(stack, video), client.get(video.id)
    assert before
    answer = httpx.put(video.upload_uri, content=other().read_bytes(), headers={"x-ms-blob-type": "BlockBlob"})
    assert answer.status_code == 201
    client.mark_complete(video.id)
    # The storage's event came and was handled when that of a later upload was.
    ready(client, awaited(client, uploaded_as_a_whole(client, small_source())))
    assert published(stack, video) == before
    assert client.get(video.id) == shown
    assert client.status(video.id).status == "Completed"


LATE: list[tuple[dict[str, str], dict[str, str], bytes]] = [
    ({}, {"x-ms-blob-type": "BlockBlob", "content-type": "text/html"}, b"<script>document.title = origin</script>"),
    ({"comp": "metadata"}, {"x-ms-meta-a": "b"}, b""),
    ({"comp": "properties"}, {"x-ms-blob-content-type": "text/html"}, b""),
    ({"comp": "tier"}, {"x-ms-access-tier": "Cool"}, b""),
    ({"comp": "snapshot"}, {}, b""),
    ({"comp": "lease"}, {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "-1"}, b""),
]
"""What an upload URL still allows after completion: query, headers and body."""


def test_nothing_that_an_upload_url_still_allows_changes_the_original_or_keeps_it_from_being_deleted(stack, client):
    video = client.create("Größe.mp4")
    client.upload(video, small_source())
    client.mark_complete(video.id)
    ready(client, video)
    before = published(stack, video)
    for query, headers, body in LATE:
        answer = httpx.put(httpx.URL(video.upload_uri).copy_merge_params(query), content=body, headers=headers)
        assert answer.status_code < 300, (query, answer.text)
    location = httpx.get(f"{stack.api}/Videos/{video.id}/Source").headers["Location"]

    answer = httpx.get(location)
    assert answer.content == small_source().read_bytes()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Groe.mp4\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.mp4"
    )
    assert client.get(video.id).size == small_source().stat().st_size
    assert published(stack, video) == before

    client.delete(video.id)
    assert httpx.get(location).status_code == 404
    storage = AzureStorage(stack.connection_string)
    assert list(storage.blobs.upload_folders(video.id)) == []
    storage.close()
