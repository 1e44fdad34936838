"""Progress: bars on a terminal, a line now and then elsewhere."""

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
"""Percent between two lines."""


def plain(text: str) -> str:
    """Text from elsewhere, unable to steer a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


class Display:
    """Writes to one console; nothing it is given is understood as markup."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)

    def failure(self, text: str, advice: str = "") -> None:
        self.note(plain(text), "red")
        if advice:
            self.note(f"  {advice}")

    @contextmanager
    def bytes(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """What is yielded is to hear bytes so far and in all."""
        with self._bar(label, [DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()]) as bar:
            yield bar

    @contextmanager
    def percent(self, label: str) -> Iterator[Callable[[int], None]]:
        """What is yielded is to hear percents."""
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
            task = progress.add_task(plain(label), total=None)
            begun = False

            def hear(done: int, total: int) -> None:
                nonlocal begun
                if begun:
                    progress.update(task, completed=done)
                else:  # what was there before counts for no speed
                    progress.reset(task, completed=done, total=total)
                    begun = True

            yield hear

    def _lines(self, label: str) -> Callable[[int, int], None]:
        told = -1

        def hear(done: int, total: int) -> None:
            nonlocal told
            percent = 100 * done // total if total else 100
            step = percent // _STEP
            if step > told:
                told = step
                self.note(f"{plain(label)}: {percent} %")

        return hear
