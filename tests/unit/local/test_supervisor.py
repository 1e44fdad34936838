"""The supervisor starts a child again whenever it ends, also while other children are still starting."""

import asyncio
import json

from local.azurite import Ports
from local.config import StackOptions
from local.supervisor import Supervisor, _Addresses


class FakeChild:
    """A child that is up at once and ends when the test says so."""

    name = "queues"

    def __init__(self):
        self.starts = 0
        self._started = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def pid(self):
        return 1000 + self.starts

    async def start(self):
        self.starts += 1
        self._ended.clear()
        self._started.set()

    async def ended(self):
        await self._ended.wait()
        return 1

    async def end(self):
        """Ends, and returns once the supervisor has started the child again."""
        self._started.clear()
        self._ended.set()
        await asyncio.wait_for(self._started.wait(), 5)


def a_supervisor(folder):
    options = StackOptions(folder, folder, "127.0.0.1", 0, Ports(), encoders=1, drain_seconds=1)
    return Supervisor(options, {}, auth=False, in_memory=True)


def test_a_child_that_ends_while_others_start_is_started_again_every_time(tmp_path):
    async def ends_twice():
        supervisor, child = a_supervisor(tmp_path), FakeChild()
        await supervisor._children.start(child)
        for _ in range(2):
            await child.end()
        await supervisor._stop()
        return child.starts

    assert asyncio.run(ends_twice()) == 3
    assert not (tmp_path / "stack.json").exists()  # tools would take the stack for ready


def test_the_state_of_a_stack_that_is_up_has_the_process_of_a_child_that_was_started_again(tmp_path):
    async def ends_once():
        supervisor, child = a_supervisor(tmp_path), FakeChild()
        await supervisor._children.start(child)
        supervisor._addresses = _Addresses("http://127.0.0.1/api", "UseDevelopmentStorage=true")
        await child.end()
        await asyncio.sleep(0)
        await supervisor._stop()

    asyncio.run(ends_once())
    state = json.loads((tmp_path / "stack.json").read_text())
    assert (state["api"], state["connection_string"]) == ("http://127.0.0.1/api", "UseDevelopmentStorage=true")
    assert state["pids"]["queues"] == 1002
