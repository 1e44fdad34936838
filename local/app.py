"""Loads a function app and runs its functions with Microsoft's own worker code.

`azure_functions_runtime` finds the functions, checks their bindings, and converts their inputs and outputs. This module
is the host's side of that conversation.
"""

import asyncio
import json
import logging
import os
import re
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure_functions_runtime import handle_event
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.functions import FunctionLoadError
from azure_functions_runtime.utils.threadpool import start_threadpool_executor

from local import protos
from local.config import ConfigurationError
from local.protos import TypedData

log = logging.getLogger("local.app")

_TRIGGERS = frozenset({"httpTrigger", "queueTrigger", "blobTrigger", "timerTrigger"})
_OUTPUTS = frozenset({"queue", "http"})


class FunctionFailed(Exception):
    """A function raised, or Microsoft's code refused its input or output. The log has the worker's own message."""


class FunctionTimeoutError(Exception):
    """A function ran longer than functionTimeout. Its process must be replaced, because a thread cannot be stopped."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app. Its trigger and outputs are bindings as in function.json."""

    name: str
    id: str
    """The id that the worker has given it."""
    trigger: Mapping[str, Any]
    outputs: tuple[Mapping[str, Any], ...] = ()

    @property
    def kind(self) -> str:
        """The trigger's type, such as `queueTrigger`."""
        return str(self.trigger["type"])

    @property
    def deferred(self) -> bool:
        """Whether the trigger's parameter is of an SDK type. The host then sends a reference instead of the value."""
        return bool(self.trigger.get("properties", {}).get("SupportsDeferredBinding"))


@dataclass(frozen=True, slots=True)
class Result:
    """What a function returned, and what it wrote to its outputs by their names. The worker has converted both."""

    returned: TypedData | None = None
    outputs: Mapping[str, TypedData] = field(default_factory=dict)


def load(app_dir: Path, environment: Mapping[str, str]) -> list[Function]:
    """Returns the functions of this folder's function_app.py. A process can load one app only.

    Raises ConfigurationError for what the worker refuses, with the worker's message, and for bindings that the local
    host does not have. It also raises whatever the app raises on import.
    """
    sys.path.insert(0, str(app_dir))
    handle_event.protos = protos
    load_binding_registry()
    try:
        handle_event.load_function_metadata(str(app_dir), caller_info="local")
    except FunctionLoadError as error:
        raise ConfigurationError(str(error)) from error
    start_threadpool_executor()
    return [_function(found, environment) for found in handle_event._metadata_result or ()]  # noqa: SLF001


def _function(found: Any, environment: Mapping[str, str]) -> Function:
    bindings = [_resolved(json.loads(raw), environment) for raw in found.raw_bindings]
    triggers = [binding for binding in bindings if binding["type"] in _TRIGGERS]
    outputs = tuple(b for b in bindings if b["direction"] == "OUT" and b["type"] in _OUTPUTS)
    if len(triggers) != 1 or len(outputs) + 1 != len(bindings):
        kinds = ", ".join(binding["type"] for binding in bindings)
        raise ConfigurationError(f"Function {found.name} has bindings that the local host does not have: {kinds}.")
    for binding in bindings:
        connection = binding.get("connection")
        if connection and connection not in environment:
            raise ConfigurationError(f"Function {found.name} needs the setting {connection!r}.")
    return Function(found.name, found.function_id, triggers[0], outputs)


def _resolved(binding: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    def setting(match: re.Match[str]) -> str:
        try:
            return environment[match[1]]
        except KeyError:
            raise ConfigurationError(f"The setting {match[1]!r}, which a binding names, is missing.") from None

    return {
        key: re.sub(r"%([^%]+)%", setting, value) if isinstance(value, str) else value for key, value in binding.items()
    }


class Invoker:
    """Runs functions under the time limit of the app."""

    def __init__(self, timeout: float | None) -> None:
        """`timeout` is in seconds; None means no limit."""
        self._timeout = timeout
        self.timed_out = asyncio.Event()
        """Set once a function has exceeded its time: this process must end."""
        self.on_timeout: Callable[[], None] = lambda: None
        """Called when a function has exceeded its time, before its caller gets an answer."""

    async def run(self, function: Function, data: TypedData, metadata: Mapping[str, TypedData] | None = None) -> Result:
        """Runs the function with the value of its trigger and the metadata that the host sends with it.

        Raises FunctionTimeoutError and FunctionFailed, after it has logged them.
        """
        request = protos.InvocationRequest(
            invocation_id=str(uuid.uuid4()),
            function_id=function.id,
            input_data=[protos.ParameterBinding(name=function.trigger["name"], data=data)],
            trigger_metadata=dict(metadata or {}),
            trace_context=_trace(),
            retry_context=protos.RetryContext(retry_count=0, max_retry_count=0, exception=None),
        )
        envelope = protos.Message(request=protos.Message(invocation_request=request))
        try:
            async with asyncio.timeout(self._timeout):
                response = await handle_event.invocation_request(envelope)
        except TimeoutError as error:
            log.error(  # noqa: TRY400 - the traceback would show the host, not the function
                "Function %s exceeded its limit of %s s; its process is replaced",
                function.name,
                self._timeout,
            )
            self.timed_out.set()
            self.on_timeout()
            raise FunctionTimeoutError(function.name) from error
        if response.result.status != protos.StatusResult.Success:
            failure = response.result.exception
            log.error("Function %s failed: %s\n%s", function.name, failure.message, failure.stack_trace)
            raise FunctionFailed(failure.message)
        return Result(response.return_value, {binding.name: binding.data for binding in response.output_data})


def _trace() -> protos.TraceContext:
    """Starts a trace for the invocation, as the host does (https://www.w3.org/TR/trace-context/)."""
    parent = f"00-{uuid.uuid4().hex}-{os.urandom(8).hex()}-00"
    return protos.TraceContext(trace_parent=parent, trace_state="", attributes={})
