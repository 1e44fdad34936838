"""Defines the Video, and the states that it goes through.

AWAITING_UPLOAD → QUEUED → ENCODING → PACKAGING → READY, and from any unfinished state → FAILED.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from connector.domain.media_info import MediaInfo
from connector.domain.plan import Plan
from connector.domain.usage import Usage
from connector.errors import BrokenOutput


class State(StrEnum):
    AWAITING_UPLOAD = "AWAITING_UPLOAD"
    QUEUED = "QUEUED"
    ENCODING = "ENCODING"
    PACKAGING = "PACKAGING"
    READY = "READY"
    FAILED = "FAILED"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.AWAITING_UPLOAD: frozenset({State.QUEUED, State.FAILED}),
    State.QUEUED: frozenset({State.ENCODING, State.FAILED}),
    State.ENCODING: frozenset({State.PACKAGING, State.FAILED}),
    State.PACKAGING: frozenset({State.READY, State.FAILED}),
    State.READY: frozenset(),
    State.FAILED: frozenset(),
}

FINAL = frozenset({State.READY, State.FAILED})
UNFINISHED = tuple(state for state in State if state not in FINAL)
RECENT = timedelta(days=8)
"""Age that an unfinished video has at most, but for accidents: upload URLs and messages are valid for a week."""

DELETED = "Deleted"
"""Failure code of a video that is being deleted."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Says why a video failed: `code` for programs, `message` for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class About:
    """Holds what the video's user says about it. Nothing in processing depends on it."""

    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


class Planned(NamedTuple):
    """Holds what a video has from ENCODING on."""

    info: MediaInfo
    plan: Plan


@dataclass(frozen=True)
class Video:
    """Represents one row of the Videos table. `etag` is the version that was read; None before the first save."""

    id: UUID
    created: datetime
    modified: datetime
    file_name: str
    """Name that the user gave to the file."""
    state: State = State.AWAITING_UPLOAD
    etag: str | None = None
    source_etag: str | None = None
    """ETag of the upload when it was completed; no other version is ever read."""
    snapshot: str | None = None
    """Id of the snapshot that keeps this version of the upload; None for a video that was completed without one."""
    size: int = 0
    """Size of the upload in bytes."""
    key_id: UUID | None = None
    """Id of the content key that encrypts everything playable; None for an unprotected video."""
    upload_key_id: UUID | None = None
    """Id of the key that the client encrypts its upload with; None for an unencrypted upload."""
    info: MediaInfo | None = None
    plan: Plan | None = None
    failure: Failure | None = None
    queued: datetime | None = None
    encoding: datetime | None = None
    packaging: datetime | None = None
    finished: datetime | None = None
    about: About = field(default_factory=About)
    playable: datetime | None = None
    """Time from which the beginning could be played while the rest was being encoded; None: not before READY."""
    watched: datetime | None = None
    """Time when somebody first asked where to play it before READY. From then on, further segments are published."""
    edited: datetime | None = None
    """Time when the user last changed `about`. It is not part of `modified`, which follows the processing."""
    used: Usage = field(default_factory=Usage)
    """Usage of processing: that of the probe at first, all of it when READY."""
    trace: str = ""
    """W3C traceparent of the request that created the video; empty when nothing is traced."""

    @property
    def blob_name(self) -> str:
        """The path of the upload inside the uploads container: `{id}/{id}.{ext}`."""
        return f"{self.id}/{self.original_file_name}"

    @property
    def original_file_name(self) -> str:
        """The wire field OriginalFileName of a response: `{id}.{ext}`."""
        return f"{self.id}.{self.file_name.rpartition('.')[2].lower()}"

    def planned(self) -> Planned:
        """Returns what the probe found and planned. Raises BrokenOutput for a video that has no plan yet."""
        if self.info is None or self.plan is None:
            raise BrokenOutput(f"the video has no plan in state {self.state}")
        return Planned(self.info, self.plan)

    @property
    def playable_early(self) -> bool:
        """Whether the beginning can be played while the rest is still processed."""
        return self.playable is not None and self.state in {State.ENCODING, State.PACKAGING}

    @property
    def deleted(self) -> bool:
        """Whether deletion was begun, and perhaps interrupted: nothing of the video is needed any more."""
        return self.failure is not None and self.failure.code == DELETED

    def to(self, state: State, now: datetime, **changes: object) -> "Video":
        """Returns the video in its next state. Raises ValueError for a transition that does not exist."""
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"{self.state} → {state} is not a transition")
        stamp = {
            State.QUEUED: "queued",
            State.ENCODING: "encoding",
            State.PACKAGING: "packaging",
            State.READY: "finished",
            State.FAILED: "finished",
        }[state]
        return replace(self, state=state, modified=now, **{stamp: now}, **changes)  # type: ignore[arg-type]


def new_id(now: datetime | None = None) -> UUID:
    """Returns a UUIDv7 (RFC 9562 section 5.7) of the moment `now`, so that ids sort by creation.

    48 bits of Unix milliseconds come first, then 12 bits of their fraction (section 6.2, method 3).
    """
    # From Python 3.14 on, `uuid.uuid7` can take its place.
    microseconds = ((now or datetime.now(UTC)) - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    milliseconds, rest = divmod(microseconds, 1000)
    value = milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1000) << 64
    return UUID(int=value | 0b10 << 62 | secrets.randbits(62))


def new_video(
    file_name: str,
    now: datetime | None = None,
    *,
    about: About | None = None,
    protected: bool = False,
    encrypted_upload: bool = False,
) -> Video:
    now = now or datetime.now(UTC)
    return Video(
        id=new_id(now),
        created=now,
        modified=now,
        file_name=file_name,
        about=about or About(),
        key_id=new_id(now) if protected else None,
        upload_key_id=new_id(now) if encrypted_upload else None,
    )
