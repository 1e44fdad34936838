"""What the host hands to the blob trigger: JSON that names a container and a blob."""

import json
from collections.abc import Iterator
from types import SimpleNamespace

from connector.blob_trigger import BlobName, BlobNameConverter
from connector.pipeline.complete import complete_by_name
from tests.fuzz.target import Target
from tests.fuzz.world import world


def _run(data: bytes) -> None:
    here = world()
    content = here.filled(data).decode("utf-8", "surrogateescape")
    event = SimpleNamespace(type="model_binding_data", value=SimpleNamespace(content=content))
    blob = BlobNameConverter.decode(event, trigger_metadata={}, pytype=BlobName)
    try:
        complete_by_name(here.app, f"{blob.container}/{blob.name}")
    finally:
        here.restore()


def _seeds() -> Iterator[bytes]:
    for container, name in (
        ("uploads", "{waiting}/{waiting}.mp4"),
        ("uploads", "{ready}/{ready}.mp4"),
        ("uploads", "01a20000-0000-7000-8000-000000000000/a.mp4"),
        ("video-{ready}", "master.m3u8"),
        ("uploads", "a"),
    ):
        yield json.dumps({"ContainerName": container, "BlobName": name}).encode()


TARGET = Target(_run, _seeds, (ValueError,), (b"{waiting}", b"{ready}", b"uploads"), json=True)
