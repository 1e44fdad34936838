"""Defines the queue messages: ids only, the facts are in the rows. A message can arrive twice, late or out of order."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from connector.domain.layout import ADVANCE_QUEUE, ENCODE_QUEUE
from connector.domain.step import WITHOUT_TASK, Step, TaskId
from connector.domain.types import Model

HOST_NAMES = frozenset(
    ["id", "dequeuecount", "expirationtime", "insertiontime", "nextvisibletime", "popreceipt", "queuetrigger", "sys"]
)
"""Names, in lower case, under which the host passes on its own metadata of a queue message:
https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#message-metadata
"""


def _is_empty(text: str) -> bool:
    return not text


class Message(Model):
    """Asks for a `step` of a video; `index` is the chunk or the audio track where the step has several tasks.

    `trace` is the W3C traceparent of the sender, left out when nothing is traced.

    The properties of a JSON message replace the host's metadata of the same name, whatever the case. So no field may
    have a name in `HOST_NAMES`.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # whatever is in a queue does not belong in a log

    version: Literal[1] = 1
    step: Step
    video_id: UUID
    index: Annotated[int, Field(ge=0, lt=10**6)] = 0  # as many digits as the name of a task has
    trace: str = Field("", exclude_if=_is_empty)

    @property
    def queue(self) -> str:
        return ADVANCE_QUEUE if self.step in WITHOUT_TASK else ENCODE_QUEUE

    @property
    def task(self) -> TaskId:
        """The task that the message is about; its row has the same name."""
        return TaskId(self.step, self.index)
