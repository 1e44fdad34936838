"""What somebody put into a queue and nobody can read: it is gone soon, said in the log once, and quoted nowhere."""

import base64

import pytest
from azure.storage.queue import QueueServiceClient

from tests.support.toy import until

pytestmark = pytest.mark.azurite

SECRET = "hunter2-in-a-queue"
GARBAGE = {
    "plain text": SECRET,
    "JSON of somebody else": f'{{"Id": "{SECRET}", "DequeueCount": 42}}',
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 of what is no text": base64.b64encode(b"\xff\xfe" + SECRET.encode()).decode(),
    "one of ours that is not quite right": f'{{"version": 1, "step": "{SECRET}", "video_id": "x"}}',
}


def test_garbage_in_a_poison_queue_is_buried(stack):
    before = stack.log.read_text().count("not one of ours")
    with QueueServiceClient.from_connection_string(stack.connection_string) as queues:
        places = [queues.get_queue_client(f"{queue}-poison") for queue in ("advance", "encode")]
        for place in places:
            for text in GARBAGE.values():
                place.send_message(text)
        # Counted with those that are hidden: a message that failed there would be hidden for ten minutes.
        until(
            lambda: all(not place.get_queue_properties().approximate_message_count for place in places),
            "the queues to be empty",
        )
    log = stack.log.read_text()
    assert log.count("not one of ours") - before == len(places) * len(GARBAGE)
    for text in (SECRET, base64.b64encode(SECRET.encode()).decode()[:16]):
        assert text not in log
