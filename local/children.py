"""The group of child processes: each is started again whenever it ends, until the group is stopped."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable, Sequence

from local.child import Child, StartError

log = logging.getLogger("local.children")

_FIRST_BACKOFF = 0.2
"""Seconds before the first restart of a child. Each further pause is twice as long."""
_LONGEST_BACKOFF = 10.0
"""The longest pause in seconds, and the time after which a child counts as stable."""


class Children:
    """Starts children and keeps them running."""

    def __init__(self, on_restart: Callable[[], None]) -> None:
        """`on_restart` is called after each restart of a child."""
        self._on_restart = on_restart
        self._children: list[Child] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the running children by name."""
        return {child.name: child.pid for child in self._children if child.pid}

    def of_type(self, kind: type[Child]) -> list[Child]:
        """Returns the children of one class, also those that are still starting."""
        return [child for child in self._children if isinstance(child, kind)]

    async def start(self, child: Child) -> None:
        """Starts a child and keeps it running from then on. Raises StartError when it ended before it was up."""
        self._children.append(child)
        await child.start()
        self._keepers.append(asyncio.create_task(self._keep_running(child)))

    async def _keep_running(self, child: Child) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            since = time.monotonic()
            status = await child.ended()
            if self._stopping:
                return
            if time.monotonic() - since > _LONGEST_BACKOFF:
                backoff = _FIRST_BACKOFF
            log.warning("%s ended with status %s; it starts again in %.1f s", child.name, status, backoff)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)
            if self._stopping:
                return
            with contextlib.suppress(StartError):
                await child.start()
                log.info("%s is up again", child.name)
                self._on_restart()

    def stop_restarting(self) -> None:
        """Lets every child end that ends from now on."""
        self._stopping = True
        for keeper in self._keepers:
            keeper.cancel()


async def wait_for_end(children: Sequence[Child], seconds: float) -> None:
    """Returns when the children have ended. Those that still run after this time are killed."""
    waits = [asyncio.create_task(child.ended()) for child in children]
    if waits:
        _, late = await asyncio.wait(waits, timeout=seconds)
        if late:
            for child in children:
                child.signal(signal.SIGKILL)
            await asyncio.wait(late)
