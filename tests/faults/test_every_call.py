"""The faults reach every way in which the app uses storage and queues; a new one must be let in here, or explained."""

import json
from datetime import timedelta

import pytest

from connector.domain import ports, tables
from connector.domain.absence import Absence
from connector.domain.layout import UPLOADS
from connector.domain.video import new_id
from tests.faults.host import Host
from tests.faults.troubles import Trouble
from tests.faults.world import NEW

ELSEWHERE = {
    "blobs.read_uri": "makes an address for a GET, changes nothing",
    "blobs.container_uri": "makes an address for a GET, changes nothing",
    "blobs.container_query": "makes an address for a GET, changes nothing",
    "blobs.public_uri": "makes an address for a GET, changes nothing",
    "blobs.exists": "asked by a GET, changes nothing",
    "blobs.properties": "asked by a GET, changes nothing",
    "videos.page": "asked by a GET, changes nothing",
    "tasks.on_demand": "asked by a GET, changes nothing",
    "tasks.put_on_demand": "made by a GET, which counts a picture or says in the log that it could not",
    "keys.all": "used by the command that wraps all keys anew, which can be repeated",
}
"""What neither a publish nor a creation, a deletion or the timer uses."""


def _methods():
    found = {
        (tables.Videos, "videos"),
        (tables.Tasks, "tasks"),
        (tables.Keys, "keys"),
        (ports.Blobs, "blobs"),
    }
    names = {f"{name}.{method}" for port, name in found for method in vars(port) if not method.startswith("_")}
    # Closing a reader asks storage for nothing.
    return names | {"reader.read_at", "queue.send", "queue.delete"}


@pytest.mark.media
def test_every_call_is_reached_or_explained(make_scene, media):
    seen = set()
    for name in ("clear", "protected", "split"):
        scene = make_scene(name)
        media.upload = scene.upload
        host = Host(scene, Trouble(), media)
        host.insist("Videos", "POST", body=json.dumps(NEW).encode())
        host.insist("MarkComplete", "POST", scene.video.id)
        host.run(scene.video.id)
        host.insist("Video", "DELETE", scene.video.id)
        if name == "clear":
            host.storage.blobs.put(UPLOADS, scene.video.blob_name, b"late")
            # A row that is back: the note that it is missing is removed.
            restored = Absence(new_id(scene.video.created), scene.video.created, deleted=False)
            host.storage.videos.note_absence(restored)
            host.wait(timedelta(hours=9))
        seen |= set(host.trouble.calls)
    assert _methods() - set(ELSEWHERE) == seen
    assert set(ELSEWHERE) < _methods()
