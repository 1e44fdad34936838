"""The keys of a video: made with it, kept wrapped, gone with it."""

import pytest

from connector.errors import KeyUnavailable, NotFound
from connector.pipeline.create import create
from connector.pipeline.delete import delete
from connector.pipeline.keys import UploadKey, content_key, iv, upload_key, work_key
from connector.security.master import KeyRing
from tests.support.apps import KEYS, memory_app


@pytest.fixture
def app():
    return memory_app(**KEYS)


def _rows(app):
    return {row.id: row for row in app.storage.keys.all()}


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("encrypted_upload", [False, True])
def test_a_video_gets_the_keys_that_it_asks_for(app, protected, encrypted_upload):
    made = create(app, "a.mp4", protected=protected, encrypted_upload=encrypted_upload)
    video = made.video
    assert (video.key_id is not None, video.upload_key_id is not None) == (protected, encrypted_upload)
    assert set(_rows(app)) == {video.key_id, video.upload_key_id} - {None}
    assert (made.upload_key is not None) == encrypted_upload
    if protected:
        assert len(content_key(app, video.key_id)) == 16
    if encrypted_upload:
        found = upload_key(app, video.upload_key_id)
        assert found == made.upload_key
        assert (len(found.key), len(found.iv)) == (32, 16)


def test_no_two_videos_share_a_key(app):
    made = [create(app, "a.mp4", protected=True, encrypted_upload=True) for _ in range(3)]
    assert len({content_key(app, m.video.key_id) for m in made}) == 3
    assert len({m.upload_key.key for m in made}) == 3
    assert len({m.upload_key.iv for m in made}) == 3


def test_keys_are_stored_wrapped(app):
    made = create(app, "a.mp4", protected=True, encrypted_upload=True)
    rows = _rows(app)
    assert {row.master for row in rows.values()} == {"master"}
    assert {row.video_id for row in rows.values()} == {made.video.id}
    for secret in (content_key(app, made.video.key_id), made.upload_key.key, made.upload_key.iv):
        assert not any(secret in row.wrapped for row in rows.values())


def test_the_upload_s_key_is_no_content_key(app):
    """Whoever gets a token for it, perhaps from another issuer, does not get it delivered."""
    made = create(app, "a.mp4", encrypted_upload=True)
    with pytest.raises(NotFound):
        content_key(app, made.video.upload_key_id)


@pytest.mark.parametrize("modes", [{"protected": True}, {"encrypted_upload": True}])
def test_without_a_master_key_nothing_is_created(modes):
    app = memory_app()
    with pytest.raises(KeyUnavailable):
        create(app, "a.mp4", **modes)
    assert app.storage.videos._rows == {}
    assert create(app, "a.mp4").video.key_id is None


def test_deleting_a_video_deletes_its_keys_only(app):
    video, other = (create(app, "a.mp4", protected=True, encrypted_upload=True).video for _ in range(2))
    delete(app, video.id)
    assert set(_rows(app)) == {other.key_id, other.upload_key_id}


def test_a_key_whose_master_key_is_gone_is_unavailable(app):
    video = create(app, "a.mp4", protected=True).video
    later = memory_app(**{**KEYS, "master_keys": ""})
    object.__setattr__(later, "storage", app.storage)
    with pytest.raises(KeyUnavailable):
        content_key(later, video.key_id)


def test_ivs_differ_by_key_and_purpose_and_stay_the_same(app):
    first, second = (create(app, "a.mp4", protected=True).video.key_id for _ in range(2))
    found = {iv(key, purpose) for key in (first, second) for purpose in ("video", "audio", "pieces/000001.nut")}
    assert len(found) == 6
    assert {len(one) for one in found} == {16}
    assert iv(first, "video") == iv(first, "video")


def test_the_key_of_intermediate_blobs_is_not_the_one_that_viewers_get(app):
    key = content_key(app, create(app, "a.mp4", protected=True).video.key_id)
    assert work_key(key) not in {key, key[::-1]}
    assert len(work_key(key)) == 16


def test_keys_are_not_shown(app):
    made = create(app, "a.mp4", protected=True, encrypted_upload=True)
    key = UploadKey(b"K" * 32, b"I" * 16)
    assert "KKK" not in repr(key)
    assert repr(made.upload_key.key)[2:-1] not in repr(made)
    assert "abc" not in repr(KeyRing((("name", b"abc"),)))
