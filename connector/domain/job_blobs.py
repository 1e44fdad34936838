"""Describes the blobs of media jobs by what they are, in numbers.

A media process may be in the hands of hostile media, so it names no blob. It describes one, and its parent asks the job
where that is written (`Job.place`).
"""

from typing import Annotated, Literal

from pydantic import Field

from connector.domain.types import Model

Ticks = Annotated[int, Field(ge=0, lt=10**15)]
"""Time in ticks, with as many digits as the name of a block holds."""
Number = Annotated[int, Field(ge=0, lt=10**6)]
"""Number of a blob, with as many digits as its name holds."""
RenditionId = Annotated[int, Field(ge=0, lt=10**12)]


class SegmentBlob(Model):
    """A media segment."""

    kind: Literal["segment"] = "segment"
    rendition: RenditionId
    time: Ticks
    """Start of the segment."""


class BlockBlob(Model):
    """A segment's samples, which become a block of the progressive file."""

    kind: Literal["block"] = "block"
    time: Ticks
    """Start of the segment."""


class SampleTablesBlob(Model):
    """The tables of the samples that the job wrote as blocks."""

    kind: Literal["sample-tables"] = "sample-tables"


class PieceBlob(Model):
    """A piece of a source without an index."""

    kind: Literal["piece"] = "piece"
    number: Number


class ThumbnailBlob(Model):
    """An indexed thumbnail."""

    kind: Literal["thumbnail"] = "thumbnail"
    number: Number
    """Number of the thumbnail, from 1."""


class TileStripBlob(Model):
    """A chunk's tiles for the storyboard."""

    kind: Literal["tile-strip"] = "tile-strip"


class PosterCandidateBlob(Model):
    """A chunk's best picture for the poster."""

    kind: Literal["poster-candidate"] = "poster-candidate"


class StoryboardBlob(Model):
    """The storyboard's image."""

    kind: Literal["storyboard"] = "storyboard"


class PictureBlob(Model):
    """The picture that was asked for."""

    kind: Literal["picture"] = "picture"


JobBlob = Annotated[
    SegmentBlob
    | BlockBlob
    | SampleTablesBlob
    | PieceBlob
    | ThumbnailBlob
    | TileStripBlob
    | PosterCandidateBlob
    | StoryboardBlob
    | PictureBlob,
    Field(discriminator="kind"),
]
