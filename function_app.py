"""Binds triggers to handlers: no logic here. The Functions host and the local host load `app`."""

import json
import logging
import os
import uuid
from typing import TYPE_CHECKING

import azure.functions as func

from connector.api.auth import host_level
from connector.api.http import Request
from connector.api.routes import ROUTES, Route, respond
from connector.domain.layout import ADVANCE_QUEUE, ENCODE_QUEUE, UPLOADS
from connector.domain.messages import Message
from connector.services import app as services
from connector.services import require_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STORAGE = "MEDIA_STORAGE"
AUTH_MODE = os.environ.get("AUTH_MODE") or "keys"

require_keys(os.environ)

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
log = logging.getLogger("connector")


def _queues(function: "Callable[..., object]") -> "Callable[..., object]":
    """Adds the two output bindings through which every step sends what comes next."""
    advance = app.queue_output(arg_name="advance", queue_name=ADVANCE_QUEUE, connection=STORAGE)
    encode = app.queue_output(arg_name="encode", queue_name=ENCODE_QUEUE, connection=STORAGE)
    bound: Callable[..., object] = advance(encode(function))
    return bound


def _send(messages: "Sequence[Message]", advance: func.Out[list[str]], encode: func.Out[list[str]]) -> None:
    for queue, out in ((ADVANCE_QUEUE, advance), (ENCODE_QUEUE, encode)):
        if texts := [m.model_dump_json() for m in messages if m.queue == queue]:
            out.set(texts)


def _http(route: Route) -> None:
    @app.function_name(route.name)
    # Without `methods` every method comes in: the app answers those that it does not know, too.
    @app.route(route.template, auth_level=func.AuthLevel[host_level(AUTH_MODE, route.permission)])
    @_queues
    def handle(req: func.HttpRequest, advance: func.Out[list[str]], encode: func.Out[list[str]]) -> func.HttpResponse:
        request = Request(
            method=req.method.upper(),
            url=req.url,
            headers={name.lower(): value for name, value in req.headers.items()},
            query={name.lower(): value for name, value in req.params.items()},
            path=req.route_params,
            body=req.get_body(),
            id=str(uuid.uuid4()),
        )
        response = respond(services, route, request)
        _send(response.messages, advance, encode)
        body = response.body
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False)
        return func.HttpResponse(body, status_code=response.status, headers=dict(response.headers))


for _route in ROUTES:
    _http(_route)


@app.function_name("UploadCompleted")
@app.blob_trigger(
    arg_name="blob",
    path=UPLOADS + "/{id}/{file}",
    connection=STORAGE,
    source=func.BlobSource(os.environ.get("BLOB_TRIGGER_SOURCE", "EventGrid")),
)
@_queues
def upload_completed(blob: func.InputStream, advance: func.Out[list[str]], encode: func.Out[list[str]]) -> None:
    from connector.pipeline.complete import complete_by_name

    _send(complete_by_name(services(), blob.name or ""), advance, encode)


@app.function_name("Advance")
@app.queue_trigger(arg_name="message", queue_name=ADVANCE_QUEUE, connection=STORAGE)
@_queues
def advance(message: func.QueueMessage, advance: func.Out[list[str]], encode: func.Out[list[str]]) -> None:
    from connector.pipeline.steps import run_step

    _send(run_step(services(), Message.model_validate_json(message.get_body())), advance, encode)


@app.function_name("Encode")
@app.queue_trigger(arg_name="message", queue_name=ENCODE_QUEUE, connection=STORAGE)
@_queues
def encode(message: func.QueueMessage, advance: func.Out[list[str]], encode: func.Out[list[str]]) -> None:
    from connector.pipeline.steps import run_step

    _send(run_step(services(), Message.model_validate_json(message.get_body())), advance, encode)


def _poison(queue: str, name: str) -> None:
    @app.function_name(name)
    @app.queue_trigger(arg_name="message", queue_name=f"{queue}-poison", connection=STORAGE)
    def handle(message: func.QueueMessage) -> None:
        from connector.pipeline.steps import bury

        bury(services(), message.get_body())


_poison(ADVANCE_QUEUE, "AdvancePoison")
_poison(ENCODE_QUEUE, "EncodePoison")


@app.function_name("Sweep")
@app.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False)
@_queues
def sweep(
    timer: func.TimerRequest,  # noqa: ARG001 - the binding's name
    advance: func.Out[list[str]],
    encode: func.Out[list[str]],
) -> None:
    from connector.pipeline.sweep import sweep as run

    _send(run(services()), advance, encode)
