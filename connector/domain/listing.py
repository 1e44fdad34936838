"""Finding videos: what a listing asks for and what it gets."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from connector.domain.video import State, Video


@dataclass(frozen=True, slots=True)
class VideoFilter:
    """What videos must meet, all of it. Empty fields ask for nothing."""

    states: tuple[State, ...] = ()
    """Any of these."""
    tag: str = ""
    """Exactly one of the video's tags."""
    name_prefix: str = ""
    """How the user's file name begins, regardless of case."""

    def __bool__(self) -> bool:
        """Whether it asks for anything."""
        return bool(self.states or self.tag or self.name_prefix)

    def takes(self, state: State, file_name: str, tags: Collection[str]) -> bool:
        return (
            (not self.states or state in self.states)
            and (not self.tag or self.tag in tags)
            and file_name.casefold().startswith(self.name_prefix.casefold())
        )


@dataclass(frozen=True, slots=True)
class VideoPage:
    """Some videos, newest first. May be short, even empty, before the end: looking is bounded, too."""

    videos: tuple[Video, ...]
    after: UUID | None
    """Everything down to this id was looked at, and the next page begins behind it; None: there is no more."""
