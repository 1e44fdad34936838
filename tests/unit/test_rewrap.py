"""Rotating the master key: every stored key under the new one, then the old one can go."""

import base64
from dataclasses import replace

import pytest

from connector import rewrap as command
from connector.api.app import App
from connector.errors import KeyUnavailable, RowChanged
from connector.pipeline.create import create
from connector.pipeline.keys import content_key, upload_key
from connector.rewrap import check, rewrap
from connector.security.master import KeyRing
from tests.support.apps import KEYS, memory_app


def _key(name: str, first: int) -> str:
    return f"{name}:{base64.b64encode(bytes(range(first, first + 32))).decode()}"


OLD, NEW = _key("old", 0), _key("new", 50)
OTHER = _key("old", 90)
"""Another key under the id of the old one."""


def counts(found):
    return found.wrapped, len(found.lost)


def under(app: App, keys: str) -> App:
    """The same data, started with other master keys."""
    return replace(app, master_keys=KeyRing.parse(keys))


@pytest.fixture
def app():
    return memory_app(**{**KEYS, "master_keys": OLD})


def test_keys_stay_what_they_are_and_the_old_master_key_can_go(app):
    made = [create(app, "a.mp4", protected=True, encrypted_upload=True) for _ in range(3)]
    before = [content_key(app, m.video.key_id) for m in made]
    assert counts(rewrap(under(app, f"{NEW},{OLD}"))) == (6, 0)
    after = under(app, NEW)
    assert [content_key(after, m.video.key_id) for m in made] == before
    assert [upload_key(after, m.video.upload_key_id) for m in made] == [m.upload_key for m in made]
    with pytest.raises(KeyUnavailable):
        content_key(app, made[0].video.key_id)


def test_repeating_it_does_nothing(app):
    create(app, "a.mp4", protected=True)
    both = under(app, f"{NEW},{OLD}")
    assert counts(rewrap(both)) == (1, 0)
    rows = list(app.storage.keys.all())
    assert counts(rewrap(both)) == (0, 0)
    assert list(app.storage.keys.all()) == rows


def test_a_key_that_is_lost_does_not_stop_the_others(app):
    lost = create(under(app, _key("gone", 90)), "a.mp4", protected=True).video
    known = create(app, "a.mp4", protected=True).video
    assert counts(rewrap(under(app, f"{NEW},{OLD}"))) == (1, 1)
    assert {row.id: row.master for row in app.storage.keys.all()} == {lost.key_id: "gone", known.key_id: "new"}


def test_a_key_that_somebody_else_changes_meanwhile_is_left_to_them(app, monkeypatch):
    create(app, "a.mp4", protected=True)

    def taken(key):
        raise RowChanged("changed")

    monkeypatch.setattr(app.storage.keys, "put", taken)
    assert counts(rewrap(under(app, f"{NEW},{OLD}"))) == (0, 0)


@pytest.mark.parametrize("ring", [OTHER, f"{NEW},{OTHER}"], ids=["current", "older"])
def test_another_key_under_the_same_id_is_noticed_and_nothing_is_overwritten(app, ring):
    video = create(app, "a.mp4", protected=True).video
    rows = list(app.storage.keys.all())
    for command_ in (check, rewrap):
        found = command_(under(app, ring))
        assert (found.lost, found.wrapped, found.status) == ([video.key_id], 0, 1)
    assert list(app.storage.keys.all()) == rows


def test_a_check_unwraps_every_key_and_changes_nothing(app):
    create(app, "a.mp4", protected=True, encrypted_upload=True)
    create(under(app, NEW), "a.mp4", protected=True)
    rows = list(app.storage.keys.all())
    found = check(under(app, f"{NEW},{OLD}"))
    assert (dict(found.masters), found.lost, found.needed, found.status) == ({"old": 2, "new": 1}, [], ["old"], 2)
    assert list(app.storage.keys.all()) == rows


def test_a_rotation_loses_no_key_though_an_instance_with_the_old_keys_is_alive(app):
    both, new, old_instance = under(app, f"{NEW},{OLD}"), under(app, NEW), app
    made = [create(app, "a.mp4", protected=True).video]
    assert rewrap(both).status == 0
    made.append(create(old_instance, "a.mp4", protected=True).video)
    assert check(both).status == 2, "the old key is needed again"
    assert rewrap(both).status == 0
    assert check(both).status == 0
    assert [len(content_key(new, video.key_id)) for video in made] == [16, 16]


def test_the_command_tells_what_it_did(app, monkeypatch, capsys):
    create(app, "a.mp4", protected=True)
    monkeypatch.setattr(command, "shared_app", lambda: under(app, f"{NEW},{OLD}"))
    assert command.main(["--check"]) == 2
    assert capsys.readouterr() == ("1 keys are wrapped under the master key old (still needed).\n", "")
    assert command.main([]) == 0
    assert capsys.readouterr().out.startswith(
        "1 keys were wrapped under the current master key.\n1 keys are wrapped under the master key new (current).\n"
    )
    assert command.main(["--check"]) == 0
    assert "Older master keys can go" in capsys.readouterr().out


def test_the_command_fails_for_a_lost_key_and_without_a_master_key(app, monkeypatch, capsys):
    video = create(app, "a.mp4", protected=True).video
    monkeypatch.setattr(command, "shared_app", lambda: under(app, NEW))
    for arguments in ([], ["--check"]):
        assert command.main(arguments) == 1
        assert f"1 keys cannot be unwrapped: {video.key_id}." in capsys.readouterr().err
    monkeypatch.setattr(command, "shared_app", lambda: under(app, ""))
    assert command.main([]) == 1
    assert capsys.readouterr().err == "error: no key is configured\n"
