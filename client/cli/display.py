"""Shows progress: as a bar on a terminal, and elsewhere as a line for every quarter."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

_STEP = 25
"""Percentage points between two lines."""


def printable(text: str) -> str:
    """Replaces the characters of foreign text that could control a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


class Display:
    """Writes to one console. It does not interpret markup in its texts."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, text: str, style: str = "") -> None:
        """Prints a line."""
        self._console.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)

    def failure(self, text: str, advice: str = "") -> None:
        """Prints an error and what to do next."""
        self.note(printable(text), "red")
        if advice:
            self.note(f"  {advice}")

    @contextmanager
    def bytes(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """Shows the progress of a transfer. Yields a function to call with the bytes so far and in total."""
        with self._bar(label, [DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()]) as bar:
            yield bar

    @contextmanager
    def percent(self, label: str) -> Iterator[Callable[[int], None]]:
        """Shows a percentage. Yields a function to call with it."""
        columns = [TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn()]
        with self._bar(label, columns) as bar:
            yield lambda done: bar(done, 100)

    @contextmanager
    def _bar(self, label: str, columns: list[ProgressColumn]) -> Iterator[Callable[[int, int], None]]:
        if not self._console.is_terminal:
            yield self._lines(label)
            return
        shown = (TextColumn("{task.description}", markup=False), BarColumn(), *columns)
        with Progress(*shown, console=self._console) as progress:
            task = progress.add_task(printable(label), total=None)
            started = False

            def update(done: int, total: int) -> None:
                nonlocal started
                if started:
                    progress.update(task, completed=done)
                else:  # The bytes of an earlier, interrupted transfer must not count for the speed.
                    progress.reset(task, completed=done, total=total)
                    started = True

            yield update

    def _lines(self, label: str) -> Callable[[int, int], None]:
        last_step = -1

        def update(done: int, total: int) -> None:
            nonlocal last_step
            percent = 100 * done // total if total else 100
            step = percent // _STEP
            if step > last_step:
                last_step = step
                self.note(f"{printable(label)}: {percent} %")

        return update
