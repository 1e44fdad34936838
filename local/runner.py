"""One invocation: a function runs, and what it put out is sent."""

import logging
from collections.abc import Mapping

from local.app import Function, FunctionFailed, Invoker, Result
from local.protos import TypedData
from local.storage import Queues

log = logging.getLogger("local.runner")


class Runner:
    """Runs functions of every kind and counts the invocations under way."""

    def __init__(self, invoker: Invoker, queues: Queues) -> None:
        self._invoker = invoker
        self._queues = queues
        self.outstanding = 0
        """Invocations that have begun and not ended, what they put out included."""

    async def run(self, function: Function, data: TypedData, metadata: Mapping[str, TypedData] | None = None) -> Result:
        """Run the function and send its outputs.

        Messages go out one after the other. When one cannot be sent, those before it are out, and the invocation has
        failed. Raises FunctionTimeoutError and FunctionFailed; both are in the log by then.
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
