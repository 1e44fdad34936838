"""Each command is a function that returns its exit status. Results go to stdout, progress and errors to stderr."""

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
from client.cli.display import Display, printable
from client.cli.results import FAILED, OK, WRONG_USE, Results, print_json, print_table
from client.errors import FileError, Unreachable
from client.journal import Journals, folder
from client.models import Status, Video
from client.publish import Publication, PublishOptions, Uploaded

Command = Callable[[Client, Namespace, Display], int]


def publish(client: Client, arguments: Namespace, display: Display) -> int:
    """Publishes files as videos."""
    try:
        return _publish(client, arguments, display)
    except KeyboardInterrupt:
        display.note("The same command continues where this one was interrupted.")
        raise


def _publish(client: Client, arguments: Namespace, display: Display) -> int:
    """Uploads all files before it waits for any video, so that encoding goes on during the other uploads."""
    options = PublishOptions(arguments.protect, arguments.encrypt_upload, arguments.title, tuple(arguments.tags))
    journals = Journals(folder(os.environ))
    results = Results(display, arguments.json)
    uploaded: list[tuple[Path, Uploaded]] = []
    for path in arguments.files:
        with results.about(File=str(path)):
            one = _upload(Publication(client, path, options, journals), display)
            uploaded.append((path, one))
            display.note(f"{printable(path.name)} is uploaded: {one.video_id}")
    finished = []
    for path, one in uploaded:
        with results.about(File=str(path), Id=one.video_id):
            if arguments.wait:
                early = f"{printable(path.name)} can already be watched: {_page(client, one.video_id)}"
                with display.percent(f"Encoding {path.name}") as bar:
                    one.wait(bar, partial(display.note, early))
            video = client.get(one.video_id)
            finished.append(one)
            results.report({"File": str(path), **video.public}, f"{video.id}\t{video.status}\t{printable(path.name)}")
    # The journals of finished files stay until all are finished: after Ctrl-C the same command needs them all.
    for one in finished:
        one.forget()
    return results.exit_status


def _upload(publication: Publication, display: Display) -> Uploaded:
    name, size = publication.source.path.name, publication.source.size
    if publication.resumed:
        display.note(f"{printable(name)}: continuing the interrupted upload")
    try:
        with display.bytes(f"Uploading {name}") as bar:
            return publication.upload(lambda sent: bar(sent, size))
    except Unreachable:
        if publication.resumed:
            display.note(f"{printable(name)}: the same command continues the upload.")
        raise


def list_videos(client: Client, arguments: Namespace, display: Display) -> int:
    """Lists videos, newest first."""
    top = min(PAGE, arguments.limit + 1)
    found = client.videos(status=arguments.status, tag=arguments.tag, name_prefix=arguments.name, top=top)
    videos = list(islice(found, arguments.limit))
    if arguments.json:
        for video in videos:
            print_json(video.public)
    else:
        print_table(("Id", "Status", "Seconds", "Size", "Name", "Title"), map(_row, videos))
    if next(found, None) is not None:
        display.note(f"There are more than {arguments.limit}: --limit N shows more.")
    return OK


def _row(video: Video) -> tuple[str, ...]:
    size = f"{video.width}x{video.height}" if video.width else "-"
    return video.id, video.status, str(video.duration), size, printable(video.file_name), printable(video.title)


def show(client: Client, arguments: Namespace, display: Display) -> int:  # noqa: ARG001 - all commands are called alike
    """Shows the details and the playback URLs of a video."""
    video = client.get(arguments.id)
    early = video.status == "Processing" and client.status(video.id).playable
    kinds = EARLY_ENDPOINTS if early else [kind for kind in ENDPOINTS if not (video.key_id and kind == "Progressive")]
    playable = early or video.status == "Completed"
    urls = client.playback_urls(video.id, kinds, early=early) if playable else {}
    facts = {**video.public, "PlaybackUrls": urls}
    if arguments.json:
        print_json(facts)
        return OK
    width = max(map(len, facts))
    for name, value in {**video.public, **urls}.items():
        if value not in (None, "", [], {}):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            print(f"{name:<{width}}  {printable(text)}")
    return OK


def status(client: Client, arguments: Namespace, display: Display) -> int:
    """Shows the progress of a video."""
    if arguments.watch:
        with display.percent("Encoding") as bar:
            for found in client.watch(arguments.id):
                bar(found.progress)
    else:
        found = client.status(arguments.id)
    if arguments.json:
        print_json({"Id": arguments.id, **_status(found)})
    else:
        print(f"{found.status}\t{found.progress} %\t{printable(found.message)}")
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


def play(client: Client, arguments: Namespace, display: Display) -> int:
    """Opens the page of a video in the browser."""
    address = _page(client, client.get(arguments.id).id)
    print(address, flush=True)
    if not webbrowser.open(address):
        display.failure("No browser could be opened.", "Open the address above in a browser.")
        return FAILED
    return OK


def download(client: Client, arguments: Namespace, display: Display) -> int:
    """Downloads the original file of a video."""
    video = client.get(arguments.id)
    path = arguments.file or _local_name(video)
    with display.bytes(f"Downloading {path.name}") as bar:
        client.download(video.id, path, bar)
    print(path)
    if video.encrypted_upload:
        display.note("The upload was encrypted, and so is this file: only its sender has the key.")
    return OK


def _local_name(video: Video) -> Path:
    """Returns the video's file name without its folders, because those belong to the uploader's machine."""
    name = printable(PureWindowsPath(video.file_name).name)
    if name in {"", ".", ".."} or name.startswith("."):
        raise FileError("The video's own file name cannot be used here.", "Name the file: download ID FILE.")
    return Path(name)


def delete(client: Client, arguments: Namespace, display: Display) -> int:
    """Deletes videos after a confirmation."""
    if not arguments.yes:
        if not sys.stdin.isatty():
            display.failure(
                "Nothing was deleted: there is no terminal to ask for confirmation.",
                "Add --yes to delete without asking.",
            )
            return WRONG_USE
        print(*arguments.ids, sep="\n", file=sys.stderr)
        answer = input("Delete these videos with everything that is stored for them? [y/N] ")
        if answer.strip().lower() not in {"y", "yes"}:
            display.note("Nothing was deleted.")
            return FAILED
    results = Results(display, as_json=False)
    for video_id in arguments.ids:
        with results.about(Id=video_id):
            client.delete(video_id)
            print(video_id)
    return results.exit_status


def formats(client: Client, arguments: Namespace, display: Display) -> int:  # noqa: ARG001 - all commands are called alike
    """Lists the formats that can be uploaded."""
    found = client.formats()
    if arguments.json:
        for one in found:
            print_json(one)
    else:
        print_table(("Extension", "Type"), ((one["Extension"], one["MimeType"]) for one in found))
    return OK
