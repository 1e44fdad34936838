"""Loads a function app and runs its functions, each under the app's time limit."""

import asyncio
import contextvars
import functools
import importlib
import inspect
import json
import logging
import os
import re
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func

from local.config import ConfigurationError

log = logging.getLogger("local.app")

_TRIGGERS = frozenset({"httpTrigger", "queueTrigger", "blobTrigger", "timerTrigger"})


class FunctionTimeoutError(Exception):
    """A function ran over functionTimeout; its process must be replaced, for a thread cannot be stopped."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app: its trigger and outputs are bindings as in function.json."""

    name: str
    call: Callable[..., Any]
    trigger: Mapping[str, Any]
    outputs: tuple[Mapping[str, Any], ...]
    context: str | None
    """Name of the parameter that takes the invocation's context."""

    @property
    def kind(self) -> str:
        return str(self.trigger["type"])


def load(app_dir: Path, environment: Mapping[str, str]) -> list[Function]:
    """The functions of `function_app.app` in this folder.

    Raises ConfigurationError for bindings the local host does not have, and whatever the app raises when imported.
    """
    sys.path.insert(0, str(app_dir))
    app = importlib.import_module("function_app").app
    return [_function(built, environment) for built in app.get_functions()]


def _function(built: Any, environment: Mapping[str, str]) -> Function:
    name = str(built.get_function_name())
    call = built.get_user_function()
    bindings = [_resolved(json.loads(raw), environment) for raw in built.get_raw_bindings()]
    triggers = [binding for binding in bindings if binding["type"] in _TRIGGERS]
    outputs = tuple(b for b in bindings if b["direction"] == "OUT" and b["type"] in {"queue", "http"})
    if len(triggers) != 1 or len(outputs) + 1 != len(bindings):
        kinds = ", ".join(binding["type"] for binding in bindings)
        raise ConfigurationError(f"Function {name} has bindings the local host does not know: {kinds}.")
    for binding in bindings:
        connection = binding.get("connection")
        if connection and connection not in environment:
            raise ConfigurationError(f"Function {name} needs the setting {connection!r}.")
    return Function(name, call, triggers[0], outputs, _context_parameter(call))


def _resolved(binding: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    def setting(match: re.Match[str]) -> str:
        try:
            return environment[match[1]]
        except KeyError:
            raise ConfigurationError(f"The setting {match[1]!r}, named in a binding, is missing.") from None

    return {
        key: re.sub(r"%([^%]+)%", setting, value) if isinstance(value, str) else value for key, value in binding.items()
    }


def _context_parameter(call: Callable[..., Any]) -> str | None:
    for name, parameter in inspect.signature(call, eval_str=True).parameters.items():
        if parameter.annotation is func.Context or (name == "context" and parameter.annotation is parameter.empty):
            return name
    return None


class _Context(func.Context):
    """What a function learns about its own invocation."""

    def __init__(self, function: Function, app_dir: Path) -> None:
        self._invocation_id = str(uuid.uuid4())
        self._function_name = function.name
        self._function_directory = str(app_dir)
        self._storage = threading.local()

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        return self._storage

    @property
    def function_name(self) -> str:
        return self._function_name

    @property
    def function_directory(self) -> str:
        return self._function_directory

    @property
    def trace_context(self) -> Any:
        return None

    @property
    def retry_context(self) -> Any:
        return None


class _Out(func.Out[Any]):
    def __init__(self) -> None:
        self.value: Any = None

    def set(self, val: Any) -> None:
        self.value = val

    def get(self) -> Any:
        return self.value


class Invoker:
    """Runs functions: plain ones in threads, coroutines on the loop."""

    def __init__(self, app_dir: Path, timeout: float | None) -> None:
        self._app_dir = app_dir
        self._timeout = timeout
        # The real worker's setting and default: min(32, cores + 4).
        threads = int(os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "0")) or None
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="function")
        self.timed_out = asyncio.Event()
        """Set once a function ran over its time: this process must end."""

    async def run(self, function: Function, value: Any) -> dict[str, Any]:
        """What the function gave its output bindings, by binding name; `$return` is what it returned.

        Raises FunctionTimeoutError, and whatever the function raises. Both are in the log by then.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._call(function, value)
        except TimeoutError as error:
            log.error(  # noqa: TRY400 - the trace would show the host, not the function
                "Function %s ran over %s s; its process is replaced",
                function.name,
                self._timeout,
            )
            self.timed_out.set()
            raise FunctionTimeoutError(function.name) from error
        except Exception:
            log.exception("Function %s failed", function.name)
            raise

    async def _call(self, function: Function, value: Any) -> dict[str, Any]:
        outs = {str(binding["name"]): _Out() for binding in function.outputs if binding["name"] != "$return"}
        arguments: dict[str, Any] = {str(function.trigger["name"]): value, **outs}
        if function.context is not None:
            arguments[function.context] = _Context(function, self._app_dir)
        if inspect.iscoroutinefunction(function.call):
            returned = await self._own_timeouts(function.call(**arguments))
        else:
            call = functools.partial(contextvars.copy_context().run, function.call, **arguments)
            returned = await self._own_timeouts(asyncio.get_running_loop().run_in_executor(self._threads, call))
        return {"$return": returned, **{name: out.value for name, out in outs.items()}}

    async def _own_timeouts(self, work: Any) -> Any:
        """A TimeoutError of the function itself is a failure like any other, not the host's time limit."""
        try:
            return await work
        except TimeoutError as error:
            raise RuntimeError(f"The function raised {error!r}.") from error
