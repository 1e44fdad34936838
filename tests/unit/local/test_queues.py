"""How often a listener looks into a queue that stays empty."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from azure.core.exceptions import AzureError
from azure.functions.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.config import QueueOptions
from local.queues import QueueListener


class EmptyQueue:
    queue_name = "empty"

    def __init__(self) -> None:
        self.looks = 0

    async def receive_messages(self, **_: object) -> AsyncIterator[Any]:
        self.looks += 1
        for never in ():
            yield never


async def _nothing(_: QueueMessage) -> None:
    raise AzureError("there is no message to handle")


def test_a_poison_queue_is_looked_into_less_often() -> None:
    async def looks() -> tuple[int, int]:
        queue, poison = EmptyQueue(), EmptyQueue()
        options = QueueOptions(max_polling_interval=0.1)
        listeners = [
            QueueListener(cast("QueueClient", queue), cast("QueueClient", poison), _nothing, options, 60),
            QueueListener(cast("QueueClient", poison), None, _nothing, options, 60),
        ]
        running = [asyncio.create_task(listener.run()) for listener in listeners]
        await asyncio.sleep(1.5)
        for listener in listeners:
            listener.stop()
        await asyncio.gather(*running)
        return queue.looks, poison.looks

    often, rarely = asyncio.run(looks())
    assert 0 < rarely < often / 2


def test_who_is_told_of_messages_looks_at_once_and_else_seldom() -> None:
    async def looks() -> list[int]:
        queue = EmptyQueue()
        options = QueueOptions(max_polling_interval=60)
        listener = QueueListener(
            cast("QueueClient", queue), cast("QueueClient", queue), _nothing, options, 60, told=True
        )
        running = asyncio.create_task(listener.run())
        seen = []
        for pause in (3.5, 0.1):
            await asyncio.sleep(pause)
            seen.append(queue.looks)
            listener.look()
        await asyncio.sleep(0.1)
        seen.append(queue.looks)
        listener.stop()
        await asyncio.wait_for(running, 5)
        return seen

    idle, *told = asyncio.run(looks())
    assert told == [idle + 1, idle + 2]
