"""The Functions host around the app, in memory and in no time: queues, timer, HTTP, and processes that die.

Queues are those of the real host (azure-webjobs-sdk, `QueueProcessor`): a message is hidden while it is worked on, what
the function sends goes out one by one after it has ended, and only then the message is deleted. A failed one comes back
after five seconds, one whose process died after ten minutes; at its fifth failure it moves to the poison queue.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from connector.api.http import Request, Response
from connector.api.routes import ROUTES, respond
from connector.domain.layout import ADVANCE_QUEUE, ENCODE_QUEUE, UPLOADS
from connector.domain.messages import Message
from connector.domain.video import FINAL, Video
from connector.errors import NotFound
from connector.pipeline.complete import complete_by_name
from connector.pipeline.context import Pace
from connector.pipeline.steps import handle_poison, run_step
from connector.pipeline.sweep import sweep
from tests.faults.troubles import Killed, Trouble, Watched
from tests.faults.world import Scene, copy_of
from tests.support.apps import FakeClock, memory_app

MAX_DEQUEUE = 5
AGAIN = timedelta(seconds=5)
LEASE = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
PATIENCE = timedelta(days=3)
EVENTS = "blob-events"
"""The queue inside the host that keeps blob events."""
PACE = Pace(heartbeat_seconds=3600, storage_calls=1)
"""Which call is the k-th must not depend on threads, or on the clock."""


@dataclass
class _Letter:
    queue: str
    body: bytes
    visible: datetime
    count: int = 0
    """How often it was taken."""


class Host:
    """Works on a copy of the scene. `moment`, the app's time, jumps from one thing that happens to the next.

    `media` runs the media jobs; None where no test comes so far.
    """

    def __init__(self, scene: Scene, trouble: Trouble, media: Any = None) -> None:
        self.storage, self.trouble = scene.copy(), trouble
        # Not the host itself: a circle would keep its storage until the garbage collector comes.
        self._clock = FakeClock(moment=scene.video.created)
        self._settings, self._media = scene.settings, media
        self._letters: list[_Letter] = []
        self._sweep_at = self.moment + MINUTE
        self.poisoned = 0
        self._start()

    def _start(self) -> None:
        """A new process, that knows nothing of the one before."""
        watched = Watched(self.storage, self.trouble)
        self.app = memory_app(watched, self._media, clock=self._clock, pace=PACE, **self._settings)

    @property
    def moment(self) -> datetime:
        return self._clock.now()

    @moment.setter
    def moment(self, moment: datetime) -> None:
        self._clock.moment = moment

    def copy(self, trouble: Trouble) -> "Host":
        """Another host, with the same storage, messages and time."""
        other = copy(self)
        other.storage, other.trouble = copy_of(self.storage), trouble
        other._clock = FakeClock(moment=self.moment)
        other._letters = [replace(letter) for letter in self._letters]
        other._start()
        return other

    def wait(self, length: timedelta) -> None:
        """Lets the timer run for so long."""
        end = self.moment + length
        while self.moment < end:
            self.moment = self._sweep_at
            self.tick()

    # -- what comes from outside

    def request(self, route: str, method: str, video_id: UUID | None = None, body: bytes = b"") -> Response | None:
        """The answer; None when the connection was lost, because the process died."""
        found = next(r for r in ROUTES if r.name == route)
        request = Request(
            method=method,
            url=f"https://host/api/{route}",
            headers={"content-type": "application/json"},
            query={},
            path={"id": str(video_id)},
            body=body,
            id=str(uuid4()),
        )
        answers: list[Response] = []

        def handle() -> Sequence[Message]:
            answers.append(respond(lambda: self.app, found, request))
            return answers[0].messages

        try:
            self._invoke(handle)
        except Killed:
            return None
        except Exception:
            return Response(500)
        return answers[0]

    def insist(self, route: str, method: str, video_id: UUID | None = None, body: bytes = b"") -> Response:
        """Asks again, as clients do, until there is an answer that says that asking again is of no use."""
        for _ in range(5):
            response = self.request(route, method, video_id, body)
            if response is not None and response.status < 500 and response.status not in {408, 409}:
                return response
            self.moment += AGAIN
        raise AssertionError("five requests were not enough")

    def blob_event(self, video: Video) -> None:
        self._letters.append(_Letter(EVENTS, f"{UPLOADS}/{video.blob_name}".encode(), self.moment))

    def lose_messages(self) -> None:
        self._letters.clear()

    # -- what the host does by itself

    def run(self, video_id: UUID, until: Callable[[], bool] = lambda: False) -> None:
        """Until nothing is to be done any more for this video, or `until` says so after something was done."""
        end = self.moment + PATIENCE
        while not until():
            letter = min(self._letters, key=lambda one: one.visible, default=None)
            if letter is None and self._is_over(video_id):
                return
            if letter is not None and letter.visible <= self.moment:
                self._deliver(letter)
                continue
            self.moment = min(self._sweep_at, *([letter.visible] if letter else [self._sweep_at]))
            assert self.moment < end, f"stuck: {self.trouble}"
            if self.moment == self._sweep_at:
                self.tick()

    def tick(self) -> None:
        self._sweep_at = self.moment + MINUTE
        with suppress(Killed, Exception):  # the timer comes again
            self._invoke(lambda: sweep(self.app))

    def _is_over(self, video_id: UUID) -> bool:
        try:
            return self.storage.videos.get(video_id).state in FINAL
        except NotFound:
            return True

    def _invoke(self, function: Callable[[], Sequence[Message] | None]) -> None:
        """One run of a function and its output bindings. Raises what either of them raises."""
        try:
            messages = function() or []
            for queue in (ADVANCE_QUEUE, ENCODE_QUEUE):
                for message in messages:
                    if message.queue == queue:
                        self.trouble.call("queue.send", self._send, queue, message.model_dump_json().encode())
        except Killed:
            self._start()
            raise

    def _send(self, queue: str, body: bytes) -> None:
        self._letters.append(_Letter(queue, body, self.moment))

    def _deliver(self, letter: _Letter) -> None:
        letter.count += 1
        letter.visible = self.moment + LEASE
        if letter.count > MAX_DEQUEUE:
            self._move_to_poison(letter)
            return
        try:
            self._invoke(lambda: self._handle(letter))
            self.trouble.call("queue.delete", self._remove, letter)
        except Killed:
            self._start()
        except Exception:
            if letter.count >= MAX_DEQUEUE:
                self._move_to_poison(letter)
            else:
                letter.visible = self.moment + AGAIN

    def _handle(self, letter: _Letter) -> Sequence[Message] | None:
        match letter.queue:
            case "blob-events":
                return complete_by_name(self.app, letter.body.decode())
            case "advance" | "encode":
                return run_step(self.app, Message.model_validate_json(letter.body))
        handle_poison(self.app, letter.body)
        return None

    def _remove(self, letter: _Letter) -> None:
        # Deleting again what was deleted is a 404, which the host takes for success.
        self._letters = [other for other in self._letters if other is not letter]

    def _move_to_poison(self, letter: _Letter) -> None:
        if letter.queue.endswith("-poison"):
            letter.count = 0  # it has no poison queue: it stays, hidden until its lease ends
            return
        self._remove(letter)
        self.poisoned += 1
        if letter.queue != EVENTS:
            self._send(f"{letter.queue}-poison", letter.body)
