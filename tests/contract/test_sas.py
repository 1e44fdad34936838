"""What the URLs that leave the system allow, by plain HTTP as a stranger would use them."""

import re
from datetime import timedelta
from urllib.parse import quote, urlsplit

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

from connector.api.disposition import attachment
from connector.domain.layout import UPLOADS
from connector.domain.video import new_id
from connector.errors import StorageError
from connector.storage.blobs import AzureBlobs

pytestmark = pytest.mark.azurite

HOUR = timedelta(hours=1)
BLOCK_BLOB = {"x-ms-blob-type": "BlockBlob"}
NAMES = ["a.mp4", "Größe 50 % #1? 海 🎬+~.mp4"]


@pytest.fixture
def http():
    with httpx.Client() as client:
        yield client


@pytest.fixture
def blobs(azure):
    return azure.blobs


@pytest.fixture
def name():
    return f"{new_id()}/a.mp4"


@pytest.mark.parametrize("file", NAMES)
def test_an_upload_url_uploads_whole_and_in_blocks(blobs, http, file):
    name = f"{new_id()}/{file}"
    url = blobs.upload_uri(name, HOUR)

    assert http.put(url, content=b"one", headers=BLOCK_BLOB).status_code == 201
    assert blobs.get(UPLOADS, name) == b"one"

    assert http.put(f"{url}&comp=block&blockid=MDAwMQ%3D%3D", content=b"two").status_code == 201
    blocks = "<BlockList><Latest>MDAwMQ==</Latest></BlockList>"
    assert http.put(f"{url}&comp=blocklist", content=blocks).status_code == 201
    assert blobs.get(UPLOADS, name) == b"two"


def test_an_upload_url_neither_reads_nor_deletes_nor_lists(blobs, http, name):
    url = blobs.upload_uri(name, HOUR)
    http.put(url, content=b"secret", headers=BLOCK_BLOB)
    signature = urlsplit(url).query
    container = blobs.container_uri(UPLOADS).rstrip("/")

    assert http.get(url).status_code == 403
    assert http.head(url).status_code == 403
    assert http.delete(url).status_code == 403
    assert http.get(f"{container}?restype=container&comp=list&{signature}").status_code == 403
    assert blobs.get(UPLOADS, name) == b"secret"


def test_an_upload_url_writes_no_other_blob(blobs, http, name):
    signature = urlsplit(blobs.upload_uri(name, HOUR)).query
    other = f"{new_id()}/a.mp4"

    answer = http.put(f"{blobs.public_uri(UPLOADS, other)}?{signature}", content=b"1", headers=BLOCK_BLOB)

    assert answer.status_code == 403
    assert not blobs.exists(UPLOADS, other)


def test_an_upload_url_expires(blobs, http, name):
    expired = blobs.upload_uri(name, timedelta(seconds=-1))

    assert http.put(expired, content=b"1", headers=BLOCK_BLOB).status_code == 403
    assert not blobs.exists(UPLOADS, name)


@pytest.mark.parametrize("file", NAMES)
def test_a_read_url_reads_ranges_and_writes_nothing(blobs, http, file):
    name = f"{new_id()}/{file}"
    blobs.put(UPLOADS, name, b"0123456789")
    url = blobs.read_uri(UPLOADS, name, HOUR)

    assert http.get(url, headers={"Range": "bytes=2-4"}).content == b"234"
    assert http.put(url, content=b"1", headers=BLOCK_BLOB).status_code == 403
    assert http.delete(url).status_code == 403
    assert http.get(blobs.read_uri(UPLOADS, name, timedelta(seconds=-1))).status_code == 403


def test_a_read_url_of_a_snapshot_reads_that_version_and_no_other(blobs, http, name):
    blobs.put(UPLOADS, name, b"the upload")
    kept = blobs.take_snapshot(UPLOADS, name)
    blobs.put(UPLOADS, name, b"something else")
    url = blobs.read_uri(UPLOADS, name, HOUR, snapshot=kept.snapshot)

    assert http.get(url, headers={"Range": "bytes=4-9"}).content == b"upload"
    assert http.get(re.sub(r"snapshot=[^&]*&", "", url)).status_code == 403
    assert http.delete(url).status_code == 403
    whole = blobs.read_uri(UPLOADS, name, HOUR)
    assert http.get(f"{whole}&snapshot={quote(kept.snapshot)}").status_code == 403


