"""Media processes that somebody kills: real ones, while videos wait. A fault of the machine is not the file's."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from uuid import UUID

import pytest

from connector.domain.layout import UPLOADS
from connector.domain.video import State
from connector.errors import TaskLost
from tests.faults.host import Host
from tests.faults.troubles import Kind, Trouble
from tests.faults.world import left
from tests.support.apps import SANDBOX
from tests.support.media_jobs import children, end_idle

pytestmark = pytest.mark.media


@contextmanager
def _killing(most: int) -> Iterator[list[int]]:
    """Kills every media process of this process, until there were so many. Yields their ids, as far as it has come."""
    killed: list[int] = []
    over = Event()

    def kill() -> None:
        while len(killed) < most and not over.wait(0.002):
            for pid in set(children()) - set(killed):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    end_idle()
    thread = Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def test_videos_are_published_although_every_media_process_was_killed_for_a_while(make_scene):
    scene = make_scene("clear")
    host = Host(scene, Trouble(), SANDBOX)
    upload = host.storage.blobs.get(UPLOADS, scene.video.blob_name)
    videos = [scene.video.id]
    for _ in range(2):
        answer = host.insist("Videos", "POST", body=json.dumps({"OriginalFileName": "other.mp4"}).encode())
        video = host.storage.videos.get(UUID(answer.body["Id"]))
        host.storage.blobs.put(UPLOADS, video.blob_name, upload)
        videos.append(video.id)
    for video_id in videos:
        host.insist("MarkComplete", "POST", video_id)
    with _killing(20) as killed:
        for video_id in videos:
            host.run(video_id)
    assert len(killed) > 10, "enough to end a video if each counted"
    assert [host.storage.videos.get(video_id).state for video_id in videos] == [State.READY] * 3
    assert {task.failures for video_id in videos for task in host.storage.tasks.of(video_id)} == {0}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("job", ["probe-000000", "chunk-000001", "storyboard-000000"])
def test_what_waits_for_the_timer_is_not_lost_whatever_happens_to_the_poison_message(job, kind, make_scene, media):
    scene = make_scene("clear")
    media.upload = scene.upload
    quiet = _completed(scene, media)
    quiet.run(scene.video.id)
    media.runs.clear()

    def kill(name):
        if name == job and media.runs[job] <= 5:
            raise TaskLost("the media process ended with signal SIGKILL")

    media.before = kill
    poisoned = _completed(scene, media)
    poisoned.run(scene.video.id, lambda: poisoned.poisoned == 1)
    for at in range(1, 15):
        host = poisoned.copy(Trouble(kind, at))
        host.run(scene.video.id)
        assert left(host.storage, scene.video.id) == left(quiet.storage, scene.video.id), str(host.trouble)


def _completed(scene, media):
    host = Host(scene, Trouble(), media)
    host.insist("MarkComplete", "POST", scene.video.id)
    return host
