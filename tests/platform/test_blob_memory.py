"""An upload of any size costs the process that answers its event no memory: of the blob only the name is sent."""

import shutil
from pathlib import Path

import pytest
from azure.storage.blob import BlobBlock, BlobClient

from client import Client
from local.stack import Stack
from tests.conftest import PROJECT
from tests.media.cache import cached
from tests.media.sources import Video, numbered

pytestmark = [pytest.mark.media, pytest.mark.azurite]

MB, MIB, GIB = 1_000_000, 1 << 20, 1 << 30
MOST = 20 * MB
"""So much more a large upload's event may take than a small one's."""


def short_video() -> Path:
    video = Video(frames=25, size=(320, 180))
    return cached("memory.mp4", lambda path: numbered(path, video), video)


def upload(url: str, size: int) -> None:
    """The short video and a `free` box that fills it up to about `size`. Its blocks of zeros are one, named often."""
    step = 16 * MIB
    content = short_video().read_bytes()
    count = max(1, size // step)
    padding = min(step, size) * count
    content += (padding + 8).to_bytes(4, "big") + b"free"
    with BlobClient.from_blob_url(url) as blob:
        blob.stage_block("a", content)
        blob.stage_block("b", bytes(min(step, size)))
        blob.commit_block_list([BlobBlock("a"), *[BlobBlock("b")] * count])


def resident(pid: int, field: str) -> int:
    """`VmRSS` (now) or `VmHWM` (the most so far) of a process, in bytes."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) * 1024


def growth(stack: Stack, client: Client, size: int) -> tuple[int, str]:
    """Bytes by which the host's memory grew at most while its event was answered, and the video's id."""
    pid = stack.pids["host"]
    video = client.create("padded.mp4")
    before = resident(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # VmHWM begins anew
    upload(str(video.upload_uri), size)
    next(status for status in client.watch(video.id, every=0.2) if status.status != "AwaitingUpload")
    assert stack.pids["host"] == pid
    return resident(pid, "VmHWM") - before, video.id


def excess(app: Path, folder: Path, size: int) -> int:
    """How much more the event of an upload of `size` takes than that of one of 1 MB, in the same process."""
    quick = {"ENCODER_PRESET": "ultrafast", "SWEEP_SCHEDULE": "0 0 0 29 2 *"}
    with Stack(app, folder / "data", encoders=1, env=quick, in_memory=False) as stack, Client(stack.api) as client:
        growth(stack, client, MB)  # the first upload loads code
        small, _ = growth(stack, client, MB)
        large, video_id = growth(stack, client, size)
        assert list(client.watch(video_id, every=0.2))[-1].status == "Completed"
    return large - small


def test_the_event_of_an_upload_of_1_gib_takes_no_more_memory_than_that_of_1_mb(tmp_path):
    assert excess(PROJECT, tmp_path, GIB) < MOST


def test_with_microsofts_stream_in_place_of_the_name_it_takes_the_whole_blob(tmp_path):
    """The measure above can tell: the same app, but for the type of that one parameter."""
    source = (PROJECT / "function_app.py").read_text()
    stream = source.replace("blob: BlobName", "blob: func.InputStream").replace(
        'f"{blob.container}/{blob.name}"', "blob.name"
    )
    assert stream.count("InputStream") == 1
    assert "blob.container" not in stream
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text(stream)
    shutil.copy(PROJECT / "host.json", app)
    assert excess(app, tmp_path, 200 * MB) > MOST
