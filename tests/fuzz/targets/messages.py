"""Messages of the queues, and of the poison queues."""

from collections.abc import Iterator
from uuid import UUID

from pydantic import ValidationError

from connector.domain.messages import Message
from connector.domain.step import Step
from connector.errors import ConnectorError
from connector.pipeline.steps import handle_poison, run_step
from tests.fuzz.target import Target
from tests.fuzz.world import world


def _run(data: bytes) -> None:
    here = world()
    body = here.filled(data)
    try:
        handle_poison(here.app, body)
    finally:
        here.restore()
    message = Message.model_validate_json(body)
    assert message.task.parse(str(message.task)) == message.task
    try:
        for following in run_step(here.app, message):
            assert Message.model_validate_json(following.model_dump_json()) == following
    finally:
        here.restore()


def _seeds() -> Iterator[bytes]:
    video = UUID(int=1)
    for step in Step:
        for name in (b"{encoding}", b"{ready}", b"{waiting}"):
            text = Message(step=step, video_id=video, index=1, trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
            yield text.model_dump_json().encode().replace(str(video).encode(), name)


TARGET = Target(
    _run,
    _seeds,
    (ValidationError, ConnectorError),  # the queue tries again, or hands the message to `handle_poison`
    (b"{waiting}", b"{ready}", b"{encoding}", b'"index":'),
    json=True,
)
