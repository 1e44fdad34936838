"""The messages between the Functions host and its Python worker, as plain objects.

Microsoft's worker code (`azure_functions_runtime`) reads and makes such messages, and gets their classes from its host.
The fields are those of the protocol's definition:
https://github.com/Azure/azure-functions-language-worker-protobuf/blob/dev/src/proto/FunctionRpc.proto
Protocol buffers themselves are not needed: host and worker code share a process here.
"""

from typing import TYPE_CHECKING, Any


class Message:
    """Holds the fields that it was given. A field that was not given reads as None, where a class names it."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - the name that protobuf gives it
        """The one field of a union that is set. Only unions are asked."""
        return next(iter(self.__dict__), None)


class TypedData(Message):
    """A value of one type: `string`, `json`, `bytes`, `int`, `double`, `http` or `model_binding_data`."""


class RpcHttp(Message):
    """A request or an answer."""

    cookies: "list[RpcHttpCookie] | None" = None


class RpcHttpCookie(Message):
    """A cookie of an answer. Optional attributes are None or a message with a `value`."""

    class SameSite:
        Lax, Strict, ExplicitNone = 1, 2, 3


setattr(RpcHttpCookie.SameSite, "None", 0)  # the protocol's name, and no name in Python


class Nullable(Message):
    """A value that might be missing."""


NullableString = NullableBool = NullableDouble = NullableTimestamp = Nullable


class Timestamp(Message):
    """Seconds since 1970."""


class ModelBindingData(Message):
    """What stands for a deferred binding's value: `source`, `content_type` and `content`."""


class ParameterBinding(Message):
    """The value of one parameter: its `name` and `data`."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802
        return "data"


class BindingInfo(Message):
    """How a function declares a binding."""

    out, inout = 1, 2
    undefined = 0


class RpcFunctionMetadata(Message):
    """A function as the worker found it: `name`, `function_id` and `raw_bindings`, JSON texts as in function.json."""


class RpcRetryOptions(Message):
    """A function's own policy of attempts."""


class RpcException(Message):
    """Why an invocation failed: `message` and `stack_trace`."""


class StatusResult(Message):
    """Whether an invocation succeeded."""

    Failure, Success = 0, 1

    exception: RpcException | None = None


class InvocationResponse(Message):
    """What an invocation gave: `result`, `output_data` and `return_value`."""

    return_value: TypedData | None = None
    output_data: tuple[ParameterBinding, ...] | list[ParameterBinding] = ()


class TraceContext(Message):
    """The trace that an invocation belongs to (W3C Trace Context)."""


class RetryContext(Message):
    """Which attempt of the function's own policy an invocation is."""


class InvocationRequest(Message):
    """What the worker needs to run a function."""
