"""One function per command; each answers its exit status. Results go to stdout, progress and errors to stderr."""

import json
import os
import sys
import webbrowser
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path, PureWindowsPath
from typing import Any

from client.api import EARLY_ENDPOINTS, ENDPOINTS, PAGE, Client
from client.cli.display import Display, plain
from client.cli.results import FAILED, OK, WRONG_USE, Results, print_json, print_table
from client.errors import FileError, Unreachable
from client.journal import Journals, folder
from client.models import Status, Video
from client.publish import Publication, Uploaded, Wishes

Command = Callable[[Client, Namespace, Display], int]


def publish(client: Client, given: Namespace, display: Display) -> int:
    try:
        return _publish(client, given, display)
    except KeyboardInterrupt:
        display.note("The same command continues where this one was.")
        raise


def _publish(client: Client, given: Namespace, display: Display) -> int:
    """All are uploaded before any is waited for, so that encoding goes on meanwhile."""
    wishes = Wishes(given.protect, given.encrypt_upload, given.title, tuple(given.tags))
    journals = Journals(folder(os.environ))
    results = Results(display, given.json)
    uploaded: list[tuple[Path, Uploaded]] = []
    for path in given.files:
        with results.of(File=str(path)):
            one = _upload(Publication(client, path, wishes, journals), display)
            uploaded.append((path, one))
            display.note(f"{plain(path.name)} is uploaded: {one.video_id}")
    finished = []
    for path, one in uploaded:
        with results.of(File=str(path), Id=one.video_id):
            if given.wait:
                early = f"{plain(path.name)} can be watched already: {_page(client, one.video_id)}"
                with display.percent(f"Encoding {path.name}") as bar:
                    one.wait(bar, partial(display.note, early))
            video = client.get(one.video_id)
            finished.append(one)
            results.tell({"File": str(path), **video.public}, f"{video.id}\t{video.status}\t{plain(path.name)}")
    # Not before: after Ctrl-C the same command must know also those files that it had finished.
    for one in finished:
        one.forget()
    return results.exit_status


def _upload(publication: Publication, display: Display) -> Uploaded:
    name, size = publication.source.path.name, publication.source.size
    if publication.continued:
        display.note(f"{plain(name)}: continuing where it broke off")
    try:
        with display.bytes(f"Uploading {name}") as bar:
            return publication.upload(lambda sent: bar(sent, size))
    except Unreachable:
        if publication.continued:
            display.note(f"{plain(name)}: the same command continues the upload.")
        raise


def list_videos(client: Client, given: Namespace, display: Display) -> int:
    top = min(PAGE, given.limit + 1)
    found = client.videos(status=given.status, tag=given.tag, name_prefix=given.name, top=top)
    videos = list(islice(found, given.limit))
    if given.json:
        for video in videos:
            print_json(video.public)
    else:
        print_table(("Id", "Status", "Seconds", "Size", "Name", "Title"), map(_row, videos))
    if next(found, None) is not None:
        display.note(f"There are more than {given.limit}: --limit N shows more.")
    return OK


def _row(video: Video) -> tuple[str, ...]:
    size = f"{video.width}x{video.height}" if video.width else "-"
    return video.id, video.status, str(video.duration), size, plain(video.file_name), plain(video.title)


def show(client: Client, given: Namespace, display: Display) -> int:  # noqa: ARG001 - one shape for all
    video = client.get(given.id)
    early = video.status == "Processing" and client.status(video.id).playable
    kinds = EARLY_ENDPOINTS if early else [kind for kind in ENDPOINTS if not (video.key_id and kind == "Progressive")]
    playable = early or video.status == "Completed"
    urls = client.playback_urls(video.id, kinds, early=early) if playable else {}
    facts = {**video.public, "PlaybackUrls": urls}
    if given.json:
        print_json(facts)
        return OK
    width = max(map(len, facts))
    for name, value in {**video.public, **urls}.items():
        if value not in (None, "", [], {}):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            print(f"{name:<{width}}  {plain(text)}")
    return OK


def status(client: Client, given: Namespace, display: Display) -> int:
    if given.watch:
        with display.percent("Encoding") as bar:
            for found in client.watch(given.id):
                bar(found.progress)
    else:
        found = client.status(given.id)
    if given.json:
        print_json({"Id": given.id, **_status(found)})
    else:
        print(f"{found.status}\t{found.progress} %\t{plain(found.message)}")
    return FAILED if found.status == "Failed" else OK


def _status(found: Status) -> dict[str, Any]:
    error = {"Code": found.code, "Message": found.message} if found.status == "Failed" else None
    return {
        "Status": found.status,
        "Message": found.message,
        "Progress": found.progress,
        "Playable": found.playable,
        "Error": error,
    }


def _page(client: Client, video_id: str) -> str:
    return f"{client.base}/portal/#{video_id}"


def play(client: Client, given: Namespace, display: Display) -> int:
    address = _page(client, client.get(given.id).id)
    print(address, flush=True)
    if not webbrowser.open(address):
        display.failure("No browser could be opened.", "Open the address above in one.")
        return FAILED
    return OK


def download(client: Client, given: Namespace, display: Display) -> int:
    video = client.get(given.id)
    path = given.file or _own_name(video)
    with display.bytes(f"Downloading {path.name}") as bar:
        client.download(video.id, path, bar)
    print(path)
    if video.encrypted_upload:
        display.note("It was uploaded encrypted and is encrypted still: only its sender had the key.")
    return OK


def _own_name(video: Video) -> Path:
    """Of a file in this folder, wherever the uploader's was."""
    name = plain(PureWindowsPath(video.file_name).name)
    if name in {"", ".", ".."} or name.startswith("."):
        raise FileError("The video's own name is of no use here.", "Name the file: download ID FILE.")
    return Path(name)


def delete(client: Client, given: Namespace, display: Display) -> int:
    if not given.yes:
        if not sys.stdin.isatty():
            display.failure("Nothing was deleted: nobody can be asked.", "Add --yes to delete without asking.")
            return WRONG_USE
        print(*given.ids, sep="\n", file=sys.stderr)
        if input("Delete all that is stored for them? [y/N] ").strip().lower() not in {"y", "yes"}:
            display.note("Nothing was deleted.")
            return FAILED
    results = Results(display, as_json=False)
    for video_id in given.ids:
        with results.of(Id=video_id):
            client.delete(video_id)
            print(video_id)
    return results.exit_status


def formats(client: Client, given: Namespace, display: Display) -> int:  # noqa: ARG001 - one shape for all
    found = client.formats()
    if given.json:
        for one in found:
            print_json(one)
    else:
        print_table(("Extension", "Type"), ((one["Extension"], one["MimeType"]) for one in found))
    return OK
