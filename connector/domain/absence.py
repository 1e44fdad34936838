"""Defines what is known of a video without a row."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Absence:
    """Notes that a video has no row. What is still stored for a deleted video may be removed at once. What is stored
    for any other may belong to a row that was lost, such as by restoring the table to an earlier time.
    """

    video_id: UUID
    since: datetime
    """Time of the deletion, or when the row was first missed."""
    deleted: bool
    """Whether the video was deleted."""
