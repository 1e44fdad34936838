"""The commands, options and help texts of the command line."""

import argparse
import uuid
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from client.cli import commands
from client.cli.commands import Command

DEFAULT_API = "http://127.0.0.1:7071/api"

_ABOUT = """\
Publishes videos through the video API, and manages them.

examples:
  python -m client publish holiday.mp4
  python -m client publish a.mp4 b.mov --protect --wait --json
  python -m client list --status Completed --tag holiday
  python -m client play 01890a5d-ac96-774b-bcce-b302099a8057
"""
_EPILOG = """\
environment:
  VIDEO_API        address of the API (default {default})
  VIDEO_API_KEY    a Functions key, if the API requires one
  VIDEO_API_TOKEN  a token of Microsoft Entra ID, if the API requires one
  XDG_STATE_HOME   folder that records interrupted uploads, to continue them (default ~/.local/state)

exit status:
  0 all was done   1 something failed   2 the command line is wrong   3 the API cannot be reached   130 Ctrl-C
"""
_PUBLISH = """\
Uploads files and publishes them as videos. After Ctrl-C or a network failure the same command continues:
blocks that were sent are not sent again. The exit status is 1 when a file failed; the others are still published.

examples:
  python -m client publish holiday.mp4 --title "At the sea" --tag holiday --tag 2024
  python -m client publish a.mp4 b.mov --protect --encrypt-upload
  python -m client publish *.mp4 --no-wait --json | jq -r .Id
"""
_LIST = """\
Lists videos, newest first.

examples:
  python -m client list --status Failed
  python -m client list --name holiday --limit 200 --json | jq -r .Id
"""
_DOWNLOAD = """\
Downloads the original file, as it was uploaded. An encrypted upload is still encrypted: only its sender has the key.

example:
  python -m client download 01890a5d-ac96-774b-bcce-b302099a8057 holiday.mp4
"""


def parser(environment: Mapping[str, str]) -> ArgumentParser:
    """Returns the parser. It sets `run` of the parsed arguments to the function of the command."""
    json = ArgumentParser(add_help=False)
    json.add_argument(
        "--json", action="store_true", help="print one JSON object per line on stdout, and all else on stderr"
    )

    root = ArgumentParser(
        prog="python -m client",
        description=_ABOUT,
        epilog=_EPILOG.format(default=DEFAULT_API),
        formatter_class=RawDescriptionHelpFormatter,
        parents=[_common(environment.get("VIDEO_API") or DEFAULT_API)],
    )
    subparsers = root.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, run: Command, text: str, *parents: ArgumentParser) -> ArgumentParser:
        summary = text.partition(".")[0] + "."
        command = subparsers.add_parser(
            name,
            help=summary[0].lower() + summary[1:-1],
            description=text,
            parents=[_common(argparse.SUPPRESS), *parents],
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        return command

    publish = add("publish", commands.publish, _PUBLISH, json)
    publish.add_argument("files", nargs="+", type=Path, metavar="FILE")
    publish.add_argument("--protect", action="store_true", help="encrypt the published video (AES-128)")
    publish.add_argument("--encrypt-upload", action="store_true", help="encrypt the upload (AES-256)")
    publish.add_argument("--title", default="", help="title of the video")
    publish.add_argument(
        "--tag", action="append", default=[], dest="tags", metavar="TAG", help="tag of the video; may be repeated"
    )
    publish.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait until the videos are complete (default), or end when they are uploaded",
    )

    listing = add("list", commands.list_videos, _LIST, json)
    listing.add_argument("--status", default="", choices=["AwaitingUpload", "Processing", "Completed", "Failed"])
    listing.add_argument("--tag", default="", help="only videos with this tag")
    listing.add_argument("--name", default="", metavar="PREFIX", help="only videos whose file name begins with this")
    listing.add_argument("--limit", type=_count, default=50, metavar="N", help="the most videos to list (default 50)")

    show = add("show", commands.show, "Shows the details and the playback URLs of a video.", json)
    status = add(
        "status",
        commands.status,
        "Shows the progress of a video. The exit status is 1 when the video has failed.",
        json,
    )
    status.add_argument("--watch", action="store_true", help="wait until the video is complete or has failed")
    play = add("play", commands.play, "Opens the page of a video in the browser, and prints its address.")
    download = add("download", commands.download, _DOWNLOAD)
    for one in (show, status, play, download):
        one.add_argument("id", type=_id, metavar="ID")
    download.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="file to write (default: the video's own file name, in the current folder)",
    )

    delete = add("delete", commands.delete, "Deletes videos with everything that is stored for them.")
    delete.add_argument("ids", nargs="+", type=_id, metavar="ID")
    delete.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    add("formats", commands.formats, "Lists the formats that can be uploaded.", json)
    return root


def _common(api: str) -> ArgumentParser:
    """Returns a parser for the options that are allowed before and after the name of the command."""
    common = ArgumentParser(add_help=False)
    common.add_argument(
        "--api", type=_address, default=api, metavar="URL", help="address of the API (default: VIDEO_API)"
    )
    return common


def _address(text: str) -> str:
    if urlsplit(text).scheme not in {"http", "https"} or not urlsplit(text).hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is no address of an API, such as {DEFAULT_API}")
    return text


def _id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no id of a video; `python -m client list` shows the ids"
        ) from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)
