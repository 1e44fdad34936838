"""Which encoding tasks of a video are still to be done: pure."""

from collections.abc import Iterable

from connector.domain import planner
from connector.domain.messages import Message
from connector.domain.task import Task
from connector.domain.video import Video


def remaining(video: Video, tasks: Iterable[Task]) -> list[Message]:
    """A message for each task of the plan that has no finished row, the most urgent first."""
    if video.plan is None:
        return []
    done = {task.name for task in tasks if task.done}
    planned = (Message(step=step, video_id=video.id, index=i) for step, i in planner.tasks(video.plan))
    return [message for message in planned if message.task not in done]
