"""Blob triggers with source EventGrid.

In place of Event Grid a watcher looks for new blobs and posts events of the same shape to the host's own webhook. What
the webhook accepts waits in a queue, as in the real host, which brings retries and the poison queue.
"""

import asyncio
import json
import logging
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, ContainerClient
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.app import Function, Invoker
from local.protos import ModelBindingData, TypedData
from local.storage import Queues, encode, send

log = logging.getLogger("local.blobs")

EVENTS_QUEUE = "azure-webjobs-blobtrigger-local"
POISON_QUEUE = "webjobs-blobtrigger-poison"
_INTERVAL = 2.0  # seconds


def function_id(function: Function) -> str:
    """How webhook addresses and blob messages name a function."""
    return f"Host.Functions.{function.name}"


class PathPattern:
    """A blob trigger's path, such as `uploads/{id}/{file}`; a parameter takes any text, slashes too."""

    def __init__(self, path: str) -> None:
        self.container, _, name = path.strip("/").partition("/")
        parts = re.split(r"\{\w+\}", name) if name else ["", ""]
        self.prefix = parts[0]
        self._name = re.compile("(.+)".join(re.escape(part) for part in parts), re.DOTALL)

    def matches(self, container: str, name: str) -> bool:
        return container == self.container and self._name.fullmatch(name) is not None


class BlobTrigger:
    """One blob-triggered function: events in, runs out."""

    def __init__(self, function: Function, invoker: Invoker, queues: Queues) -> None:
        self.function = function
        self.pattern = PathPattern(function.trigger["path"])
        self.connection = os.environ[function.trigger.get("connection") or "AzureWebJobsStorage"]
        self._invoker = invoker
        self._queues = queues

    def accept(self, event: dict[str, Any]) -> str | None:
        """The queue message for an event of either schema, or None when it is not about a blob of this path."""
        if event.get("eventType", event.get("type")) != "Microsoft.Storage.BlobCreated":
            return None
        match = re.search(r"/containers/([^/]+)/blobs/(.+)$", str(event.get("subject", "")), re.DOTALL)
        if match is None or not self.pattern.matches(match[1], match[2]):
            return None
        data = event.get("data") or {}
        return self.message(match[1], match[2], str(data.get("eTag", "")))

    def message(self, container: str, name: str, etag: str = "") -> str:
        return json.dumps(
            {
                "Type": "BlobTrigger",
                "FunctionId": function_id(self.function),
                "BlobType": "BlockBlob",
                "ContainerName": container,
                "BlobName": name,
                "ETag": etag,
            }
        )

    async def handle(self, message: dict[str, Any]) -> None:
        """Run the function for one accepted blob; one that is gone meanwhile needs no run."""
        container, name = str(message["ContainerName"]), str(message["BlobName"])
        async with BlobClient.from_connection_string(self.connection, container, name) as client:
            try:
                data, metadata = await self._input(client)
            except ResourceNotFoundError:
                log.info("Blob %s/%s is gone", container, name)
                return
        result = await self._invoker.run(self.function, data, metadata)
        await self._queues.write_outputs(self.function, result)

    async def _input(self, client: BlobClient) -> tuple[TypedData, dict[str, TypedData]]:
        """What the function gets: a parameter of an SDK type the blob's name, any other one the whole blob."""
        properties = await client.get_blob_properties()
        path = f"{client.container_name}/{client.blob_name}"
        facts = {"LastModified": properties.last_modified.isoformat(), "ContentLength": properties.size}
        metadata = {
            "BlobTrigger": TypedData(string=path),
            "Uri": TypedData(string=client.url),
            "Properties": TypedData(json=json.dumps(facts)),
            "Metadata": TypedData(json=json.dumps(properties.metadata)),
        }
        if not self.function.deferred:
            return TypedData(bytes=await (await client.download_blob()).readall()), metadata
        named = {
            "Connection": self.function.trigger["connection"],
            "ContainerName": client.container_name,
            "BlobName": client.blob_name,
        }
        content = json.dumps(named).encode()
        binding = ModelBindingData(
            version="1.0", source="AzureStorageBlobs", content_type="application/json", content=content
        )
        return TypedData(model_binding_data=binding), metadata


class BlobDispatcher:
    """Keeps accepted events in their queue and finds the trigger each is for."""

    def __init__(self, triggers: list[BlobTrigger], queue: QueueClient) -> None:
        self._queue = queue
        self.kept: Callable[[], None] = lambda: None
        """Told of each event that was."""
        self.triggers = {function_id(trigger.function): trigger for trigger in triggers}

    async def accept(self, function: str, event: dict[str, Any]) -> None:
        """Keep an event of either schema for a function. Raises LookupError, TypeError or ValueError for what is none.

        The blob is the one of the event's address; nothing else of it is looked at.
        """
        url = BlobClient.from_blob_url(event["data"]["url"])
        message = {
            "Type": "BlobTrigger",
            "FunctionId": function,
            "BlobType": "BlockBlob",
            "ContainerName": url.container_name,
            "BlobName": url.blob_name,
            "ETag": str(event["data"].get("eTag", "")),
        }
        await self.enqueue(json.dumps(message))

    async def enqueue(self, message: str) -> None:
        await send(self._queue, encode(message.encode()))
        self.kept()

    async def handle(self, _: QueueMessage, text: str) -> None:
        message = json.loads(text)
        trigger = self.triggers.get(message["FunctionId"])
        if trigger is None:
            log.warning("An event is dropped: there is no function %s", message["FunctionId"])
            return
        await trigger.handle(message)


class BlobWatcher:
    """Event Grid's part: tells the webhook about each blob that is new or was replaced.

    What was told is kept in a file, so that a restart does not tell all of it again.
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
        pattern = self._trigger.pattern
        async with (
            ContainerClient.from_connection_string(self._trigger.connection, pattern.container) as container,
            aiohttp.ClientSession() as session,
        ):
            while True:
                try:
                    await self._look(container, session)
                except ResourceNotFoundError:
                    pass  # no container yet
                except (AzureError, aiohttp.ClientError, TimeoutError) as error:
                    log.warning("Could not look for blobs in %s: %s", pattern.container, type(error).__name__)
                await asyncio.sleep(_INTERVAL)

    async def _look(self, container: ContainerClient, session: aiohttp.ClientSession) -> None:
        pattern = self._trigger.pattern
        present: dict[str, str] = {}
        changed = False
        async for blob in container.list_blobs(name_starts_with=pattern.prefix or None):
            name, etag = str(blob.name), str(blob.etag)
            if not pattern.matches(pattern.container, name):
                continue
            if self._told.get(name) != etag:
                url = f"{container.url}/{name}"
                event = _blob_created(url, pattern.container, name, etag, int(blob.size or 0))
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


def _blob_created(url: str, container: str, name: str, etag: str, size: int) -> dict[str, Any]:
    """https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage"""
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
