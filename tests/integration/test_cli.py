"""The command line against the running service, as people and scripts use it."""

import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from client import ApiError
from client.upload import BLOCK
from tests.conftest import PROJECT
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import Video, numbered
from tests.support.gate import Seen, gate

pytestmark = [pytest.mark.media, pytest.mark.azurite]

SOURCE = Video(frames=50, size=(320, 240))
BLOCKS = 6
UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


def source() -> Path:
    return cached("cli.mp4", partial(numbered, video=SOURCE, audio=Audio()), SOURCE)


@pytest.fixture
def clip(tmp_path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(source().read_bytes())
    return path


@pytest.fixture
def large(clip) -> Path:
    """The same video in a file of several blocks, the last of which is not whole."""
    padding = BLOCKS * BLOCK - clip.stat().st_size - 1000
    with clip.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(struct.pack(">I4s", padding, b"free"))
        file.truncate(file.tell() + padding - 8)
    return clip


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Cli:
    """`python -m client` with a state folder of its own."""

    def __init__(self, api: str, folder: Path) -> None:
        self.state = folder / "state"
        self.folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("VIDEO_API")},
            "VIDEO_API": api,
            "XDG_STATE_HOME": str(self.state),
            "PYTHONPATH": str(PROJECT),
        }

    def start(self, *words: object, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "client", *map(str, words)],
            cwd=self.folder,
            env={**self._environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell makes what it runs in the background ignore Ctrl-C, and these tests, and so on.
            preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 - it only sets a signal
        )

    def __call__(
        self, *words: object, env: Mapping[str, str] | None = None, status: int = 0
    ) -> subprocess.CompletedProcess[str]:
        with self.start(*words, env=env) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == status, out + err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def interrupt(self, *words: object, when: Callable[[], bool], env: Mapping[str, str]) -> str:
        """Ctrl-C as soon as `when` says so; what it wrote to stderr."""
        with self.start(*words, env=env) as process:
            while not when():
                assert process.poll() is None, process.communicate()
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert process.returncode == 130, out + err
        return err

    def journals(self) -> list[Path]:
        return sorted(self.state.rglob("*.journal"))

    def remembered(self) -> list[str]:
        """Ids of the videos whose uploads can be continued."""
        return [json.loads(path.read_text().splitlines()[0])["video"] for path in self.journals()]


@pytest.fixture
def cli(stack, tmp_path) -> Cli:
    return Cli(stack.api, tmp_path)


