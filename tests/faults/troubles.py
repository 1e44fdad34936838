"""Storage that counts what is asked of it, and one call of it that goes wrong."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

from connector.errors import StorageUnavailable


class Killed(BaseException):
    """The process ends here. Nothing in the app may catch it."""


class Kind(StrEnum):
    REFUSED = "refused"
    """Fails before it takes effect."""
    ANSWER_LOST = "answer lost"
    """Takes effect, and fails."""
    REPEATED = "repeated"
    """Takes effect, its answer is lost, and the SDK by itself asks again: it may meet what it did before."""
    KILLED = "killed"
    """The process ends before it takes effect."""


class Trouble:
    """Counts calls, and lets the `at`-th (from 1) meet with `kind`; without `at`, none."""

    def __init__(self, kind: Kind | None = None, at: int = 0) -> None:
        self.kind, self.at = kind, at
        self.calls: list[str] = []

    def __str__(self) -> str:
        return f"{self.kind} at call {self.at}, {self.calls[self.at - 1 : self.at]}"

    @property
    def happened(self) -> bool:
        return len(self.calls) >= self.at > 0

    def call(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.calls.append(name)
        if len(self.calls) != self.at:
            return function(*args, **kwargs)
        match self.kind:
            case Kind.REFUSED:
                raise StorageUnavailable("Storage answered 503 ServerBusy.")
            case Kind.KILLED:
                raise Killed
        answer = function(*args, **kwargs)
        if self.kind is Kind.REPEATED:
            return function(*args, **kwargs)
        if isinstance(answer, Iterator):
            return _broken_off(list(answer))
        raise StorageUnavailable("Storage cannot be reached.")


def _broken_off(items: list[Any]) -> Iterator[Any]:
    yield from items[: (len(items) + 1) // 2]
    raise StorageUnavailable("Storage cannot be reached.")


class Watched:
    """`Storage` whose every call goes by a Trouble."""

    def __init__(self, storage: Any, trouble: Trouble) -> None:
        for port in ("videos", "tasks", "keys", "blobs"):
            setattr(self, port, _Port(port, getattr(storage, port), trouble))


class _Port:
    def __init__(self, name: str, port: Any, trouble: Trouble) -> None:
        self._name, self._port, self._trouble = name, port, trouble

    def __getattr__(self, method: str) -> Callable[..., Any]:
        function = getattr(self._port, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = self._trouble.call(f"{self._name}.{method}", function, *args, **kwargs)
            return _Reader(answer, self._trouble) if method == "open" else answer

        return call


class _Reader:
    def __init__(self, reader: Any, trouble: Trouble) -> None:
        self._reader, self._trouble = reader, trouble
        self.size = reader.size

    def read_at(self, offset: int, length: int) -> bytes:
        data: bytes = self._trouble.call("reader.read_at", self._reader.read_at, offset, length)
        return data

    def close(self) -> None:
        self._reader.close()
