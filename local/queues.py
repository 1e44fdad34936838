"""Queue triggers: leases, dequeue counts and poison queues as in the real host.

Rules: azure-webjobs-sdk, `QueueListener` and `QueueProcessor`.
"""

import asyncio
import base64
import json
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage as StoredMessage
from azure.storage.queue.aio import QueueClient

from local.app import FunctionTimeoutError
from local.config import QueueOptions
from local.protos import TypedData
from local.storage import create_if_missing, send

log = logging.getLogger("local.queues")

_FIRST_DELAY = 0.1  # seconds
_PATIENCE = 10
"""So many times the longest pause between two looks into a queue that is seldom filled, or of whose messages
this process tells: a poison queue, or one that it fills itself.
"""
POISON = "-poison"

Handler = Callable[[StoredMessage, str], Awaitable[None]]
"""Runs one message, given with its decoded text; whatever it raises is a failed attempt."""


class _Held:
    """A message this process has taken; its pop receipt changes whenever the lease is renewed."""

    def __init__(self, queue: QueueClient, message: StoredMessage) -> None:
        self._queue = queue
        self._lock = asyncio.Lock()
        self._receipt = str(message.pop_receipt)
        self._open = True
        self.message = message

    async def extend(self, seconds: float) -> None:
        async with self._lock:
            if self._open:
                await self._update(seconds)

    async def release(self, seconds: float) -> None:
        """Make the message visible again after this many seconds."""
        async with self._lock:
            if self._open:
                self._open = False
                await self._update(seconds)

    async def delete(self) -> None:
        async with self._lock:
            if self._open:
                self._open = False
                await self._queue.delete_message(self.message.id, self._receipt)

    async def _update(self, seconds: float) -> None:
        updated = await self._queue.update_message(self.message.id, self._receipt, visibility_timeout=round(seconds))
        self._receipt = str(updated.pop_receipt)