def objects(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def after(blocks: int) -> Callable[[Seen], bool]:
    """Holds every block back but the first ones."""
    passed = set()

    def hold(seen: Seen) -> bool:
        if seen.block is not None and len(passed) < blocks:
            passed.add(seen.block)
        return seen.block is not None and seen.block not in passed

    return hold


def test_two_files_are_published_protected_with_one_object_each(cli, client, clip):
    other = clip.with_name("other.MOV")
    other.write_bytes(clip.read_bytes())
    done = cli(
        "publish", clip, other, "--protect", "--wait", "--json", "--title", "Sea [1]", "--tag", "a", "--tag", "b"
    )
    made = objects(done.stdout)
    assert [one["File"] for one in made] == [str(clip), str(other)]
    assert [(one["Status"], one["ContentProtectionMode"]) for one in made] == [("Completed", "AES128")] * 2
    assert len({one["Id"] for one in made}) == 2
    video = client.get(made[1]["Id"])
    assert (video.file_name, video.title, video.tags, video.status) == ("other.MOV", "Sea [1]", ("a", "b"), "Completed")
    assert "Uploading clip.mp4: 100 %" in done.stderr
    assert "Encoding other.MOV: 100 %" in done.stderr
    assert cli.journals() == []


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
def test_after_ctrl_c_the_same_command_sends_only_the_missing_blocks(cli, client, large, tmp_path, encrypted):
    words = ("publish", large, "--json", *(["--encrypt-upload"] if encrypted else []))

    def confirmed() -> int:
        return sum(len(path.read_text().splitlines()) - 1 for path in cli.journals())

    with gate(after(3)) as first:
        said = cli.interrupt(*words, when=lambda: confirmed() == 3 and first.held.is_set(), env=first.environment)
    assert "The same command continues" in said
    assert [oct(path.stat().st_mode & 0o777) for path in cli.journals()] == ["0o600"]
    with gate() as second:
        done = cli(*words, env=second.environment)
    assert "continuing" in done.stderr
    assert len(second.blocks) == BLOCKS - 3
    assert len({*first.blocks, *second.blocks}) == BLOCKS
    [made] = objects(done.stdout)
    assert made["Status"] == "Completed"
    assert made["Size"] == large.stat().st_size
    if not encrypted:
        got = tmp_path / "got.mp4"
        client.download(made["Id"], got)
        assert hashlib.sha256(got.read_bytes()).digest() == hashlib.sha256(large.read_bytes()).digest()
    assert cli.journals() == []


def test_after_ctrl_c_during_the_encode_the_same_command_waits_for_the_same_video(cli, clip):
    words = ("publish", clip, "--json")
    with gate(lambda seen: seen.url.path.endswith("/Status")) as first:
        cli.interrupt(*words, when=first.held.is_set, env=first.environment)
    begun = cli.remembered()
    with gate() as second:
        [made] = objects(cli(*words, env=second.environment).stdout)
    assert [made["Id"]] == begun
    assert made["Status"] == "Completed"
    assert second.blocks == []


def test_an_upload_whose_video_was_deleted_begins_anew(cli, client, large):
    with gate(after(1)) as first:
        cli.interrupt("publish", large, "--no-wait", when=lambda: len(first.blocks) == 1, env=first.environment)
    [gone] = cli.remembered()
    client.delete(gone)
    [made] = objects(cli("publish", large, "--no-wait", "--json").stdout)
    assert made["Id"] != gone


def test_one_wrong_file_does_not_stop_the_others(cli, clip, tmp_path):
    letter, empty = tmp_path / "letter.txt", tmp_path / "empty.mp4"
    letter.write_text("Dear all,")
    empty.touch()
    done = cli("publish", tmp_path / "missing.mp4", letter, empty, clip, "--no-wait", "--json", status=1)
    missing, refused, nothing, made = objects(done.stdout)
    assert "There is no file" in missing["Error"]
    assert "extension" in refused["Error"]
    assert "client formats" in done.stderr
    assert "is empty" in nothing["Error"]
    assert made["File"] == str(clip)
    assert made["Status"] in {"Processing", "Completed"}


def test_a_file_whose_name_is_no_text_is_published_too(cli, clip):
    odd = clip.rename(clip.parent / os.fsdecode(b"holi\xffday \xe2\x98\x80.mp4"))
    [made] = objects(cli("publish", odd, "--no-wait", "--json").stdout)
    assert made["FileName"] == "holi?day ☀.mp4"
    assert made["File"] == str(odd)


def test_a_file_over_the_limit_is_refused_before_it_is_sent(cli, tmp_path):
    huge = tmp_path / "huge.mp4"
    with huge.open("wb") as file:
        file.truncate(257 * 10**9)
    done = cli("publish", huge, "--json", status=1)
    assert "Error" in objects(done.stdout)[0]
    assert "Upload a smaller file" in done.stderr
    assert "Uploading" not in done.stderr


def test_a_file_that_is_no_video_fails_with_its_reason(cli, tmp_path):
    letter = tmp_path / "letter.mp4"
    letter.write_text("Dear all,\n" * 1000)
    done = cli("publish", letter, "--json", status=1)
    [failed] = objects(done.stdout)
    assert "video or audio" in failed["Error"]
    assert f"client delete {failed['Id']}" in done.stderr
    assert cli.journals() == []
    assert json.loads(cli("status", failed["Id"], "--json", status=1).stdout)["Error"]["Code"] == "UnreadableMedia"
    assert cli("show", failed["Id"]).stdout.count("Failed") == 1


def test_an_api_that_cannot_be_reached_is_named(tmp_path, clip):
    with socket.socket() as nobody:  # bound, but nobody listens
        nobody.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{nobody.getsockname()[1]}/api"
        done = Cli(api, tmp_path)("publish", clip, status=3)
    assert f"{api.removesuffix('/api')} cannot be reached" in done.stderr
    assert "VIDEO_API" in done.stderr


@pytest.mark.parametrize("command", ["show", "status", "play", "download"])
def test_an_unknown_id_is_told_from_a_malformed_one(cli, command):
    assert "client list" in cli(command, UNKNOWN, status=1).stderr
    assert "is no id of a video" in cli(command, "holiday", status=2).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "required: COMMAND"),
        (("publish",), "FILE"),
        (("list", "--limit", "0"), "not a number"),
        (("--api", "example.org", "list"), "no address"),
    ],
    ids=["nothing", "no-file", "no-limit", "no-address"],
)
def test_a_wrong_command_line_has_an_exit_status_of_its_own(cli, words, said):
    assert said in cli(*words, status=2).stderr


