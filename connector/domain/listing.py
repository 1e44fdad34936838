"""Defines what a listing of videos asks for and what it gets."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from connector.domain.video import State, Video


@dataclass(frozen=True, slots=True)
class VideoFilter:
    """Holds the conditions that a video must meet, all of them. An empty field sets no condition."""

    states: tuple[State, ...] = ()
    """States of which the video must be in one."""
    tag: str = ""
    """Tag that must be exactly one of the video's tags."""
    name_prefix: str = ""
    """Text that the user's file name must begin with, regardless of case."""

    def __bool__(self) -> bool:
        """Returns whether the filter sets any condition."""
        return bool(self.states or self.tag or self.name_prefix)

    def takes(self, state: State, file_name: str, tags: Collection[str]) -> bool:
        return (
            (not self.states or state in self.states)
            and (not self.tag or self.tag in tags)
            and file_name.casefold().startswith(self.name_prefix.casefold())
        )


@dataclass(frozen=True, slots=True)
class VideoPage:
    """Holds some videos, newest first. The search is bounded, so a page may be short, even empty, before the end."""

    videos: tuple[Video, ...]
    after: UUID | None
    """Id down to which everything was looked at; the next page begins after it. None: there are no more videos."""
