"""Prints the results of commands on stdout and decides their exit status."""

import json
from collections.abc import Iterable
from typing import Any, Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

from client.cli.display import Display
from client.errors import ClientError, Unreachable

OK, FAILED, WRONG_USE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130


class Results:
    """The results for several items. A failed item does not stop the others."""

    def __init__(self, display: Display, as_json: bool) -> None:
        self._display = display
        self._as_json = as_json
        self._failures: set[int] = set()
        self._named: dict[str, str] = {}

    def about(self, **named: str) -> Self:
        """Begins a `with` block for one item. `named` identifies the item in the output."""
        self._named = named
        return self

    def __enter__(self) -> None:
        """Does nothing: `about` has begun the block."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, ClientError):
            return False
        self._failures.add(exit_status(error))
        self._display.failure(f"{next(iter(self._named.values()))}: {error}", error.advice)
        if self._as_json:
            print_json({**self._named, "Error": str(error)})
        return True

    def report(self, facts: dict[str, Any], line: str) -> None:
        """Prints the result for one item: the facts as JSON, or else the line."""
        if self._as_json:
            print_json(facts)
        else:
            print(line, flush=True)

    @property
    def exit_status(self) -> int:
        """The exit status. It is UNREACHABLE only if there was no other failure."""
        return min(self._failures, default=OK)


def exit_status(error: ClientError) -> int:
    """Returns the exit status for an error."""
    return UNREACHABLE if isinstance(error, Unreachable) else FAILED


def print_json(facts: object) -> None:
    """Prints one line of JSON."""
    print(json.dumps(facts), flush=True)


def print_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Prints a table on a terminal. Elsewhere columns are separated by tabs, without a head."""
    console = Console()
    if not console.is_terminal:
        for row in rows:
            print(*row, sep="\t")
        return
    table = Table(box=None)
    for name in head:
        table.add_column(name, no_wrap=name == "Id", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
