"""The whole way of a video with an identity in place of every key, against Azurite over HTTPS.

Azurite checks a token's issuer, audience and times, for blobs and tables alike, makes user delegation keys, and checks
the signatures that are made with them. What it cannot cover:

- It does not look who signed a token, nor at roles. Which roles are needed is held by the tests of infra/.
- It gives out delegation keys of any length. Seven days are held by the settings and by `DelegationKeys`.
- What a signature covers it knows up to version 2025-07-05 only. `delegation.cjs` adds two empty lines as the SDK does,
  so there the SDK is its own witness.
- Queues are opened by the Functions host alone, and getting a token is the affair of azure-identity.
"""

import re
import ssl
from contextlib import closing
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from connector.domain import layout
from connector.domain.video import State, new_video
from connector.errors import StorageError
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.delete import delete
from connector.pipeline.playback import rendered
from connector.storage.azure import AzureStorage
from connector.storage.setup import prepare
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import Video, numbered
from tests.support.apps import KEYS, memory_app
from tests.support.entra import FakeCredential, entra_account
from tests.support.in_process import drive
from tests.support.published import FAST

pytestmark = [pytest.mark.azurite, pytest.mark.media]

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    with entra_account(tmp_path_factory.mktemp("entra")) as account:
        prepare(account.identity(FakeCredential()), ("*",))
        yield account


@pytest.fixture
def storage(account):
    with closing(AzureStorage(account.identity(FakeCredential()))) as storage:
        yield storage


@pytest.fixture(scope="module")
def http(account):
    with httpx.Client(verify=ssl.create_default_context(cafile=str(account.certificate))) as client:
        yield client


@pytest.fixture(scope="module")
def source():
    video = Video(frames=50)
    return cached("identity.mp4", lambda path: numbered(path, video, Audio()), video)


@pytest.mark.parametrize("protected", [False, True], ids=["clear", "protected"])
def test_a_video_is_published_played_and_deleted_without_any_key_of_the_account(storage, http, source, protected):
    app = memory_app(storage, playback_access="signed", **KEYS, **FAST)
    made = create(app, "a.mp4", protected=protected)
    upload = http.put(made.upload_uri, content=source.read_bytes(), headers={"x-ms-blob-type": "BlockBlob"})
    assert upload.status_code == 201

    video = drive(app, complete_upload(app, made.video.id), made.video)

    assert video.state is State.READY, video.failure
    track = video.plan.renditions[0].id
    playlist = rendered(app, video, layout.media_playlist("video", track), "token", "")
    addresses = re.findall(r"^https://\S+", playlist, re.MULTILINE)
    assert len(addresses) >= 2
    for address in addresses:
        assert parse_qs(urlsplit(address).query)["skoid"] == ["object"]
        assert http.get(address).status_code == 200
        assert http.get(address.partition("?")[0]).status_code in {403, 404}
    stills = layout.stills_container(video.id) if protected else layout.output_container(video.id)
    assert http.get(storage.blobs.read_uri(stills, layout.POSTER, HOUR)).headers["content-type"] == "image/jpeg"

    http.put(made.upload_uri, content=b"late", headers={"x-ms-blob-type": "BlockBlob"})
    original = storage.blobs.read_uri(
        layout.UPLOADS, video.blob_name, HOUR, snapshot=video.snapshot, disposition="attachment"
    )
    answer = http.get(original)
    assert answer.content == source.read_bytes()
    assert answer.headers["content-disposition"] == "attachment"
    assert http.get(re.sub(r"snapshot=[^&]*&", "", original)).status_code == 403

    delete(app, video.id)
    assert http.get(addresses[0]).status_code == 404
    assert http.get(original).status_code == 404


def test_a_url_that_was_signed_by_identity_opens_what_it_names_and_no_more(storage, http):
    blobs, name = storage.blobs, f"{new_video('a.mp4').id}/a.mp4"
    upload = blobs.upload_uri(name, HOUR)
    assert http.put(upload, content=b"1", headers={"x-ms-blob-type": "BlockBlob"}).status_code == 201
    assert http.get(upload).status_code == 403
    read = blobs.read_uri(layout.UPLOADS, name, HOUR)
    assert http.get(read).content == b"1"
    assert http.delete(read).status_code == 403
    assert http.get(read.replace("sp=r&", "sp=rd&")).status_code == 403
    assert http.get(blobs.read_uri(layout.UPLOADS, name, -HOUR)).status_code == 403


def test_a_token_of_somebody_else_opens_nothing(account):
    with closing(AzureStorage(account.identity(FakeCredential("https://other.example/")))) as storage:
        for call in (
            lambda: storage.blobs.get(layout.UPLOADS, "a"),
            lambda: storage.blobs.read_uri(layout.UPLOADS, "a", HOUR),
            lambda: storage.videos.create(new_video("a.mp4")),
        ):
            with pytest.raises(StorageError, match=r"Storage answered 40[13]"):
                call()


def test_no_token_is_in_what_is_logged(account, caplog):
    credential = FakeCredential()
    caplog.set_level("DEBUG")
    with closing(AzureStorage(account.identity(credential))) as storage:
        storage.blobs.read_uri(layout.UPLOADS, "a", HOUR)
        storage.tasks.of(new_video("a.mp4").id)
    assert credential.tokens
    assert not [token for token in credential.tokens if token in caplog.text]
    assert "<Value>" not in caplog.text
