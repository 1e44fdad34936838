"""Nothing that dies at any moment takes a video with it. `python -m bench.kill` is the same, longer."""

import os
import secrets
import signal

import pytest

from bench.kill import run
from tests.support.toy import Toy, until

pytestmark = [pytest.mark.media, pytest.mark.azurite]


def test_what_the_storage_has_confirmed_is_there_after_it_was_killed(tmp_path):
    with Toy(tmp_path, encoders=0, in_memory=False, env={"DURABLE": "true"}) as toy:
        container, queue = toy.blobs.create_container("some"), toy.queues.create_queue("some")
        for n in range(20):
            container.upload_blob(f"{n:02}", f"blob {n}".encode())
            queue.send_message(f"message {n}")
        taken = next(iter(queue.receive_messages(visibility_timeout=600)))
        killed = toy.stack.pids["azurite"]
        os.kill(killed, signal.SIGKILL)
        until(lambda: toy.stack.pids["azurite"] != killed, "the storage to be started again")
        stored = {blob.name: container.download_blob(blob.name).readall() for blob in container.list_blobs()}
        assert stored == {f"{n:02}": f"blob {n}".encode() for n in range(20)}
        assert len(queue.peek_messages(32)) == 19
        queue.delete_message(taken)  # whoever held it still does


@pytest.mark.timeout(900)
def test_videos_come_out_right_while_every_process_is_killed(tmp_path):
    """Each of the five is killed once, at a moment that KILL_SEED decides. Leases are short, so that nobody waits long
    for a message whose worker died before it had begun.
    """
    seed = int(os.environ.get("KILL_SEED") or secrets.randbelow(1_000_000))
    report = run(tmp_path, 3, seed, lengths=(3,), pauses=(0.5, 4), most=5, lease=20)
    assert not report.problems, f"KILL_SEED={seed}: {report.problems}"
    assert sorted(report.kills) == ["azurite", "encoder-1", "encoder-2", "host", "queues"]
