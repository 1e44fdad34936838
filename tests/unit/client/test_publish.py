"""Waiting for a video that was uploaded."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from client import Status
from client.errors import VideoFailed
from client.publish import Uploaded


@dataclass
class Watched:
    """An API whose status is told in a row."""

    statuses: list[Status]

    def watch(self, video_id: str) -> Iterator[Status]:
        assert video_id == "some-id"
        yield from self.statuses


class Journal:
    video_id = "some-id"
    removed = False

    def remove(self) -> None:
        self.removed = True


def status(name: str, progress: int, *, playable: bool) -> Status:
    return Status(name, "", progress, playable=playable)


WAITING = status("Processing", 10, playable=False)
EARLY = status("Processing", 40, playable=True)
READY = status("Completed", 100, playable=True)


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        ([WAITING, EARLY, EARLY, READY], [10, 40, "playable", 40, 100]),
        ([WAITING, READY], [10, 100]),
    ],
    ids=["early", "all at once"],
)
def test_it_is_told_once_that_a_video_can_be_played_before_it_is_complete(statuses, told):
    heard: list[object] = []
    Uploaded(Watched(statuses), Journal()).wait(heard.append, lambda: heard.append("playable"))
    assert heard == told


def test_a_video_that_fails_is_not_continued():
    journal = Journal()
    with pytest.raises(VideoFailed, match="broken"):
        Uploaded(Watched([EARLY, Status("Failed", "broken", 0)]), journal).wait(lambda _: None)
    assert journal.removed
