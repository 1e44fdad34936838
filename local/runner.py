"""One invocation consists of a function's run and the sending of its outputs."""

import logging
from collections.abc import Mapping

from local.app import Function, FunctionFailed, Invoker, Result
from local.protos import TypedData
from local.storage import Queues

log = logging.getLogger("local.runner")


class Runner:
    """Runs functions of every kind and counts the invocations in progress."""

    def __init__(self, invoker: Invoker, queues: Queues) -> None:
        self._invoker = invoker
        self._queues = queues
        self.outstanding = 0
        """The number of invocations that have begun and whose outputs are not sent yet."""

    async def run(self, function: Function, data: TypedData, metadata: Mapping[str, TypedData] | None = None) -> Result:
        """Runs the function and sends its outputs.

        Messages are sent one after the other. When one cannot be sent, the invocation has failed, and the messages
        before it stay sent. Raises FunctionTimeoutError and FunctionFailed, after it has logged them.
        """
        self.outstanding += 1
        try:
            result = await self._invoker.run(function, data, metadata)
            try:
                await self._queues.write_outputs(function, result)
            except Exception as error:
                log.exception("The outputs of function %s could not be sent", function.name)
                raise FunctionFailed(function.name) from error
            return result
        finally:
            self.outstanding -= 1
