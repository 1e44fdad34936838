"""Rotating the master key: every stored key under the new one, then the old one can go."""

import base64
from dataclasses import replace

import pytest

from connector import rewrap as command
from connector.api.app import App
from connector.errors import KeyUnavailable, RowChanged
from connector.pipeline.create import create
from connector.pipeline.keys import content_key, upload_key
from connector.rewrap import rewrap
from connector.security.master import KeyRing
from tests.support.apps import KEYS, memory_app


def _key(name: str, first: int) -> str:
    return f"{name}:{base64.b64encode(bytes(range(first, first + 32))).decode()}"


OLD, NEW = _key("old", 0), _key("new", 50)


def under(app: App, keys: str) -> App:
    """The same data, started with other master keys."""
    return replace(app, master_keys=KeyRing.parse(keys))


@pytest.fixture
def app():
    return memory_app(**{**KEYS, "master_keys": OLD})


def test_keys_stay_what_they_are_and_the_old_master_key_can_go(app):
    made = [create(app, "a.mp4", protected=True, encrypted_upload=True) for _ in range(3)]
    before = [content_key(app, m.video.key_id) for m in made]
    assert rewrap(under(app, f"{NEW},{OLD}")) == (6, 0)
    after = under(app, NEW)
    assert [content_key(after, m.video.key_id) for m in made] == before
    assert [upload_key(after, m.video.upload_key_id) for m in made] == [m.upload_key for m in made]
    with pytest.raises(KeyUnavailable):
        content_key(app, made[0].video.key_id)


def test_repeating_it_does_nothing(app):
    create(app, "a.mp4", protected=True)
    both = under(app, f"{NEW},{OLD}")
    assert rewrap(both) == (1, 0)
    rows = list(app.storage.keys.all())
    assert rewrap(both) == (0, 0)
    assert list(app.storage.keys.all()) == rows


def test_a_key_that_is_lost_does_not_stop_the_others(app):
    lost = create(under(app, _key("gone", 90)), "a.mp4", protected=True).video
    known = create(app, "a.mp4", protected=True).video
    assert rewrap(under(app, f"{NEW},{OLD}")) == (1, 1)
    assert {row.id: row.master for row in app.storage.keys.all()} == {lost.key_id: "gone", known.key_id: "new"}


def test_a_key_that_somebody_else_changes_meanwhile_is_left_to_them(app, monkeypatch):
    create(app, "a.mp4", protected=True)

    def taken(key):
        raise RowChanged("changed")

    monkeypatch.setattr(app.storage.keys, "put", taken)
    assert rewrap(under(app, f"{NEW},{OLD}")) == (0, 0)


def test_the_command_tells_what_it_did(app, monkeypatch, capsys):
    create(app, "a.mp4", protected=True)
    monkeypatch.setattr(command, "shared_app", lambda: under(app, f"{NEW},{OLD}"))
    assert command.main() == 0
    assert capsys.readouterr() == ("1 keys were wrapped under the current master key.\n", "")


def test_the_command_fails_for_a_lost_key_and_without_a_master_key(app, monkeypatch, capsys):
    create(app, "a.mp4", protected=True)
    monkeypatch.setattr(command, "shared_app", lambda: under(app, NEW))
    assert command.main() == 1
    assert "not configured" in capsys.readouterr().err
    monkeypatch.setattr(command, "shared_app", lambda: under(app, ""))
    assert command.main() == 1
    assert capsys.readouterr().err == "error: no key is configured\n"
