"""What the URLs that leave the system allow, by plain HTTP as a stranger would use them."""

from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

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
    container = blobs.public_uri(UPLOADS, "").rstrip("/")

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
    listing = http.get(f"{blobs.public_uri(container, '').rstrip('/')}?restype=container&comp=list")
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
