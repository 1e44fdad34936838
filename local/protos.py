"""The messages between the Functions host and its Python worker, as plain objects.

Microsoft's worker code (`azure_functions_runtime`) reads and creates these messages, and gets their classes from its
host. The fields are those of the protocol's definition:
https://github.com/Azure/azure-functions-language-worker-protobuf/blob/dev/src/proto/FunctionRpc.proto
Protocol buffers themselves are not needed, because host and worker share a process here.
"""

from typing import TYPE_CHECKING, Any


class Message:
    """Holds the fields that it was given. A missing field reads as the default of its class, where there is one."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - this is its name in protobuf
        """Returns the name of the field that is set. It is called for messages with one field only."""
        return next(iter(self.__dict__), None)


class TypedData(Message):
    """A value of one type: `string`, `json`, `bytes`, `int`, `double`, `http` or `model_binding_data`."""


class RpcHttp(Message):
    """An HTTP request or response."""

    cookies: "list[RpcHttpCookie] | None" = None


class RpcHttpCookie(Message):
    """A cookie of a response. Optional attributes are None or a message with a `value`."""

    class SameSite:
        Lax, Strict, ExplicitNone = 1, 2, 3


setattr(RpcHttpCookie.SameSite, "None", 0)  # The protocol uses a name that Python reserves.


class Nullable(Message):
    """A value that may be missing."""


NullableString = NullableBool = NullableDouble = NullableTimestamp = Nullable


class Timestamp(Message):
    """A point in time, in seconds since 1970."""


class ModelBindingData(Message):
    """A reference to the value of a deferred binding: `source`, `content_type` and `content`."""


class ParameterBinding(Message):
    """The value of one parameter: its `name` and `data`."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802
        return "data"


class BindingInfo(Message):
    """The directions that a binding can have."""

    out, inout = 1, 2
    undefined = 0


class RpcFunctionMetadata(Message):
    """A function that the worker found: `name`, `function_id`, and `raw_bindings` in the JSON of function.json."""


class RpcRetryOptions(Message):
    """The retry policy of a function."""


class RpcException(Message):
    """The reason why an invocation failed: `message` and `stack_trace`."""


class StatusResult(Message):
    """The result of an invocation: success or failure."""

    Failure, Success = 0, 1

    exception: RpcException | None = None


class InvocationResponse(Message):
    """The outcome of an invocation: `result`, `output_data` and `return_value`."""

    return_value: TypedData | None = None
    output_data: tuple[ParameterBinding, ...] | list[ParameterBinding] = ()


class TraceContext(Message):
    """The trace that an invocation belongs to (W3C Trace Context)."""


class RetryContext(Message):
    """The number of an invocation among the attempts of the function's retry policy."""


class InvocationRequest(Message):
    """All that the worker needs to run a function."""
