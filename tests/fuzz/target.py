"""What a fuzz target is: code that parses untrusted bytes in the worker's own process, and the errors it documents."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent
DATA = FOLDER.parents[1] / ".data" / "fuzz"
"""Where runs keep what they find."""


class TooSlow(Exception):
    """An input took longer than it may."""


@dataclass(frozen=True)
class Target:
    """Runs the code under test on one input. Calling it raises for every input that is a fault."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    """Well-formed inputs, made by our own writers, from which the search begins."""
    allowed: tuple[type[Exception], ...]
    """The documented errors of the code under test."""
    words: tuple[bytes, ...] = ()
    """Byte strings that mean something to the code, such as names of boxes and headers."""
    seconds: float = 1.0
    """Processor time that one input may take."""
    json: bool = False
    """Whether an input ends in a line of JSON, so that its values are worth changing one by one."""

    def __call__(self, data: bytes) -> None:
        # What is slow once may only have imported modules.
        if self._timed(data) > self.seconds and (took := self._timed(data)) > self.seconds:
            raise TooSlow(f"{took:.1f} s of processor time")

    def _timed(self, data: bytes) -> float:
        """Runs the code. Returns its processor time in seconds."""
        begun = time.process_time()
        with suppress(*self.allowed):
            self.run(data)
        return time.process_time() - begun


def names() -> list[str]:
    return sorted(path.stem for path in (FOLDER / "targets").glob("[!_]*.py"))


def load(name: str) -> Target:
    target: Target = import_module(f"tests.fuzz.targets.{name}").TARGET
    return target


def corpus(name: str) -> Iterator[Path]:
    """The kept inputs of a target: each was a fault once, or reaches what the seeds do not."""
    return iter(sorted((FOLDER / "corpus" / name).glob("*")))
