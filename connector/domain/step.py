"""Defines the steps of the pipeline, and the names of their tasks."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Step(StrEnum):
    """Names what a queue message asks for. The values are stored in messages and in the rows of tasks."""

    PROBE = "probe"
    SPLIT = "split"
    CHUNK = "chunk"
    AUDIO = "audio"
    PACKAGE = "package"


WITHOUT_TASK = frozenset({Step.PROBE, Step.PACKAGE})
"""Steps that are short and have no heartbeat. They have a row only once one of their attempts has failed or was lost.
"""


@dataclass(frozen=True, order=True, slots=True)
class TaskId:
    """Identifies one task of a video, by its step and its chunk or audio track. It is written as `chunk-000012`."""

    step: Step
    index: int = 0

    def __str__(self) -> str:
        return f"{self.step}-{self.index:06d}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the id that `str` writes as `text`. Raises ValueError for any other text."""
        step, _, index = text.partition("-")
        found = cls(Step(step), int(index))
        if str(found) != text:
            raise ValueError(f"{text!r} is not the name of a task")
        return found
