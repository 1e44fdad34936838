"""The address to which Event Grid tells of blobs: `/runtime/webhooks/blobs`.

https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Blobs/src/Listeners/BlobTriggerQueueWriter.cs
and HttpRequestProcessor.cs of the same package.
"""

import json
from typing import Any

from local.blobs import BlobDispatcher
from local.http1 import Request, Response

_KIND = "aeg-event-type"


async def answer(request: Request, function: str, blobs: BlobDispatcher) -> Response:
    """The answer to a caller with a good key; `function` is the name in the query, known or not."""
    origin = request.header("webhook-request-origin")
    if request.method == "OPTIONS" and origin is not None:  # handshake of CloudEvents
        return Response(200, [("Webhook-Allowed-Origin", origin)])
    kind = request.header(_KIND)
    if kind not in {"SubscriptionValidation", "Notification", "Unsubscribe"}:
        return Response(400)
    if kind == "Unsubscribe":
        return Response(202)
    try:
        document = json.loads(await request.read())
        events = document if isinstance(document, list) else [document]
        if kind == "SubscriptionValidation":
            return _validated(events)
        for event in events:
            await blobs.accept(function, event)
    except (ValueError, LookupError, TypeError):
        return Response(500)
    return Response(202)


def _validated(events: list[Any]) -> Response:
    """Raises LookupError or TypeError without an event or its code."""
    code = json.dumps({"validationResponse": events[0]["data"]["validationCode"]}, separators=(",", ":"))
    return Response(200, [("Content-Type", "text/plain; charset=utf-8")], code.encode())
