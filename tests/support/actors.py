"""Several workers at once, of which always one goes on, and only from one call of storage to the next."""

from collections.abc import Callable
from threading import Semaphore, Thread, local
from typing import Any

_here = local()


class Killed(BaseException):
    """The worker ends here."""


class Actor:
    """`function` on a thread of its own, which stands still before each call of storage until it is told to go on."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.done = False
        self.answer: Any = None
        self.error: BaseException | None = None
        self._killed = False
        self._go, self._still = Semaphore(0), Semaphore(0)
        self._thread = Thread(target=self._run, args=(function,), daemon=True)
        self._thread.start()

    def _run(self, function: Callable[[], Any]) -> None:
        _here.actor = self
        self._go.acquire()
        try:
            self.answer = function()
        except BaseException as error:
            self.error = error
        self.done = True
        self._still.release()

    def step(self) -> None:
        """On to the next call of storage, or to the end."""
        self._go.release()
        self._still.acquire()
        if self.done:
            self._thread.join()

    def finish(self) -> None:
        while not self.done:
            self.step()

    def kill(self) -> None:
        self._killed = True
        self.finish()

    def _stand_still(self) -> None:
        self._still.release()
        self._go.acquire()
        if self._killed:
            raise Killed


class Stepwise:
    """Storage before each call of which an actor stands still."""

    def __init__(self, storage: Any) -> None:
        for port in ("videos", "tasks", "keys", "blobs"):
            setattr(self, port, _Port(getattr(storage, port)))


class _Port:
    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, method: str) -> Callable[..., Any]:
        function = getattr(self._port, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            actor: Actor | None = getattr(_here, "actor", None)
            if actor is not None:
                actor._stand_still()
            return function(*args, **kwargs)

        return call