@pytest.mark.parametrize("file_name", ["holiday.mp4", 'a"b\\c/\r\nX-Evil: 1\u202e4pm.Größe 50 % 海.mp4'])
def test_a_download_has_its_name_and_a_type_that_no_browser_shows(blobs, http, name, file_name):
    page = BLOCK_BLOB | {"content-type": "text/html", "x-ms-blob-content-disposition": "inline"}
    http.put(blobs.upload_uri(name, HOUR), content=b"<script>", headers=page)
    snapshot = blobs.take_snapshot(UPLOADS, name).snapshot
    disposition = attachment(file_name, "x.mp4")

    answer = http.get(blobs.read_uri(UPLOADS, name, HOUR, snapshot=snapshot, disposition=disposition))

    assert answer.content == b"<script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == disposition
    assert "x-evil" not in answer.headers


WRITES = {
    "whole": ("PUT", "", b"evil", BLOCK_BLOB | {"content-type": "text/html"}),
    "block": ("PUT", "comp=block&blockid=MDAwMQ%3D%3D", b"evil", {}),
    "block list": ("PUT", "comp=blocklist", b"<BlockList><Latest>MDAwMQ==</Latest></BlockList>", {}),
    "metadata": ("PUT", "comp=metadata", b"", {"x-ms-meta-a": "b"}),
    "headers": ("PUT", "comp=properties", b"", {"x-ms-blob-content-type": "text/html"}),
    "tier": ("PUT", "comp=tier", b"", {"x-ms-access-tier": "Archive"}),
    "tags": ("PUT", "comp=tags", b"<Tags><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tags>", {}),
    "snapshot": ("PUT", "comp=snapshot", b"", {}),
    "lease": ("PUT", "comp=lease", b"", {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "-1"}),
    "break of a lease": ("PUT", "comp=lease", b"", {"x-ms-lease-action": "break", "x-ms-lease-break-period": "0"}),
    "whole, of another type": ("PUT", "", b"", {"x-ms-blob-type": "AppendBlob"}),
    "undelete": ("PUT", "comp=undelete", b"", {}),
    "delete": ("DELETE", "", b"", {}),
    "delete of the snapshots": ("DELETE", "", b"", {"x-ms-delete-snapshots": "only"}),
}
"""What an upload URL could be used for beside uploading: method, query, body and headers."""


def test_after_completion_an_upload_url_changes_nothing_that_is_kept(blobs, http):
    """With Azurite. Only Azure decides whether a SAS of a blob (`sr=b`) reaches a snapshot by its id, as the requests
    with `snapshot=` try here, and whether the archive tier of a blob is kept apart from that of its snapshots.
    """
    video_id = new_id()
    name = f"{video_id}/a.mp4"
    upload = blobs.upload_uri(name, HOUR)
    http.put(upload, content=b"the upload", headers=BLOCK_BLOB)
    kept = blobs.take_snapshot(UPLOADS, name)
    download = blobs.read_uri(UPLOADS, name, HOUR, snapshot=kept.snapshot, disposition="attachment")
    before = http.get(download)
    answers = {}

    for label, (method, query, body, headers) in [*WRITES.items(), *reversed(WRITES.items())]:
        for version in ("", f"&snapshot={quote(kept.snapshot)}"):
            url = f"{upload}&{query}{version}"
            status = http.request(method, url, content=body, headers=headers).status_code
            answers.setdefault((label, bool(version)), []).append(status)
        after = http.get(download)
        shown = ("content-type", "content-disposition", "etag", "last-modified")
        assert after.content == b"the upload", label
        assert [after.headers[h] for h in shown] == [before.headers[h] for h in shown], label
        reader = blobs.open(UPLOADS, name, kept)
        assert reader.read_at(0, 100) == b"the upload", label
        reader.close()

    # The URL overwrites, leases and so on: without that, this test would show nothing.
    taken = {label for (label, on_snapshot), codes in answers.items() if not on_snapshot and min(codes) < 300}
    assert {"whole", "block list", "lease", "break of a lease", "metadata", "headers", "snapshot"} <= taken
    assert not {"tags", "delete", "delete of the snapshots"} & taken
    assert min(status for (_, on_snapshot), codes in answers.items() if on_snapshot for status in codes) >= 400
    blobs.delete_upload(video_id)
    assert not blobs.exists(UPLOADS, name)


