"""The queue messages: ids only, the facts are in the rows. Every message can arrive twice, late, or out of order."""

import operator
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from connector.domain.layout import ADVANCE_QUEUE, ENCODE_QUEUE
from connector.domain.types import Model

HOST_NAMES = frozenset(
    ["id", "dequeuecount", "expirationtime", "insertiontime", "nextvisibletime", "popreceipt", "queuetrigger", "sys"]
)
"""What the host tells of a queue message, in lower case:
https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#message-metadata
"""


class Message(Model):
    """`Step` names what to do; `Index` is the chunk or the audio track where the step has several tasks.

    `Trace` is the W3C traceparent of what sent it, left out when nothing is traced.

    The properties of a JSON message replace what the host tells of it under the same name, whatever the case, so none
    may be named as those in `HOST_NAMES`.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # whatever lies in a queue does not belong in a log

    version: Literal[1] = 1
    step: Literal["probe", "package", "split", "chunk", "audio"]
    video_id: UUID
    index: int = 0
    trace: str = Field("", exclude_if=operator.not_)

    @property
    def queue(self) -> str:
        return ADVANCE_QUEUE if self.step in {"probe", "package"} else ENCODE_QUEUE

    @property
    def task(self) -> str:
        """Key of the task's row within its video; sorts by kind, then index."""
        return self.task_name(self.step, self.index)

    @staticmethod
    def task_name(step: str, index: int = 0) -> str:
        return f"{step}-{index:06d}"
