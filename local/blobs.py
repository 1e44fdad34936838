"""Blob triggers with source EventGrid, as in the real host, and a watcher in place of Event Grid.

An event that the webhook accepts waits in a queue of the host's. What is checked of it and when:
https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Blobs/src
"""

import asyncio
import ipaddress
import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobType
from azure.storage.blob.aio import BlobClient, ContainerClient
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.app import Function
from local.protos import ModelBindingData, TypedData
from local.queues import decode
from local.runner import Runner
from local.storage import HOST_STORAGE, Queues, encode, send

log = logging.getLogger("local.blobs")

EVENTS_QUEUE = "azure-webjobs-blobtrigger-local"
"""In AzureWebJobsStorage; the real one ends with the host's id."""
POISON_QUEUE = "webjobs-blobtrigger-poison"
"""In the account of the trigger's connection."""
_INTERVAL = 2.0  # seconds


def function_id(function: Function) -> str:
    """How webhook addresses and blob messages name a function."""
    return f"Host.Functions.{function.name}"


class PathPattern:
    """A blob trigger's path, such as `uploads/{id}/{file}`.

    It keeps no blob out. Its parameters take any text, slashes too, and the first one takes the most.
    """

    def __init__(self, path: str) -> None:
        path = path.strip("/")
        self.container = path.partition("/")[0]
        parts = re.split(r"\{(\w+)\}", path)
        pattern = "".join(f"(?P<{part}>.*)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
        self._pattern = re.compile(pattern, re.DOTALL)

    def parameters(self, container: str, name: str) -> dict[str, str]:
        """What the parameters stand for in this blob's path; nothing when the path is another."""
        match = self._pattern.fullmatch(f"{container}/{name}")
        return match.groupdict() if match else {}


def named_by(url: str) -> tuple[str, str]:
    """Container and name of the blob at this address.

    The account stands in front of the path when the host is an IP address, as Azurite's is.
    """
    parts = urlsplit(url)
    path = parts.path.removeprefix("/")
    try:
        ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        pass
    else:
        path = path.partition("/")[2]
    container, _, name = path.partition("/")
    return container, unquote(name)


def message_of(event: Mapping[str, Any], function_id: str) -> str:
    """What waits in the queue for an event, whatever its type and subject: only its `data` are read.

    Raises ValueError for an event without them.
    """
    try:
        data = event["data"]
        container, name = named_by(data["url"])
        blob_type = data["blobType"]
        etag = data.get("eTag") or ""
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("The event does not say which blob it is about.") from error
    if blob_type not in {"BlockBlob", "PageBlob", "AppendBlob"}:
        raise ValueError(f"There are no blobs of type {blob_type!r}.")
    return json.dumps(
        {
            "Type": "BlobTrigger",
            "FunctionId": function_id,
            "BlobType": blob_type,
            "ContainerName": container,
            "BlobName": name,
            "ETag": f'"{etag}"',
        }
    )


class BlobTrigger:
    """One blob-triggered function."""

    def __init__(self, function: Function, runner: Runner) -> None:
        self.function = function
        self.pattern = PathPattern(function.trigger["path"])
        self.setting = function.trigger.get("connection") or HOST_STORAGE
        self.connection = os.environ[self.setting]
        self._runner = runner

    async def run(self, container: str, name: str) -> None:
        """Run the function for this blob. Raises ResourceNotFoundError, FunctionTimeoutError and FunctionFailed."""
        async with BlobClient.from_connection_string(self.connection, container, name) as client:
            data, metadata = await self._input(client)
        await self._runner.run(self.function, data, metadata)

    async def _input(self, client: BlobClient) -> tuple[TypedData, dict[str, TypedData]]:
        """What the function gets: a parameter of an SDK type the blob's name, any other one the whole blob."""
        container, name = client.container_name, client.blob_name
        properties = await client.get_blob_properties()
        facts = {"LastModified": properties.last_modified.isoformat(), "ContentLength": properties.size}
        metadata = {
            "BlobTrigger": TypedData(string=f"{container}/{name}"),
            "Uri": TypedData(json=json.dumps(client.url)),
            "Properties": TypedData(json=json.dumps(facts)),
            "Metadata": TypedData(json=json.dumps(properties.metadata)),
        }
        metadata |= {key: TypedData(string=value) for key, value in self.pattern.parameters(container, name).items()}
        if not self.function.deferred:
            return TypedData(bytes=await (await client.download_blob()).readall()), metadata
        named = {"Connection": self.setting, "ContainerName": container, "BlobName": name}
        binding = ModelBindingData(
            version="1.0",
            source="AzureStorageBlobs",
            content_type="application/json",
            content=json.dumps(named).encode(),
        )
        return TypedData(model_binding_data=binding), metadata


class BlobDispatcher:
    """Keeps accepted events in their queue and finds the trigger each is for."""

    def __init__(self, triggers: list[BlobTrigger], queues: Queues) -> None:
        self._queues = queues
        self.queue: QueueClient = queues.client(EVENTS_QUEUE)
        self.kept: Callable[[], None] = lambda: None
        """Told of each event that was."""
        self._triggers = {function_id(trigger.function): trigger for trigger in triggers}

    async def accept(self, function_id: str, event: Mapping[str, Any]) -> None:
        """Keep an event of either schema, for any function: whether there is that function is seen later.

        Raises ValueError for an event that does not say which blob it is about.
        """
        await send(self.queue, encode(message_of(event, function_id).encode()))
        self.kept()

    async def handle(self, _: QueueMessage, text: str) -> None:
        """Run the function that a kept event is for.

        A blob or function that is gone meanwhile needs no run. Whatever this raises is a failed attempt.
        """
        message = json.loads(text)
        container, name = message["ContainerName"], message["BlobName"]
        trigger = self._triggers.get(message["FunctionId"])
        if trigger is None:
            log.info("There is no function %s for blob %s/%s", message["FunctionId"], container, name)
            return
        try:
            await trigger.run(container, name)
        except ResourceNotFoundError:
            log.info("Blob %s/%s is gone", container, name)

    def poison(self, message: QueueMessage) -> QueueClient:
        """The queue for an event that failed: in the account of the blob, else in the host's."""
        try:
            trigger = self._triggers[json.loads(decode(message.content) or b"")["FunctionId"]]
        except (ValueError, KeyError, TypeError):
            return self._queues.client(POISON_QUEUE)
        return self._queues.client(POISON_QUEUE, trigger.setting)


class BlobWatcher:
    """Event Grid's part: tells the webhook about each blob that is new or was replaced.

    Its filter is that of the subscription in infra/upload-events.bicep: the container, and blobs that were written in
    one piece. What was told is kept in a file, so that a restart does not tell all of it again.
    """

    def __init__(self, trigger: BlobTrigger, webhook: str, key: str, receipts: Path) -> None:
        """`webhook` is the address to post to, `key` what it may ask for."""
        self._trigger = trigger
        self._webhook = webhook
        self._key = key
        self._receipts = receipts
        try:
            self._told: dict[str, str] = json.loads(receipts.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            self._told = {}

    async def run(self) -> None:
        """Until cancelled."""
        name = self._trigger.pattern.container
        async with (
            ContainerClient.from_connection_string(self._trigger.connection, name) as container,
            aiohttp.ClientSession() as session,
        ):
            while True:
                try:
                    await self._look(container, session)
                except ResourceNotFoundError:
                    pass  # no container yet
                except (AzureError, aiohttp.ClientError, TimeoutError) as error:
                    log.warning("Could not look for blobs in %s: %s", name, type(error).__name__)
                await asyncio.sleep(_INTERVAL)

    async def _look(self, container: ContainerClient, session: aiohttp.ClientSession) -> None:
        present: dict[str, str] = {}
        changed = False
        async for blob in container.list_blobs():
            name, etag = str(blob.name), str(blob.etag)
            if blob.blob_type != BlobType.BLOCKBLOB:
                continue
            if self._told.get(name) != etag:
                url = container.get_blob_client(name).url  # percent-encoded
                event = blob_created(url, container.container_name, name, etag, int(blob.size or 0))
                params = {"functionName": function_id(self._trigger.function)}
                headers = {"aeg-event-type": "Notification", "x-functions-key": self._key}
                async with session.post(self._webhook, params=params, headers=headers, json=[event]) as answer:
                    answer.raise_for_status()
                changed = True
            present[name] = etag
            self._told[name] = etag
        if changed or len(present) != len(self._told):
            self._told = present
            temporary = self._receipts.with_suffix(".tmp")
            temporary.write_text(json.dumps(present), "utf-8")
            temporary.replace(self._receipts)


def blob_created(url: str, container: str, name: str, etag: str, size: int) -> dict[str, Any]:
    """The event of a new blob, in the schema of Event Grid: `size` in bytes, `url` percent-encoded.

    https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage
    """
    return {
        "topic": "/subscriptions/local",
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "id": f"{container}/{name}/{etag}",
        "eventTime": datetime.now(UTC).isoformat(),
        "data": {
            "api": "PutBlob",
            "eTag": etag,
            "contentLength": size,
            "blobType": "BlockBlob",
            "url": url,
        },
        "dataVersion": "",
        "metadataVersion": "1",
    }