def test_videos_are_listed_shown_and_deleted(cli, client):
    tag = uuid.uuid4().hex
    ids = [client.create(f"{n}.mp4", title=f"Title {n}", tags=[tag]).id for n in range(3)]
    newest_first = ids[::-1]
    assert [one["Id"] for one in objects(cli("list", "--tag", tag, "--json").stdout)] == newest_first
    some = cli("list", "--tag", tag, "--limit", "2")
    assert [line.split("\t")[0] for line in some.stdout.splitlines()] == newest_first[:2]
    assert "more than 2" in some.stderr
    assert objects(cli("list", "--tag", tag, "--name", "1.", "--json").stdout)[0]["Title"] == "Title 1"
    assert cli("list", "--tag", tag, "--status", "Failed").stdout == ""
    shown = cli("show", ids[0])
    assert "Title 0" in shown.stdout
    assert "sig=" not in shown.stdout  # the upload address is for those who upload
    assert "Add --yes" in cli("delete", *ids, status=2).stderr
    client.delete(ids[1])
    done = cli("delete", *ids, "--yes", status=1)
    assert done.stdout.split() == [ids[0], ids[2]]
    assert f"{ids[1]}: There is no video" in done.stderr
    assert cli("list", "--tag", tag).stdout == ""


def test_what_was_uploaded_can_be_downloaded_and_overwrites_nothing(cli, clip, tmp_path):
    key, token = "a-functions-key", "a-bearer-token"
    credentials = {"VIDEO_API_KEY": key, "VIDEO_API_TOKEN": token}
    here = clip.rename(tmp_path / "source.mp4")
    with gate() as seen:
        env = {**seen.environment, **credentials}
        published = cli("publish", here, "--json", "--no-wait", env=env)
        video_id = objects(published.stdout)[0]["Id"]
        (tmp_path / "source.mp4").rename(tmp_path / "kept.mp4")
        got = cli("download", video_id, env=env)
    assert got.stdout.strip() == "source.mp4"
    assert here.read_bytes() == (tmp_path / "kept.mp4").read_bytes()
    assert "exists already" in cli("download", video_id, status=1).stderr
    # Credentials are for the API, not for storage, and addresses that carry signatures are for nobody to read.
    storage = [one for one in seen.passed if "sig" in one.url.params]
    assert {one.method for one in storage} == {"PUT", "GET"}
    assert not [one for one in storage if {"x-functions-key", "authorization"} & one.headers.keys()]
    others = [one.headers for one in seen.passed if one not in storage]
    assert {(one["x-functions-key"], one["authorization"]) for one in others} == {(key, f"Bearer {token}")}
    said = published.stdout + published.stderr + got.stdout + got.stderr
    assert not [secret for secret in (key, token, "sig=") if secret in said]


def test_play_opens_the_page_of_the_video(cli, client, stack, tmp_path):
    video = client.create("a.mp4")
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o755)
    address = f"{stack.api}/portal/#{video.id}"
    assert cli("play", video.id, env={"BROWSER": f"{browser} %s"}).stdout.strip() == address
    assert opened.read_text() == address


def test_the_status_is_watched_until_it_is_final(cli, clip):
    [made] = objects(cli("publish", clip, "--no-wait", "--json").stdout)
    found = objects(cli("status", made["Id"], "--watch", "--json").stdout)
    assert [(one["Status"], one["Progress"]) for one in found] == [("Completed", 100)]
    shown = json.loads(cli("show", made["Id"], "--json").stdout)
    assert set(shown["PlaybackUrls"]) == {"HLS", "DASH", "Streaming", "Progressive"}


def test_formats_are_those_of_the_api(cli, client):
    assert objects(cli("formats", "--json").stdout) == client.formats()
    assert "mp4\tvideo/mp4" in cli("formats").stdout.splitlines()


def test_pages_follow_one_another_and_changes_are_not_lost(client):
    tag = uuid.uuid4().hex
    ids = [client.create(f"{n}.mp4", tags=[tag]).id for n in range(5)]
    assert [video.id for video in client.videos(tag=tag, top=2)] == ids[::-1]
    video = client.get(ids[0])
    client.update(video, title="One", metadata={"camera": "b"})
    assert (client.get(ids[0]).title, client.get(ids[0]).tags) == ("One", (tag,))
    with pytest.raises(ApiError) as stale:
        client.update(video, title="Two")
    assert stale.value.status == 412
    client.update(video, title="Two", overwrite=True)
    assert client.get(ids[0]).title == "Two"