@pytest.mark.parametrize("duration", ["-1", "60"])
def test_a_leased_upload_is_deleted_with_everything_that_its_url_made(blobs, http, duration):
    video_id = new_id()
    name = f"{video_id}/a.mp4"
    upload = blobs.upload_uri(name, HOUR)
    http.put(upload, content=b"1", headers=BLOCK_BLOB)
    lease = {"x-ms-lease-action": "acquire", "x-ms-lease-duration": duration}
    assert http.put(f"{upload}&comp=snapshot").status_code == 201
    assert http.put(f"{upload}&comp=lease", headers=lease).status_code == 201

    blobs.delete_upload(video_id)

    assert list(blobs.upload_folders(str(video_id))) == []
    assert http.put(upload, content=b"1", headers=BLOCK_BLOB).status_code == 201, "a snapshot or lease is left"
    blobs.delete_upload(video_id)


def test_uploads_are_closed_to_strangers(blobs, http, name):
    blobs.put(UPLOADS, name, b"secret")
    url = blobs.public_uri(UPLOADS, name)

    assert http.get(url).status_code in {403, 404}
    assert http.put(url, content=b"1", headers=BLOCK_BLOB).status_code in {403, 404}


@pytest.mark.parametrize("file", ["master.m3u8", "Größe 50 % #1? 海 🎬+~.bin"])
def test_a_public_container_lets_anybody_read_but_not_list(blobs, http, file):
    container = f"video-{new_id()}"
    blobs.create_container(container, public=True)
    blobs.put(container, file, b"#EXTM3U")

    assert http.get(blobs.public_uri(container, file)).content == b"#EXTM3U"
    listing = http.get(f"{blobs.container_uri(container).rstrip('/')}?restype=container&comp=list")
    assert listing.status_code in {401, 403, 404}


def test_a_private_container_lets_nobody_read(blobs, http):
    container = f"work-{new_id()}"
    blobs.create_container(container, public=False)
    blobs.put(container, "a", b"secret")

    assert http.get(blobs.public_uri(container, "a")).status_code in {403, 404}


def test_type_and_caching_follow_from_the_name_however_a_blob_was_written(blobs, http):
    container = f"video-{new_id()}"
    blobs.create_container(container, public=True)
    blobs.put(container, "master.m3u8", b"#EXTM3U")
    blobs.stage(container, "audio/128000/0.m4s", "0001", b"1")
    blobs.commit(container, "audio/128000/0.m4s", ["0001"])

    playlist = http.get(blobs.public_uri(container, "master.m3u8")).headers
    segment = http.get(blobs.public_uri(container, "audio/128000/0.m4s")).headers

    assert playlist["content-type"] == "application/vnd.apple.mpegurl"
    assert playlist["cache-control"] == "public, max-age=5"
    assert segment["content-type"] == "audio/mp4"
    assert segment["cache-control"] == "public, max-age=31536000, immutable"


def test_browsers_of_the_portal_may_upload(blobs, http, name, cors_origin):
    asked = {"Origin": cors_origin, "Access-Control-Request-Method": "PUT"}
    asked["Access-Control-Request-Headers"] = "x-ms-blob-type,content-type"
    url = blobs.upload_uri(name, HOUR)

    assert http.options(url, headers=asked).headers["access-control-allow-origin"] == cors_origin
    assert http.options(url, headers=asked | {"Origin": "https://evil.example"}).status_code == 403


def test_signing_without_an_account_key_fails_clearly():
    with BlobServiceClient("https://account.blob.core.windows.net/?sv=1&sig=secret") as service:
        blobs = AzureBlobs(service)

        with pytest.raises(StorageError, match="no account key"):
            blobs.upload_uri("a", HOUR)
        assert blobs.public_uri("c", "ä") == "https://account.blob.core.windows.net/c/%C3%A4"


def test_over_https_a_signed_url_is_good_for_https_only():
    with BlobServiceClient("https://account.blob.core.windows.net", credential="a2V5") as service:
        assert "&spr=https&" in AzureBlobs(service).upload_uri("a", HOUR)
