"""How much longer a content key takes to be delivered than the one table read that it costs: measured in pairs.

Run: python -m bench.keys [PAIRS]
"""

import statistics
import sys
import tempfile
from pathlib import Path
from uuid import UUID

import httpx

from bench.results import write_section
from bench.timing import in_turn
from client import Client
from connector.storage.azure import AzureStorage
from local.stack import Stack

PROJECT = Path(__file__).parent.parent
ALLOWED = 5.0
"""Milliseconds that a delivery may add to the read."""


def main(pairs: int) -> int:
    with tempfile.TemporaryDirectory() as data, Stack(PROJECT, Path(data), encoders=1) as stack:
        with Client(stack.api) as client, httpx.Client() as http:
            video = client.create("a.mp4", protect=True)
            key_id = UUID(video.key_id)
            headers = {"Authorization": f"Bearer {client.authorization_token(video.id)}"}
            storage = AzureStorage(stack.connection_string)

            def deliver() -> None:
                assert len(http.get(f"{stack.api}/Keys/{key_id}", headers=headers).content) == 16

            reads, deliveries = in_turn(pairs, lambda: storage.keys.get(key_id), deliver)
            storage.close()
    added = statistics.median(d - r for r, d in zip(reads, deliveries, strict=True))
    text = [
        f"`python -m bench.keys {pairs}`: `GET /Keys/{{id}}` on the local stack against the one table read it costs,",
        f"{pairs} pairs in turn, medians: read {statistics.median(reads):.2f} ms, delivery",
        f"{statistics.median(deliveries):.2f} ms, added **{added:.2f} ms** (allowed: {ALLOWED:.0f} ms).",
    ]
    write_section(PROJECT / "bench" / "RESULTS.md", "Key delivery against a table read", "\n".join(text))
    return int(added > ALLOWED)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
