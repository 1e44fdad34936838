"""Binds triggers to handlers. There is no logic here. The Functions host and the local host load `app`."""

import logging
import os
import uuid
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, List  # noqa: UP035

import azure.functions as func

from connector.api.auth import host_level
from connector.api.http import Request
from connector.api.resource import Route
from connector.api.routes import ROUTES, respond
from connector.blob_trigger import BlobName
from connector.bootstrap import require_callers, require_keys, shared_app
from connector.deadline import limited
from connector.domain.layout import ADVANCE_QUEUE, ENCODE_QUEUE, UPLOADS
from connector.domain.messages import Message
from connector.settings import load_startup
from connector.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

STORAGE = "MEDIA_STORAGE"
SETTINGS = load_startup(os.environ)

require_keys(os.environ)
require_callers(os.environ)

# Microsoft's worker refuses `list[str]` here, and loads no function at all then.
Messages = func.Out[List[str]]  # noqa: UP006

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
log = logging.getLogger("connector")


def _queues(function: "Callable[..., object]") -> "Callable[..., object]":
    """Adds the two output bindings through which every step sends what comes next."""
    advance = app.queue_output(arg_name="advance", queue_name=ADVANCE_QUEUE, connection=STORAGE)
    encode = app.queue_output(arg_name="encode", queue_name=ENCODE_QUEUE, connection=STORAGE)
    bound: Callable[..., object] = advance(encode(function))
    return bound


def _send(messages: "Sequence[Message]", advance: Messages, encode: Messages) -> None:
    for queue, out in ((ADVANCE_QUEUE, advance), (ENCODE_QUEUE, encode)):
        if texts := [m.model_dump_json() for m in messages if m.queue == queue]:
            out.set(texts)


def _http(route: Route) -> None:
    @app.function_name(route.name)
    # Without `methods` every method arrives here. The app also answers those that it does not know.
    @app.route(route.template, auth_level=func.AuthLevel[host_level(SETTINGS.auth_mode, route.permission)])
    @_queues
    def handle(req: func.HttpRequest, advance: Messages, encode: Messages, context: func.Context) -> func.HttpResponse:
        request = Request(
            method=req.method.upper(),
            url=req.url,
            headers={name.lower(): value for name, value in req.headers.items()},
            query={name.lower(): value for name, value in req.params.items()},
            path=req.route_params,
            body=req.get_body(),
            id=str(uuid.uuid4()),
        )
        with limited(), _invoked(context) as telemetry, _traced(telemetry, route, request):
            response = respond(shared_app, route, request)
            telemetry.add(**{"http.response.status_code": response.status})
        _send(response.messages, advance, encode)
        body, headers = response.content, dict(response.headers)
        if body:
            headers["Content-Length"] = str(len(body))  # otherwise the host sends the body in chunks
        return func.HttpResponse(body, status_code=response.status, headers=headers)


@contextmanager
def _invoked(context: func.Context) -> "Iterator[Telemetry]":
    """Yields the telemetry. What is recorded inside is connected to the host's own span for this call."""
    telemetry = Telemetry()
    with suppress(Exception):  # the app cannot start, and the next call reports why
        telemetry = shared_app().telemetry
    with telemetry.invocation(context.trace_context.trace_parent):
        yield telemetry


def _traced(telemetry: Telemetry, route: Route, request: Request) -> "AbstractContextManager[None]":
    """Returns a span for a request that changes something. Reads are many and start nothing, and the host records each
    one.
    """
    if request.method not in {"POST", "PUT", "DELETE"}:
        return nullcontext()
    facts = {"http.request.method": request.method, "http.route": route.template, "request_id": request.id}
    return telemetry.span(f"{request.method} {route.template}", facts, kind="request")


for _route in ROUTES:
    _http(_route)


@app.function_name("UploadCompleted")
@app.blob_trigger(
    arg_name="blob",
    path=UPLOADS + "/{id}/{file}",
    connection=STORAGE,
    source=func.BlobSource(SETTINGS.blob_trigger_source),
)
@_queues
def upload_completed(blob: BlobName, advance: Messages, encode: Messages, context: func.Context) -> None:
    from connector.pipeline.complete import complete_by_name

    with _invoked(context):
        messages = complete_by_name(shared_app(), f"{blob.container}/{blob.name}")
    _send(messages, advance, encode)


def _step(message: func.QueueMessage, queue: str, context: func.Context) -> "list[Message]":
    from connector.pipeline import measures
    from connector.pipeline.steps import run_step

    with _invoked(context):
        if message.dequeue_count == 1:
            measures.record_queue_age(shared_app(), queue, message.insertion_time)
        return run_step(shared_app(), Message.model_validate_json(message.get_body()))


@app.function_name("Advance")
@app.queue_trigger(arg_name="message", queue_name=ADVANCE_QUEUE, connection=STORAGE)
@_queues
def advance(message: func.QueueMessage, advance: Messages, encode: Messages, context: func.Context) -> None:
    _send(_step(message, ADVANCE_QUEUE, context), advance, encode)


@app.function_name("Encode")
@app.queue_trigger(arg_name="message", queue_name=ENCODE_QUEUE, connection=STORAGE)
@_queues
def encode(message: func.QueueMessage, advance: Messages, encode: Messages, context: func.Context) -> None:
    _send(_step(message, ENCODE_QUEUE, context), advance, encode)


def _poison(queue: str, name: str) -> None:
    @app.function_name(name)
    @app.queue_trigger(arg_name="message", queue_name=f"{queue}-poison", connection=STORAGE)
    def handle(message: func.QueueMessage, context: func.Context) -> None:
        from connector.pipeline.steps import handle_poison

        with _invoked(context):
            handle_poison(shared_app(), message.get_body(), message.id or "")


_poison(ADVANCE_QUEUE, "AdvancePoison")
_poison(ENCODE_QUEUE, "EncodePoison")


@app.function_name("Sweep")
@app.timer_trigger(arg_name="timer", schedule=SETTINGS.sweep_schedule, run_on_startup=False)
@_queues
def sweep(
    timer: func.TimerRequest,  # noqa: ARG001 - the binding's name
    advance: Messages,
    encode: Messages,
    context: func.Context,
) -> None:
    from connector.pipeline.sweep import sweep as run

    with _invoked(context):
        messages = run(shared_app())
    _send(messages, advance, encode)
