"""Queue service clients by connection setting, and the output bindings that write through them."""

import base64
import json
import os

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.app import Function, Result
from local.protos import TypedData

HOST_STORAGE = "AzureWebJobsStorage"
"""The setting with the connection string of the host's own storage."""


async def create_if_missing(queue: QueueClient) -> None:
    try:
        await queue.create_queue()
    except ResourceExistsError:
        return


async def send(queue: QueueClient, content: str) -> None:
    """Send, creating the queue on demand. `content` goes as it is: encode it before."""
    try:
        await queue.send_message(content)
    except ResourceNotFoundError:
        await create_if_missing(queue)
        await queue.send_message(content)


def encode(body: bytes) -> str:
    return base64.b64encode(body).decode("ascii")


class Queues:
    """Queue clients of this process, one connection pool per storage account."""

    def __init__(self, *, base64: bool = True) -> None:
        """`base64`: how outputs are written; else as plain text."""
        self._base64 = base64
        self._services: dict[str, QueueServiceClient] = {}

    def client(self, name: str, connection: str | None = None) -> QueueClient:
        """`connection` names the setting that holds the connection string."""
        setting = connection or HOST_STORAGE
        if setting not in self._services:
            # The SDK's own backoff of 15 s would keep every listener waiting long after Azurite is back.
            self._services[setting] = QueueServiceClient.from_connection_string(
                os.environ[setting], initial_backoff=1, increment_base=1
            )
        return self._services[setting].get_queue_client(name)

    async def write_outputs(self, function: Function, result: Result) -> None:
        """Send what a function left in its queue outputs, in order."""
        for binding in function.outputs:
            value = result.outputs.get(binding["name"])
            if binding["type"] == "queue" and value is not None:
                queue = self.client(binding["queueName"], binding.get("connection"))
                for body in bodies(value):
                    await send(queue, encode(body) if self._base64 else body.decode())

    async def close(self) -> None:
        for service in self._services.values():
            await service.close()


def bodies(value: TypedData) -> list[bytes]:
    """The messages that an output stands for: each entry of a JSON array is one.

    https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script/Binding/FunctionBinding.cs
    (BindAsyncCollectorAsync)
    """
    match value.WhichOneof("data"):
        case "bytes":
            return [bytes(value.bytes)]
        case "string":
            return [str(value.string).encode()]
        case _:
            decoded = json.loads(value.json)
            items = decoded if isinstance(decoded, list) else [decoded]
            return [(item if isinstance(item, str) else json.dumps(item)).encode() for item in items]
