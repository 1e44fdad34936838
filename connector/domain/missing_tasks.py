"""Finds the encoding tasks of a video that are still to be done. Pure."""

from collections.abc import Iterable

from connector.domain.messages import Message
from connector.domain.planner import tasks
from connector.domain.task import Task
from connector.domain.video import Video


def missing_tasks(video: Video, rows: Iterable[Task]) -> list[Message]:
    """Returns a message for each task of the plan without a finished row, most urgent first; none without a plan."""
    if video.plan is None:
        return []
    done = {row.id for row in rows if row.done}
    missing = [task for task in tasks(video.plan) if task not in done]
    return [Message(step=task.step, video_id=video.id, index=task.index) for task in missing]
