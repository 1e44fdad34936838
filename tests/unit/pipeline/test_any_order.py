"""Queues deliver in any order, late and more than once, and workers overlap and die: the outcome is always the same."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.domain.layout import UPLOADS
from connector.domain.media_info import Access
from connector.domain.messages import Message
from connector.errors import ConnectorError, NotFound, TaskLost
from connector.pipeline.complete import complete_by_name, complete_upload
from connector.pipeline.context import Pace
from connector.pipeline.delete import delete
from connector.pipeline.early import mark_watched
from connector.pipeline.steps import handle_poison, run_step
from connector.pipeline.sweep import sweep
from tests.fakes.media import INFO, PICTURE, SOUND, FakeMediaRunner
from tests.fakes.storage import MemoryStorage
from tests.support.actors import Actor, Stepwise
from tests.support.apps import FakeClock, quick_app
from tests.support.world import drive, left_behind, output, timeless, uploaded, with_fault

SHORT = INFO.model_copy(
    update={
        "video": PICTURE.model_copy(update={"end": Fraction(1)}),
        "audio": (SOUND.model_copy(update={"end": Fraction(1)}),),
    }
)
"""Of two tasks: two deliveries of one task meet more often than with many."""
INFOS = {"long": INFO, "short": SHORT, "pieces": SHORT.model_copy(update={"access": Access.PIECES})}
MINUTES = 30
"""How long the timer tries before the outcome is looked at."""
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
"""The search for orphans goes by the minute of the day, so an example could not be repeated at another time."""
PACE = Pace(
    # A worker that stands still would beat at times, by the clock of the machine: the fake jobs beat for it.
    heartbeat_seconds=3600,
    # One after the other, as an actor does everything: otherwise no example could be repeated.
    storage_calls=1,
    # Workers that stand still here for hours are not dead.
    max_losses=1000,
)


@dataclass(frozen=True)
class Poison:
    body: bytes


@dataclass
class World:
    """One video, its messages, and whoever works on them at the moment."""

    media: FakeMediaRunner
    storage: MemoryStorage = field(default_factory=MemoryStorage)
    clock: FakeClock = field(default_factory=lambda: FakeClock(moment=START))
    waiting: list = field(default_factory=list)
    actors: list = field(default_factory=list)
    kills: int = 0
    """How many media processes to come are killed by somebody."""

    def __post_init__(self):
        self.media.before = self.begin_job
        self.app = quick_app(Stepwise(self.storage), self.media, clock=self.clock, pace=PACE)
        self.video = uploaded(self.app)

    def begin_job(self, job):
        if self.kills:
            self.kills -= 1
            raise TaskLost("the media process ended with signal SIGKILL")

    def start(self, function, message=None):
        self.actors.append((Actor(function), message))

    def deliver(self, message):
        poison = isinstance(message, Poison)
        self.start(lambda: handle_poison(self.app, message.body) if poison else run_step(self.app, message), message)

    def settle(self):
        """Takes what those left who have ended; a message that failed comes back."""
        for actor, message in [pair for pair in self.actors if pair[0].done]:
            self.actors.remove((actor, message))
            if actor.error is None:
                self.waiting += actor.answer or []
            elif isinstance(actor.error, ConnectorError):
                self.waiting += [message] if message else []
            else:
                raise actor.error

    def kill(self, pair):
        """Its message comes back when the lease ends."""
        self.actors.remove(pair)
        pair[0].kill()
        if pair[1]:
            self.waiting.append(pair[1])

    def wait(self, minutes):
        self.clock.moment += timedelta(minutes=minutes)

    def end(self):
        """Everybody comes to an end, and so do all messages."""
        self.kills = 0
        for actor, _ in self.actors:
            actor.finish()
        self.settle()
        for _ in range(MINUTES):
            for _ in range(500):
                if not self.waiting:
                    break
                self.deliver(self.waiting.pop(0))
                self.actors[-1][0].finish()
                self.settle()
            assert not self.waiting, "messages go round and round"
            self.wait(10)
            self.waiting += sweep(self.app)

    def outcome(self):
        row = self.storage.videos.get(self.video.id)
        app = replace(self.app, storage=self.storage)
        tasks = timeless(self.storage.tasks.of(self.video.id))
        return row.state, row.plan, tasks, output(app, self.video), len(left_behind(app, self.video))


def _live(info, act):
    world = World(FakeMediaRunner(info, progress=(0.5,)))
    act(world)
    world.end()
    return world


@pytest.fixture(scope="module")
def expected():
    return {
        name: _live(info, lambda world: drive(world.app, complete_upload(world.app, world.video.id))).outcome()
        for name, info in INFOS.items()
    }


def _disorder(data, world, *more):
    """Anything that may happen, in any order: `more` holds what happens once at some time, or never."""
    video, app, budget = world.video, world.app, {"copies": 6, "deaths": 4, "kills": 4, "sweeps": 4}
    more = [*more, lambda: world.start(lambda: _watch(world))]
    world.waiting += complete_upload(app, video.id)
    for _ in range(data.draw(st.integers(0, 150), label="moves")):
        moves = ["step"] * 6 * bool(world.actors) + ["deliver"] * 3 * (bool(world.waiting) and len(world.actors) < 3)
        moves += ["copy"] * 2 * (bool(world.waiting) and budget["copies"] > 0)
        moves += ["die"] * (bool(world.actors) and budget["deaths"] > 0)
        moves += ["kill"] * (bool(world.actors) and budget["kills"] > 0)
        moves += ["sweep", "complete", "event"] * (budget["sweeps"] > 0) + ["more"] * bool(more)
        if not moves:
            break
        match data.draw(st.sampled_from(moves)):
            case "step":
                # A few at once: otherwise few examples come far.
                actor, _ = data.draw(st.sampled_from(world.actors))
                for _ in range(data.draw(st.sampled_from([1, 2, 4, 12, 40]))):
                    if not actor.done:
                        actor.step()
            case "deliver":
                world.deliver(world.waiting.pop(data.draw(st.integers(0, len(world.waiting) - 1))))
            case "copy":
                budget["copies"] -= 1
                message = data.draw(st.sampled_from(world.waiting))
                world.deliver(message)
            case "die":
                budget["deaths"] -= 1
                world.kill(data.draw(st.sampled_from(world.actors)))
            case "kill":
                budget["kills"] -= 1
                world.kills += 1
            case "sweep":
                budget["sweeps"] -= 1
                world.wait(data.draw(st.sampled_from([1, 3, 11, 70])))
                world.start(lambda: sweep(app))
            case "complete":
                budget["sweeps"] -= 1
                world.start(lambda: complete_upload(app, video.id))
            case "event":
                budget["sweeps"] -= 1
                world.start(lambda: complete_by_name(app, f"{UPLOADS}/{video.blob_name}"))
            case "more":
                more.pop()()
        world.settle()


def _watch(world):
    with suppress(NotFound):
        mark_watched(world.app, world.app.storage.videos.get(world.video.id))


REPEATED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", INFOS)
@REPEATED
@given(data=st.data())
def test_in_any_order_and_number_the_same_is_published(expected, name, data):
    world = _live(INFOS[name], lambda world: _disorder(data, world))
    assert world.outcome() == expected[name]


@pytest.mark.parametrize("name", INFOS)
@REPEATED
@given(data=st.data())
def test_poison_at_any_time_delays_what_has_not_failed(expected, name, data):
    def act(world):
        def poison():
            messages = [m for m in world.waiting if isinstance(m, Message)]
            if messages:
                world.deliver(Poison(data.draw(st.sampled_from(messages)).model_dump_json().encode()))

        _disorder(data, world, poison, poison)

    world = _live(INFOS[name], act)
    assert world.outcome() == expected[name]
    assert world.storage.blobs.exists(UPLOADS, world.video.blob_name)


@pytest.mark.parametrize("name", INFOS)
@REPEATED
@given(data=st.data())
def test_a_deletion_at_any_time_leaves_nothing(name, data):
    def act(world):
        def remove():
            world.start(lambda: _delete(world))

        _disorder(data, world, remove)
        if data.draw(st.booleans(), label="beside those under way"):
            remove()
        for actor, _ in world.actors:
            actor.finish()
        _delete(world)  # whoever was not told that it is done asks again

    world = _live(INFOS[name], act)
    storage = world.storage
    assert (storage.videos._rows, storage.tasks._rows) == ({}, {})
    assert {name: place.blobs for name, place in storage.blobs.containers.items()} == {UPLOADS: {}}


def _delete(world):
    with suppress(NotFound):
        delete(world.app, world.video.id)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_storage_that_fails_now_and_then(expected, data):
    def act(world):
        world.app = replace(world.app, storage=world.storage)
        waiting, troubles = complete_upload(world.app, world.video.id), 12
        while waiting:
            message = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
            app = world.app
            if troubles:
                app = with_fault(app, data.draw(st.integers(1, 45)), after=data.draw(st.booleans()))
                troubles -= 1
            try:
                waiting += run_step(app, message)
            except ConnectorError:
                waiting.append(message)

    assert _live(INFO, act).outcome() == expected["long"]
