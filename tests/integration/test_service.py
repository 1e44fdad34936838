"""The clear scenario over HTTP, against the running service: what a web developer does, step by step."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import imageio_ffmpeg
import pytest

from client import ApiError
from connector.domain.layout import output_container, work_container
from connector.storage.azure import AzureStorage
from tests.conftest import PROJECT
from tests.support.publishing import FRAMES, numbered_source, publish, publish_numbered

pytestmark = [pytest.mark.media, pytest.mark.azurite]


@pytest.fixture(scope="module")
def published(client):
    return publish_numbered(client)


def test_progress_moves_and_every_step_has_its_timing(client, stack, published):
    moving = [p for p in published.progress if 0 < p < 100]
    assert published.progress == sorted(published.progress)
    assert len(set(moving)) > 1
    steps = httpx.get(f"{stack.api}/Videos/{published.id}/Status").json()["Steps"]
    assert {"Upload", "Probe", "Encode", "Package", "chunk-000000", "audio-000000"} <= {s["Name"] for s in steps}
    assert all(step["Finished"] and step["Seconds"] > 0 for step in steps)


def test_chunks_are_encoded_at_the_same_time_by_different_processes(stack, published):
    steps = httpx.get(f"{stack.api}/Videos/{published.id}/Status").json()["Steps"]
    tasks = [s for s in steps if s["Name"].startswith(("chunk", "audio"))]
    overlaps = [
        (a["Name"], b["Name"])
        for a in tasks
        for b in tasks
        if a["Name"] < b["Name"]
        and a["Worker"] != b["Worker"]
        and a["Started"] < b["Finished"]
        and b["Started"] < a["Finished"]
    ]
    assert [pair for pair in overlaps if all(name.startswith("chunk") for name in pair)]


@pytest.mark.parametrize("kind", ["HLS", "DASH", "Progressive"])
def test_ffmpeg_decodes_it_to_the_end_without_a_warning(published, kind):
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    reading = [ffmpeg, "-nostdin", "-v", "warning", "-i", published.urls[kind], "-map", "0", "-f", "null", "-"]
    done = subprocess.run(reading, capture_output=True, text=True, check=True, timeout=120)
    complaints = done.stderr.splitlines()
    if kind == "DASH":
        # It shifts only segments that have B-frames (see the README), and complains where others follow.
        complaints = [line for line in complaints if "non monotonically increasing dts" not in line]
    assert complaints == []
    counting = [ffmpeg, "-nostdin", "-hide_banner", "-i", published.urls[kind], "-map", "0:v:0", "-f", "null", "-"]
    counted = subprocess.run(counting, capture_output=True, text=True, check=True, timeout=120)
    assert re.findall(r"frame=\s*(\d+)", counted.stderr)[-1] == str(FRAMES)


def test_media_and_manifests_have_their_types_and_caching(published):
    master = published.urls["HLS"]
    playlist = httpx.get(master)
    assert playlist.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert "max-age=5" in playlist.headers["cache-control"]
    variant = next(line for line in playlist.text.splitlines() if line.startswith("video/"))
    media = httpx.get(f"{master.rpartition('/')[0]}/{variant}").text
    segment = next(line for line in media.splitlines() if line.endswith(".m4s"))
    answer = httpx.get(f"{master.rpartition('/')[0]}/{variant.rpartition('/')[0]}/{segment}")
    assert answer.headers["content-type"] == "video/mp4"
    assert "immutable" in answer.headers["cache-control"]
    assert httpx.get(published.urls["DASH"]).headers["content-type"] == "application/dash+xml"


def test_a_page_of_another_origin_may_upload_and_play(client, published):
    preflight = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-ms-blob-type,content-type",
    }
    uri = client.create("cors.mp4").upload_uri
    assert httpx.options(uri, headers=preflight).headers["access-control-allow-origin"]
    played = httpx.get(published.urls["HLS"], headers={"Origin": "https://app.example"})
    assert played.headers["access-control-allow-origin"]


def test_thumbnails_are_a_poster_and_an_indexed_set(client, published):
    listed = client.thumbnails(published.id)
    assert [t["Kind"] for t in listed] == ["Poster"] + ["Indexed"] * 10
    assert [t["Index"] for t in listed] == list(range(11))
    for thumbnail in listed:
        image = httpx.get(thumbnail["Url"])
        assert image.headers["content-type"] == "image/jpeg"
        assert image.content.startswith(b"\xff\xd8")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_plain_curl_can_do_the_whole_scenario(stack, client):
    def curl(*arguments: str) -> str:
        command = ["curl", "--silent", "--show-error", "--fail", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    body = '{"OriginalFileName": "my file.mp4"}'
    video = json.loads(curl("-H", "Content-Type: application/json", "-d", body, f"{stack.api}/Videos"))
    source = f"@{numbered_source()}"
    curl("-X", "PUT", "-H", "x-ms-blob-type: BlockBlob", "--data-binary", source, video["UploadUri"])
    curl("-X", "POST", "-d", "", f"{stack.api}/Videos/{video['Id']}/MarkComplete")
    final = list(client.watch(video["Id"], every=0.2))[-1]
    assert final.status == "Completed"
    for kind in ("HLS", "DASH", "Streaming", "Progressive"):
        answer = json.loads(curl(f"{stack.api}/Videos/{video['Id']}/PlaybackEndpoint?endpointType={kind}"))
        assert answer["Type"] == kind
        curl("--output", os.devnull, answer["PlaybackUrl"])


def test_without_mark_complete_the_blob_trigger_alone_publishes(client):
    _, seen = publish(client, numbered_source(), mark=False)
    assert seen[-1].status == "Completed"


def test_a_file_that_is_no_video_fails_with_a_reason(client, tmp_path):
    path = tmp_path / "letter.mp4"
    path.write_text("Dear all,\n" * 1000)
    video_id, seen = publish(client, path)
    assert seen[-1].status == "Failed"
    assert "video or audio" in seen[-1].message
    with pytest.raises(ApiError) as refused:
        client.playback_urls(video_id)
    assert refused.value.status == 403


def test_health_says_how_media_processes_are_confined(stack):
    found = httpx.get(f"{stack.api}/health").raise_for_status().json()
    assert found["Status"] == "Healthy"
    assert found["Confinement"].startswith("seccomp" if sys.platform == "linux" else "resource limits only")


def test_deleting_leaves_nothing(client, stack):
    video_id, _ = publish(client, numbered_source())
    master = client.playback_urls(video_id)["HLS"]
    client.delete(video_id)
    with pytest.raises(ApiError) as gone:
        client.get(video_id)
    assert gone.value.status == 404
    assert httpx.get(master).status_code in {
        403,
        404,
    }  # the emulator does not tell a missing container from a private one
    storage = AzureStorage(stack.connection_string)
    try:
        containers = {c.name for c in storage.blob_service.list_containers()}
        assert output_container(video_id) not in containers
        assert work_container(video_id) not in containers
        uploads = storage.blob_service.get_container_client("uploads")
        assert not list(uploads.list_blob_names(name_starts_with=video_id))
        for table in ("Videos", "Tasks"):
            rows = storage.table_service.get_table_client(table).list_entities()
            left = [row["PartitionKey"] for row in rows if video_id in json.dumps(dict(row), default=str)]
            assert left == (["absent"] if table == "Videos" else []), "a note says that it was deleted"
    finally:
        storage.close()


def test_http_answers_quickly_while_encoders_are_busy(client):
    video = client.create("busy.mp4")
    client.upload(video, numbered_source())
    client.mark_complete(video.id)
    answers = 0
    for status in client.watch(video.id, every=0.05):
        begin = time.monotonic()
        client.formats()
        # Far above what an answer takes, far below what a chunk takes.
        assert time.monotonic() - begin < 2
        answers += status.status == "Processing"
    assert answers > 5


def test_the_demo_ends_with_an_error_for_a_wrong_file(tmp_path):
    wrong = tmp_path / "wrong.mp4"
    wrong.write_text("not a video")
    ports = dict.fromkeys(("PORT", "BLOB_PORT", "QUEUE_PORT", "TABLE_PORT"), "0")
    done = subprocess.run(
        [sys.executable, "-m", "local.demo", str(wrong)],
        cwd=PROJECT,
        env={**os.environ, **ports, "DATA_DIR": str(tmp_path / "data"), "ENCODERS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "could not be published" in done.stdout


def test_the_demo_names_a_file_that_is_missing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "local.demo", str(tmp_path / "missing.mp4")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "There is no file" in done.stdout


def test_a_port_that_is_taken_is_named(stack, tmp_path):
    port = httpx.URL(stack.api).port
    done = subprocess.run(
        [sys.executable, "-m", "local"],
        cwd=PROJECT,
        env={**os.environ, "PORT": str(port), "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert "PORT" in done.stderr
    assert Path(tmp_path, "stack.json").exists() is False
