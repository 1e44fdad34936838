"""Runs a command and returns its exit status."""

import os
import sys
from collections.abc import Sequence

from rich.console import Console

from client.api import Client
from client.cli.arguments import parser
from client.cli.display import Display
from client.cli.results import INTERRUPTED, exit_status
from client.errors import ClientError

BROKEN_PIPE = 141
"""The exit status that shells report for a program whose output nobody reads any more."""


def main(words: Sequence[str]) -> int:
    """Runs the command and returns the exit status.

    For a wrong command line (2) and for --help (0), argparse ends the program itself.
    """
    arguments = parser(os.environ).parse_args(words)
    display = Display(Console(stderr=True))
    try:
        key, token = (os.environ.get(name, "").strip() for name in ("VIDEO_API_KEY", "VIDEO_API_TOKEN"))
        with Client(arguments.api, key, token) as client:
            status: int = arguments.run(client, arguments, display)
            sys.stdout.flush()
    except ClientError as error:
        display.failure(str(error), error.advice)
        return exit_status(error)
    except KeyboardInterrupt:
        display.note("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # Nothing more can be written, not even when the interpreter flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return status
