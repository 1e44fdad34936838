"""Queue triggers: leases, dequeue counts and poison queues as in the real host.

Rules: `QueueListener` and `QueueProcessor` of the storage extension,
https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Common/src/Shared/Queues
"""

import asyncio
import base64
import json
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage as StoredMessage
from azure.storage.queue.aio import QueueClient

from local.app import FunctionFailed, FunctionTimeoutError
from local.config import QueueOptions
from local.protos import TypedData
from local.storage import send

log = logging.getLogger("local.queues")

_FIRST_DELAY = 0.1  # seconds
POISON = "-poison"
_END_OF_TIME = "9999-12-31T23:59:59.9999999+00:00"
"""What the host sends in place of a time that it does not know: .NET's latest."""

Handler = Callable[[StoredMessage, str], Awaitable[None]]
"""Runs one message, given with its decoded text; whatever it raises is a failed attempt."""

PoisonQueue = Callable[[StoredMessage], QueueClient]
"""The queue that takes this message once it was tried too often."""


class _Held:
    """A message that this process has taken. Its pop receipt changes whenever the lease is renewed."""

    def __init__(self, queue: QueueClient, message: StoredMessage) -> None:
        self._queue = queue
        self._lock = asyncio.Lock()
        self._receipt = str(message.pop_receipt)
        self._open = True
        self.message = message
        self.ran = False
        """Whether its function ended: the rest takes no longer than storage does."""

    async def extend(self, seconds: float) -> None:
        async with self._lock:
            if self._open:
                await self._update(seconds)

    async def release(self, seconds: float) -> None:
        """Make the message visible again after this many seconds."""
        async with self._lock:
            self._open = False
            await self._update(seconds)

    async def delete(self) -> None:
        async with self._lock:
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
        poison: PoisonQueue | None,
        handle: Handler,
        options: QueueOptions,
        lease_seconds: float,
    ) -> None:
        """`poison` is None where there is none; a message that fails then stays hidden until its lease ends."""
        self._queue = queue
        self._poison = poison
        self._handle = handle
        self._options = options
        self._lease = lease_seconds
        self._stopping = asyncio.Event()
        self._look = asyncio.Event()
        self._running: dict[asyncio.Task[None], _Held] = {}
        self._missing = False

    @property
    def busy(self) -> bool:
        """Whether messages are under way."""
        return bool(self._running)

    def stop(self) -> None:
        """Take no more messages; those that run go on."""
        self._stopping.set()
        self._look.set()

    def look(self) -> None:
        """There is a message, as the real host's `SharedQueueWatcher` tells of those that it sent itself."""
        self._look.set()

    async def settle(self) -> None:
        """Returns when each message whose function has ended is deleted, hidden or moved."""
        ending = [task for task, held in self._running.items() if held.ran]
        if ending:
            await asyncio.wait(ending)

    async def run(self) -> None:
        """Until it is stopped and the last message has ended."""
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
            delay = min(delay * 2, self._options.max_polling_interval)
        if self._running:
            await asyncio.wait(self._running)

    async def _take(self) -> bool:
        """Start on a batch; False when the queue was empty."""
        batch = self._options.batch_size
        found = False
        try:
            async for message in self._queue.receive_messages(
                messages_per_page=batch, max_messages=batch, visibility_timeout=round(self._lease)
            ):
                found = True
                held = _Held(self._queue, message)
                task = asyncio.create_task(self._process(held))
                self._running[task] = held
                task.add_done_callback(self._running.pop)
            self._missing = False
        except ResourceNotFoundError:
            # As in Azure, a trigger's queue is not created by its host. Said once, not at every look.
            if not self._missing:
                log.warning("Queue %s does not exist: nothing triggers its function", self._queue.queue_name)
            self._missing = True
        except AzureError as error:
            log.warning("Could not read queue %s: %s", self._queue.queue_name, _brief(error))
        return found

    async def _process(self, held: _Held) -> None:
        try:
            await self._attempt(held)
        except AzureError as error:
            log.warning("Message %s of %s: %s", held.message.id, self._queue.queue_name, _brief(error))

    async def _attempt(self, held: _Held) -> None:
        count = held.message.dequeue_count or 0
        body = decode(held.message.content) if self._options.base64 else held.message.content.encode()
        if body is None or count > self._options.max_dequeue_count:
            # Not base64, or its last attempt took the whole process down: it does not run (again).
            await self._bury(held)
            return
        renewal = asyncio.create_task(self._renew(held))
        try:
            succeeded = await self._run(held, body)
        finally:
            renewal.cancel()
        if succeeded:
            await held.delete()
        elif count >= self._options.max_dequeue_count:
            await self._bury(held)
        elif self._poison is not None:
            await held.release(self._options.visibility_timeout)

    async def _run(self, held: _Held, body: bytes) -> bool:
        try:
            await self._handle(held.message, body.decode())
        except UnicodeDecodeError:
            # The real host fails here too, before the function's own code.
            log.error("Message %s of %s is not UTF-8", held.message.id, self._queue.queue_name)  # noqa: TRY400
            return False
        except (FunctionFailed, FunctionTimeoutError):
            return False  # in the log already
        except Exception:
            log.exception("Message %s of %s could not be handled", held.message.id, self._queue.queue_name)
            return False
        finally:
            held.ran = True
        return True

    async def _renew(self, held: _Held) -> None:
        while True:
            await asyncio.sleep(self._lease / 2)
            try:
                # Shielded: a request cut off on its way would lose the new receipt.
                await asyncio.shield(held.extend(self._lease))
            except AzureError as error:
                log.warning("Could not renew a lease on %s: %s", self._queue.queue_name, _brief(error))

    async def _bury(self, held: _Held) -> None:
        """Move the message to its poison queue. Without one it stays hidden until its lease ends, again and again."""
        if self._poison is None:
            return
        poison = self._poison(held.message)
        log.warning("Message %s moves to %s", held.message.id, poison.queue_name)
        await send(poison, held.message.content)
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


def metadata(message: StoredMessage | None, text: str) -> dict[str, TypedData]:
    """What the host tells of a message beside its text; `message` is None for a call by the admin address.

    The properties of a JSON object come on top. They replace what has the same name, whatever the case, and are not
    checked: a `DequeueCount` that is no number fails in the worker.
    https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Queues/src/Triggers/QueueTriggerBinding.cs
    """
    stored = message or StoredMessage(content=text)
    told = {
        "QueueTrigger": _told(text),
        "DequeueCount": _told(stored.dequeue_count or 0),
        "ExpirationTime": _time(stored.expires_on, _END_OF_TIME),
        "Id": _told(stored.id),
        "InsertionTime": _time(stored.inserted_on, datetime.now(UTC).isoformat()),
        "NextVisibleTime": _time(stored.next_visible_on, _END_OF_TIME),
        "PopReceipt": _told(stored.pop_receipt),
    }
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        names = {name.lower(): name for name in told}
        for name, value in document.items():
            told[names.get(name.lower()) or name] = _told(value)
    return told


def _told(value: object) -> TypedData:
    if value is None:
        return TypedData()
    return TypedData(string=value) if isinstance(value, str) else TypedData(json=json.dumps(value))


def _time(moment: datetime | None, otherwise: str) -> TypedData:
    return TypedData(json=json.dumps(otherwise if moment is None else moment.isoformat()))


def _brief(error: AzureError) -> str:
    return error.message.partition("\n")[0]
