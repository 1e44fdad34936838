"""Blob triggers with the source EventGrid work as in the real host; a watcher takes the place of Event Grid.

An event that the webhook accepts waits in a queue of the host. The checks of events are those of
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
"""The queue of accepted events, in AzureWebJobsStorage. Its name in Azure ends with the id of the host."""
POISON_QUEUE = "webjobs-blobtrigger-poison"
"""The poison queue of events, in the account of the trigger's connection."""
_INTERVAL = 2.0
"""Seconds between two listings of the container."""


def function_id(function: Function) -> str:
    """Returns the name that webhook addresses and blob messages have for a function."""
    return f"Host.Functions.{function.name}"


class PathPattern:
    """The path of a blob trigger, such as `uploads/{id}/{file}`.

    A path excludes no blob of the container. Its parameters match any text, slashes included, and the first parameter
    matches as much as possible.
    """

    def __init__(self, path: str) -> None:
        path = path.strip("/")
        self.container = path.partition("/")[0]
        parts = re.split(r"\{(\w+)\}", path)
        pattern = "".join(f"(?P<{part}>.*)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
        self._pattern = re.compile(pattern, re.DOTALL)

    def parameters(self, container: str, name: str) -> dict[str, str]:
        """Returns the values of the parameters for this blob. There are none when the blob does not match the path."""
        match = self._pattern.fullmatch(f"{container}/{name}")
        return match.groupdict() if match else {}


def parse_blob_url(url: str) -> tuple[str, str]:
    """Returns the container and the name of the blob at this URL.

    The path begins with the account when the host is an IP address, as it is for Azurite.
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


def event_message(event: Mapping[str, Any], function_id: str) -> str:
    """Returns the queue message for an event. Only the `data` of the event are read, not its type or subject.

    Raises ValueError for an event whose data do not name a blob.
    """
    try:
        data = event["data"]
        container, name = parse_blob_url(data["url"])
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
    """The blob trigger of one function."""

    def __init__(self, function: Function, runner: Runner) -> None:
        self.function = function
        self.pattern = PathPattern(function.trigger["path"])
        self.setting = function.trigger.get("connection") or HOST_STORAGE
        self.connection = os.environ[self.setting]
        self._runner = runner

    async def run(self, container: str, name: str) -> None:
        """Runs the function for this blob. Raises ResourceNotFoundError, FunctionTimeoutError and FunctionFailed."""
        async with BlobClient.from_connection_string(self.connection, container, name) as client:
            data, metadata = await self._input(client)
        await self._runner.run(self.function, data, metadata)

    async def _input(self, client: BlobClient) -> tuple[TypedData, dict[str, TypedData]]:
        """Returns what the function gets: for a parameter of an SDK type the blob's name, otherwise the whole blob."""
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
    """Puts accepted events into their queue and finds the trigger for each of them."""

    def __init__(self, triggers: list[BlobTrigger], queues: Queues) -> None:
        self._queues = queues
        self.queue: QueueClient = queues.client(EVENTS_QUEUE)
        self.on_enqueued: Callable[[], None] = lambda: None
        """Called after each event that was put into the queue."""
        self._triggers = {function_id(trigger.function): trigger for trigger in triggers}

    async def accept(self, function_id: str, event: Mapping[str, Any]) -> None:
        """Puts an event of either schema into the queue. Whether its function exists is checked later.

        Raises ValueError for an event that does not say which blob it is about.
        """
        await send(self.queue, encode(event_message(event, function_id).encode()))
        self.on_enqueued()

    async def handle(self, _: QueueMessage, text: str) -> None:
        """Runs the function of an event from the queue.

        Nothing runs when the blob or the function does not exist any more. An exception means that the attempt has
        failed.
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
        """Returns the poison queue for a failed event: in the account of its blob, or else in that of the host."""
        try:
            trigger = self._triggers[json.loads(decode(message.content) or b"")["FunctionId"]]
        except (ValueError, KeyError, TypeError):
            return self._queues.client(POISON_QUEUE)
        return self._queues.client(POISON_QUEUE, trigger.setting)


class BlobWatcher:
    """Takes the part of Event Grid: sends the webhook an event for each blob that is new or was replaced.

    Its filter is that of the subscription in infra/upload-events.bicep: the container, and block blobs. A file records
    which blobs were notified, so that a restart does not send their events again.
    """

    def __init__(self, trigger: BlobTrigger, webhook: str, key: str, receipts: Path) -> None:
        """`webhook` is the address for the events, and `key` the key that it may require."""
        self._trigger = trigger
        self._webhook = webhook
        self._key = key
        self._receipts = receipts
        try:
            self._notified: dict[str, str] = json.loads(receipts.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            self._notified = {}

    async def run(self) -> None:
        """Lists the container again and again until it is cancelled."""
        name = self._trigger.pattern.container
        async with (
            ContainerClient.from_connection_string(self._trigger.connection, name) as container,
            aiohttp.ClientSession() as session,
        ):
            while True:
                try:
                    await self._notify_changes(container, session)
                except ResourceNotFoundError:
                    pass  # The container does not exist yet.
                except (AzureError, aiohttp.ClientError, TimeoutError) as error:
                    log.warning("Could not list the blobs in %s: %s", name, type(error).__name__)
                await asyncio.sleep(_INTERVAL)

    async def _notify_changes(self, container: ContainerClient, session: aiohttp.ClientSession) -> None:
        present: dict[str, str] = {}
        changed = False
        async for blob in container.list_blobs():
            name, etag = str(blob.name), str(blob.etag)
            if blob.blob_type != BlobType.BLOCKBLOB:
                continue
            if self._notified.get(name) != etag:
                url = container.get_blob_client(name).url  # The SDK percent-encodes it.
                event = blob_created(url, container.container_name, name, etag, int(blob.size or 0))
                params = {"functionName": function_id(self._trigger.function)}
                headers = {"aeg-event-type": "Notification", "x-functions-key": self._key}
                async with session.post(self._webhook, params=params, headers=headers, json=[event]) as answer:
                    answer.raise_for_status()
                changed = True
            present[name] = etag
            self._notified[name] = etag
        if changed or len(present) != len(self._notified):
            self._notified = present
            temporary = self._receipts.with_suffix(".tmp")
            temporary.write_text(json.dumps(present), "utf-8")
            temporary.replace(self._receipts)


def blob_created(url: str, container: str, name: str, etag: str, size: int) -> dict[str, Any]:
    """Returns the event of a new blob in the schema of Event Grid. `size` is in bytes, `url` is percent-encoded.

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