class QueueListener:
    """Takes messages of one queue and hands them to one function until it is stopped."""

    def __init__(
        self,
        queue: QueueClient,
        poison: QueueClient | None,
        handle: Handler,
        options: QueueOptions,
        lease_seconds: float,
        *,
        told: bool = False,
    ) -> None:
        """`poison` is None where there is none; a message that always fails then stays hidden until its lease ends.

        `told`: whoever sends a message calls `look`.
        """
        self._queue = queue
        self._poison = poison
        self._handle = handle
        self._options = options
        self._lease = lease_seconds
        self._longest = options.max_polling_interval * (_PATIENCE if told or poison is None else 1)
        self._stopping = asyncio.Event()
        self._look = asyncio.Event()
        self._taking = asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()
        self._held: set[_Held] = set()

    async def prepare(self) -> None:
        await create_if_missing(self._queue)

    def stop(self) -> None:
        """Take no more messages; those that run go on."""
        self._stopping.set()
        self._look.set()

    def look(self) -> None:
        """There is a message, as the real host's `SharedQueueWatcher` tells of those that it sent itself."""
        self._look.set()

    async def release(self) -> None:
        """Give back every message at once: this process is about to end."""
        self.stop()
        async with self._taking:
            pass  # what is on its way must come back, too
        for held in list(self._held):
            try:
                await held.release(0)
            except AzureError as error:
                log.warning("Could not give a message of %s back: %s", self._queue.queue_name, _brief(error))

    async def run(self) -> None:
        delay = _FIRST_DELAY
        stopped = asyncio.create_task(self._stopping.wait())
        while not self._stopping.is_set():
            if len(self._running) > self._options.new_batch_threshold:
                await asyncio.wait({stopped, *self._running}, return_when=asyncio.FIRST_COMPLETED)
                continue
            self._look.clear()
            if await self._take():
                delay = _FIRST_DELAY
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), delay)
            delay = min(delay * 2, self._longest)
        if self._running:
            await asyncio.wait(self._running)

    async def _take(self) -> bool:
        """Start on a batch; False when the queue was empty."""
        batch = self._options.batch_size
        found = False
        try:
            async with self._taking:
                async for message in self._queue.receive_messages(
                    messages_per_page=batch, max_messages=batch, visibility_timeout=round(self._lease)
                ):
                    found = True
                    held = _Held(self._queue, message)
                    self._held.add(held)
                    task = asyncio.create_task(self._process(held))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
        except ResourceNotFoundError:
            return found  # deleted meanwhile: whoever sends next creates it again
        except AzureError as error:
            log.warning("Could not read queue %s: %s", self._queue.queue_name, _brief(error))
        return found

    async def _process(self, held: _Held) -> None:
        try:
            if self._stopping.is_set():
                await held.release(0)
                return
            await self._attempt(held)
        except AzureError as error:
            log.warning("Message %s of %s: %s", held.message.id, self._queue.queue_name, _brief(error))
        finally:
            self._held.discard(held)

    async def _attempt(self, held: _Held) -> None:
        message = held.message
        count = message.dequeue_count or 0
        body = decode(message.content) if self._options.base64 else message.content.encode()
        if body is None or count > self._options.max_dequeue_count:
            # Undecodable, or its last attempt took the whole process down: it does not run (again).
            await self._bury(held)
            return
        renewal = asyncio.create_task(self._renew(held))
        try:
            await self._handle(message, body.decode())
        except FunctionTimeoutError:
            await held.release(0)
        except Exception:  # noqa: BLE001 - any failure of a function is a failed attempt, and is logged already
            if self._poison is None:
                return
            if count >= self._options.max_dequeue_count:
                await self._bury(held)
            else:
                await held.release(self._options.visibility_timeout)
        else:
            await held.delete()
        finally:
            renewal.cancel()

    async def _renew(self, held: _Held) -> None:
        while True:
            await asyncio.sleep(self._lease / 2)
            try:
                # Shielded: a request cut off on its way would lose the new receipt.
                await asyncio.shield(held.extend(self._lease))
            except AzureError as error:
                log.warning("Could not renew a lease on %s: %s", self._queue.queue_name, _brief(error))

    async def _bury(self, held: _Held) -> None:
        if self._poison is not None:
            log.warning("Message %s moves to %s", held.message.id, self._poison.queue_name)
            await send(self._poison, held.message.content)
            await held.delete()


def decode(content: str) -> bytes | None:
    """The bytes of a base64 message, or None when it is not base64. White space is allowed, as in .NET."""
    try:
        return base64.b64decode(re.sub(r"\s", "", content), validate=True)
    except ValueError:
        return None


def poison_name(queue: str) -> str | None:
    """A poison queue has no poison queue of its own, nor has one whose name would get too long."""
    name = queue + POISON
    return None if queue.endswith(POISON) or len(name) > 63 else name


def metadata(message: StoredMessage, text: str) -> dict[str, TypedData]:
    """What the host tells of a message beside its text.

    The properties of a JSON object come on top, and replace what has the same name.
    https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Queues/src/Triggers/QueueTriggerBinding.cs
    """
    told: dict[str, object] = {
        "QueueTrigger": text,
        "Id": message.id,
        "PopReceipt": message.pop_receipt,
        "DequeueCount": message.dequeue_count,
        "ExpirationTime": message.expires_on and message.expires_on.isoformat(),
        "InsertionTime": message.inserted_on and message.inserted_on.isoformat(),
        "NextVisibleTime": message.next_visible_on and message.next_visible_on.isoformat(),
    }
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        told |= document
    as_text = ("QueueTrigger", "Id", "PopReceipt")
    known = {name: value for name, value in told.items() if value is not None}
    return {
        name: TypedData(string=value) if name in as_text else TypedData(json=json.dumps(value))
        for name, value in known.items()
    }


def _brief(error: AzureError) -> str:
    return error.message.partition("\n")[0]
