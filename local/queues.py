"""Queue triggers have the leases, dequeue counts and poison queues of the real host.

Its rules are in `QueueListener` and `QueueProcessor` of the storage extension:
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
_POISON = "-poison"
_LATEST_TIME = "9999-12-31T23:59:59.9999999+00:00"
"""The host sends this in place of a time that it does not know. It is the latest time of .NET."""

Handler = Callable[[StoredMessage, str], Awaitable[None]]
"""Handles one message, given with its decoded text. An exception means that the attempt has failed."""

PoisonQueue = Callable[[StoredMessage], QueueClient]
"""Returns the queue for a message whose attempts have all failed."""


class _LeasedMessage:
    """A message that this process has leased. Its pop receipt changes whenever the lease is renewed."""

    def __init__(self, queue: QueueClient, message: StoredMessage) -> None:
        self._queue = queue
        self._lock = asyncio.Lock()
        self._receipt = str(message.pop_receipt)
        self._open = True
        self.message = message
        self.handled = False
        """Whether its function has ended, so that only calls to the storage are left."""

    async def extend(self, seconds: float) -> None:
        """Renews the lease, which ends this many seconds from now."""
        async with self._lock:
            if self._open:
                await self._update(seconds)

    async def release(self, seconds: float) -> None:
        """Ends the lease and makes the message visible again after this many seconds."""
        async with self._lock:
            self._open = False
            await self._update(seconds)

    async def delete(self) -> None:
        """Deletes the message."""
        async with self._lock:
            self._open = False
            await self._queue.delete_message(self.message.id, self._receipt)

    async def _update(self, seconds: float) -> None:
        updated = await self._queue.update_message(self.message.id, self._receipt, visibility_timeout=round(seconds))
        self._receipt = str(updated.pop_receipt)


class QueueListener:
    """Receives the messages of one queue and hands them to one function until it is stopped."""

    def __init__(
        self,
        queue: QueueClient,
        poison: PoisonQueue | None,
        handle: Handler,
        options: QueueOptions,
        lease_seconds: float,
    ) -> None:
        """`poison` is None for a queue without a poison queue.

        Its failed messages stay hidden until their leases end.
        """
        self._queue = queue
        self._poison = poison
        self._handle = handle
        self._options = options
        self._lease = lease_seconds
        self._stopping = asyncio.Event()
        self._poll = asyncio.Event()
        self._running: dict[asyncio.Task[None], _LeasedMessage] = {}
        self._missing = False

    @property
    def busy(self) -> bool:
        """Whether messages are being handled."""
        return bool(self._running)

    def stop(self) -> None:
        """Receives no more messages. Those that are being handled go on."""
        self._stopping.set()
        self._poll.set()

    def poll_now(self) -> None:
        """Ends the pause between two polls, because a message was just sent.

        The `SharedQueueWatcher` of the real host does this for messages that the host itself has sent.
        """
        self._poll.set()

    async def settle(self) -> None:
        """Returns when each message whose function has ended is deleted, hidden or moved."""
        ending = [task for task, leased in self._running.items() if leased.handled]
        if ending:
            await asyncio.wait(ending)

    async def run(self) -> None:
        """Receives messages. Returns when the listener was stopped and the last message is handled."""
        delay = _FIRST_DELAY
        stopped = asyncio.create_task(self._stopping.wait())
        while not self._stopping.is_set():
            if len(self._running) > self._options.new_batch_threshold:
                await asyncio.wait({stopped, *self._running}, return_when=asyncio.FIRST_COMPLETED)
                continue
            self._poll.clear()
            if await self._receive():
                delay = _FIRST_DELAY
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poll.wait(), delay)
            delay = min(delay * 2, self._options.max_polling_interval)
        if self._running:
            await asyncio.wait(self._running)

    async def _receive(self) -> bool:
        """Receives a batch and begins to handle it. Returns False when the queue was empty."""
        batch = self._options.batch_size
        found = False
        try:
            async for message in self._queue.receive_messages(
                messages_per_page=batch, max_messages=batch, visibility_timeout=round(self._lease)
            ):
                found = True
                leased = _LeasedMessage(self._queue, message)
                task = asyncio.create_task(self._process(leased))
                self._running[task] = leased
                task.add_done_callback(self._running.pop)
            self._missing = False
        except ResourceNotFoundError:
            # As in Azure, the host does not create the queue of a trigger. The warning appears once, not at every poll.
            if not self._missing:
                log.warning("Queue %s does not exist: nothing triggers its function", self._queue.queue_name)
            self._missing = True
        except AzureError as error:
            log.warning("Could not read queue %s: %s", self._queue.queue_name, _first_line(error))
        return found

    async def _process(self, leased: _LeasedMessage) -> None:
        try:
            await self._attempt(leased)
        except AzureError as error:
            log.warning("Message %s of %s: %s", leased.message.id, self._queue.queue_name, _first_line(error))

    async def _attempt(self, leased: _LeasedMessage) -> None:
        count = leased.message.dequeue_count or 0
        body = decode(leased.message.content) if self._options.base64 else leased.message.content.encode()
        if body is None or count > self._options.max_dequeue_count:
            # It is not base64, or its last attempt ended the whole process. So the function does not run.
            await self._move_to_poison(leased)
            return
        renewal = asyncio.create_task(self._renew(leased))
        try:
            succeeded = await self._run(leased, body)
        finally:
            renewal.cancel()
        if succeeded:
            await leased.delete()
        elif count >= self._options.max_dequeue_count:
            await self._move_to_poison(leased)
        elif self._poison is not None:
            await leased.release(self._options.visibility_timeout)

    async def _run(self, leased: _LeasedMessage, body: bytes) -> bool:
        try:
            await self._handle(leased.message, body.decode())
        except UnicodeDecodeError:
            # The real host also fails here, before it calls the function.
            log.error("Message %s of %s is not UTF-8", leased.message.id, self._queue.queue_name)  # noqa: TRY400
            return False
        except (FunctionFailed, FunctionTimeoutError):
            return False  # The failure is already in the log.
        except Exception:
            log.exception("Message %s of %s could not be handled", leased.message.id, self._queue.queue_name)
            return False
        finally:
            leased.handled = True
        return True

    async def _renew(self, leased: _LeasedMessage) -> None:
        while True:
            await asyncio.sleep(self._lease / 2)
            try:
                # A request that is cancelled halfway would lose the new receipt, hence the shield.
                await asyncio.shield(leased.extend(self._lease))
            except AzureError as error:
                log.warning("Could not renew a lease on %s: %s", self._queue.queue_name, _first_line(error))

    async def _move_to_poison(self, leased: _LeasedMessage) -> None:
        """Moves the message to its poison queue.

        Without a poison queue the message comes back whenever its lease ends.
        """
        if self._poison is None:
            return
        poison = self._poison(leased.message)
        log.warning("Message %s moves to %s", leased.message.id, poison.queue_name)
        await send(poison, leased.message.content)
        await leased.delete()


def decode(content: str) -> bytes | None:
    """Decodes a base64 message. Returns None when it is not base64. White space is allowed, as in .NET."""
    try:
        return base64.b64decode(re.sub(r"\s", "", content), validate=True)
    except ValueError:
        return None


def poison_name(queue: str) -> str | None:
    """Returns the name of a queue's poison queue.

    It is None for a poison queue itself, and for a queue whose poison queue would have too long a name.
    """
    name = queue + _POISON
    return None if queue.endswith(_POISON) or len(name) > 63 else name


def metadata(message: StoredMessage | None, text: str) -> dict[str, TypedData]:
    """Returns the trigger metadata of a message. `message` is None for a call of the admin address.

    The properties of a message that is a JSON object are added. They replace metadata of the same name without regard
    to case, and are not checked: a `DequeueCount` that is not a number fails in the worker.
    https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Queues/src/Triggers/QueueTriggerBinding.cs
    """
    stored = message or StoredMessage(content=text)
    properties = {
        "QueueTrigger": _typed(text),
        "DequeueCount": _typed(stored.dequeue_count or 0),
        "ExpirationTime": _timestamp(stored.expires_on, _LATEST_TIME),
        "Id": _typed(stored.id),
        "InsertionTime": _timestamp(stored.inserted_on, datetime.now(UTC).isoformat()),
        "NextVisibleTime": _timestamp(stored.next_visible_on, _LATEST_TIME),
        "PopReceipt": _typed(stored.pop_receipt),
    }
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        names = {name.lower(): name for name in properties}
        for name, value in document.items():
            properties[names.get(name.lower()) or name] = _typed(value)
    return properties


def _typed(value: object) -> TypedData:
    if value is None:
        return TypedData()
    return TypedData(string=value) if isinstance(value, str) else TypedData(json=json.dumps(value))


def _timestamp(moment: datetime | None, default: str) -> TypedData:
    return TypedData(json=json.dumps(default if moment is None else moment.isoformat()))


def _first_line(error: AzureError) -> str:
    return error.message.partition("\n")[0]
