"""Whatever call to storage or queue goes wrong, and however: the video gets READY, and the same is published."""

import pytest

from connector.domain.video import State
from tests.faults.host import Host
from tests.faults.troubles import Kind, Trouble
from tests.faults.world import left, places


def _publish(scene, media, trouble, begin):
    host = Host(scene, trouble, media)
    begin(host, scene.video)
    host.run(scene.video.id)
    return host


def _by_client(host, video):
    assert host.insist("MarkComplete", "POST", video.id).status == 202


def _by_client_once(host, video):
    host.request("MarkComplete", "POST", video.id)


def _by_event(host, video):
    host.blob_event(video)


@pytest.mark.media
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", ["clear", "protected", "split"])
def test_any_call_may_fail(name, kind, make_scene, media):
    scene = make_scene(name)
    quiet = _undisturbed(scene, media)
    for at in range(1, len(quiet.trouble.calls) + 1):
        _check(scene, media, quiet, Trouble(kind, at), _by_client)


@pytest.mark.media
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("begin", [_by_client_once, _by_event], ids=["client gone", "event"])
def test_any_call_of_the_completion_may_fail(begin, kind, make_scene, media):
    scene = make_scene("clear")
    quiet = _undisturbed(scene, media)
    # Until the message that starts the probe is sent; with an event, that is deleted then.
    for at in range(1, quiet.trouble.calls.index("queue.send") + 3):
        _check(scene, media, quiet, Trouble(kind, at), begin)


def _undisturbed(scene, media):
    media.upload = scene.upload
    _publish(scene, media, Trouble(), _by_client)  # records what is new
    media.runs.clear()
    quiet = _publish(scene, media, Trouble(), _by_client)
    found = left(quiet.storage, scene.video.id)
    assert found["videos"][0].state is State.READY
    assert set(found["containers"]) == places(scene.video)
    assert quiet.moment == scene.video.created, "nothing had to wait"
    assert set(media.runs.values()) == {1}
    return quiet


def _check(scene, media, quiet, trouble, begin):
    media.runs.clear()
    host = _publish(scene, media, trouble, begin)
    assert trouble.happened
    assert left(host.storage, scene.video.id) == left(quiet.storage, scene.video.id), str(trouble)
    assert host.poisoned == 0
    attempts = {str(task.id): task.attempts for task in host.storage.tasks.of(scene.video.id)}
    for name, runs in media.runs.items():
        # Probe and storyboard keep no count.
        assert runs <= max(attempts.get(name, 0), 1) or name in {"probe-000000", "storyboard-000000"}, str(trouble)
        assert runs <= 2, str(trouble)
    assert sum(media.runs.values()) <= len(media.runs) + 1, f"one trouble costs one task: {trouble}"
