"""The queue clients of a process, one pool of connections for each storage account, and the output bindings."""

import base64
import json
import os

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.app import Function, Result
from local.protos import TypedData

HOST_STORAGE = "AzureWebJobsStorage"
"""The setting that has the connection string of the host's own storage."""


async def create_if_missing(queue: QueueClient) -> None:
    """Creates the queue unless it exists."""
    try:
        await queue.create_queue()
    except ResourceExistsError:
        return


async def send(queue: QueueClient, content: str) -> None:
    """Sends a message and creates the queue if it is missing. `content` is sent as it is, without encoding."""
    try:
        await queue.send_message(content)
    except ResourceNotFoundError:
        await create_if_missing(queue)
        await queue.send_message(content)


def encode(body: bytes) -> str:
    """Encodes the body of a message in base64."""
    return base64.b64encode(body).decode("ascii")


class Queues:
    """The queue clients of this process. Clients of one storage account share a pool of connections."""

    def __init__(self, *, base64: bool = True) -> None:
        """`base64` says whether outputs are written in base64 or in plain text."""
        self._base64 = base64
        self._services: dict[str, QueueServiceClient] = {}

    def client(self, name: str, connection: str | None = None) -> QueueClient:
        """Returns a client for a queue. `connection` names the setting that has the connection string."""
        setting = connection or HOST_STORAGE
        if setting not in self._services:
            # The default backoff of the SDK, 15 s, would keep every listener waiting long after Azurite is up again.
            self._services[setting] = QueueServiceClient.from_connection_string(
                os.environ[setting], initial_backoff=1, increment_base=1
            )
        return self._services[setting].get_queue_client(name)

    async def write_outputs(self, function: Function, result: Result) -> None:
        """Sends what a function has written to its queue outputs, in order."""
        for binding in function.outputs:
            value = result.outputs.get(binding["name"])
            if binding["type"] == "queue" and value is not None:
                queue = self.client(binding["queueName"], binding.get("connection"))
                for body in message_bodies(value):
                    await send(queue, encode(body) if self._base64 else body.decode())

    async def close(self) -> None:
        """Closes all connections."""
        for service in self._services.values():
            await service.close()


def message_bodies(value: TypedData) -> list[bytes]:
    """Returns the bodies of the messages in an output. Each entry of a JSON array is a message.

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
