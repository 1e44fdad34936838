"""What is remembered of uploads."""

import os
from pathlib import Path

import pytest

from client.errors import FileError
from client.journal import Journals, folder
from client.models import UploadKey

KEY = UploadKey(bytes(32), bytes(16))
FILE = {"path": "/videos/a.mp4", "size": 5}


def test_it_is_found_again_by_the_same_upload_only(tmp_path):
    journals = Journals(tmp_path)
    begun = journals.create(FILE, "some-id", KEY)
    begun.confirm(3)
    begun.confirm(0)
    found = Journals(tmp_path).find(dict(reversed(FILE.items())))
    assert found is not None
    assert (found.video_id, found.encryption, found.sent) == ("some-id", KEY, {0, 3})
    assert journals.find({**FILE, "size": 6}) is None
    found.remove()
    assert journals.find(FILE) is None


def test_nobody_else_can_read_it(tmp_path):
    Journals(tmp_path / "state").create(FILE, "some-id", KEY)
    [path] = (tmp_path / "state").iterdir()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    assert "a.mp4" not in path.name + path.read_text()


@pytest.mark.parametrize(
    ("end", "sent"), [(b"1\n2\n1", {1, 2}), (b"", set()), (b"7\n", {7})], ids=["half-a-number", "none", "whole"]
)
def test_a_line_that_was_cut_off_counts_for_nothing(tmp_path, end, sent):
    Journals(tmp_path).create(FILE, "some-id", None)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + end)
    found = Journals(tmp_path).find(FILE)
    assert found is not None
    assert (found.encryption, found.sent) == (None, sent)


@pytest.mark.parametrize("text", ["", '{"video": "some', "[]", "{}\n", "nonsense\n1\n"])
def test_one_without_a_whole_beginning_is_none(tmp_path, text):
    journals = Journals(tmp_path)
    journals.create(FILE, "some-id", KEY)
    [path] = tmp_path.iterdir()
    path.write_text(text)
    assert journals.find(FILE) is None
    journals.create(FILE, "other-id", None)
    found = journals.find(FILE)
    assert found is not None
    assert found.video_id == "other-id"


def test_one_that_is_too_old_to_be_continued_is_removed(tmp_path):
    Journals(tmp_path).create(FILE, "some-id", KEY)
    [path] = tmp_path.iterdir()
    os.utime(path, (0, 0))
    Journals(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError) as failed:
        Journals(tmp_path / "file" / "state")
    assert "XDG_STATE_HOME" in failed.value.advice


@pytest.mark.parametrize(
    ("given", "root"),
    [({"XDG_STATE_HOME": "/state"}, Path("/state")), ({}, None), ({"XDG_STATE_HOME": "relative"}, None)],
    ids=["given", "not-given", "relative"],
)
def test_state_is_kept_where_users_programs_keep_it(given, root):
    assert folder(given) == (root or Path.home() / ".local" / "state") / "video-connector" / "uploads"
