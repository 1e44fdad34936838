"""The webhook that Event Grid sends blob events to: `/runtime/webhooks/blobs`.

https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Blobs/src/Listeners/BlobTriggerQueueWriter.cs
and HttpRequestProcessor.cs of the same package
"""

import json
from typing import Any

from local.blobs import BlobDispatcher
from local.http_message import Request, Response

_KIND = "aeg-event-type"


async def answer(request: Request, function: str, blobs: BlobDispatcher) -> Response:
    """Answers a caller whose key is right. `function` is the name in the query, whether the app has it or not."""
    origin = request.header("webhook-request-origin")
    if request.method == "OPTIONS" and origin is not None:  # This is the handshake of CloudEvents.
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
            return _answer_validation(events)
        for event in events:
            await blobs.accept(function, event)
    except (ValueError, LookupError, TypeError):
        return Response(500)
    return Response(202)


def _answer_validation(events: list[Any]) -> Response:
    """Answers the validation of a subscription. Raises LookupError or TypeError without an event or its code."""
    code = json.dumps({"validationResponse": events[0]["data"]["validationCode"]}, separators=(",", ":"))
    return Response(200, [("Content-Type", "text/plain; charset=utf-8")], code.encode())
