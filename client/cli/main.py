"""Runs a command and says what became of it by its exit status."""

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
"""As shells tell of programs that wrote to `head` once too often."""


def main(words: Sequence[str]) -> int:
    """The exit status; argparse ends the program itself for a wrong command line (2) and for --help (0)."""
    given = parser(os.environ).parse_args(words)
    display = Display(Console(stderr=True))
    try:
        key, token = (os.environ.get(name, "").strip() for name in ("VIDEO_API_KEY", "VIDEO_API_TOKEN"))
        with Client(given.api, key, token) as client:
            status: int = given.run(client, given, display)
            sys.stdout.flush()
    except ClientError as error:
        display.failure(str(error), error.advice)
        return exit_status(error)
    except KeyboardInterrupt:
        display.note("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # Nothing more can be written, not even at the end of the interpreter.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return status
