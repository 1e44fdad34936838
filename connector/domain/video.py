"""The Video, and the states it goes through.

AWAITING_UPLOAD → QUEUED → ENCODING → PACKAGING → READY, and from any unfinished state → FAILED.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID, uuid4

from connector.domain.media_info import MediaInfo
from connector.domain.plan import Plan
from connector.domain.usage import Usage


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

DELETED = "Deleted"
"""Code of the failure of a video that is being deleted."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a video failed: `code` for programs, `message` for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class About:
    """What the video's user says about it; nothing here depends on it."""

    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Video:
    """One row of the Videos table. `etag` is the version that was read; None before the row is first saved."""

    id: UUID
    created: datetime
    modified: datetime
    file_name: str
    """What the user called the file."""
    state: State = State.AWAITING_UPLOAD
    etag: str | None = None
    source_etag: str | None = None
    """ETag of the upload that was seen at completion; the only one that is ever read."""
    size: int = 0
    """Bytes of the upload."""
    key_id: UUID | None = None
    """Of the content key that everything playable is encrypted with; None for a clear video."""
    upload_key_id: UUID | None = None
    """Of the key that the client encrypts its upload with; None for a clear upload."""
    info: MediaInfo | None = None
    plan: Plan | None = None
    failure: Failure | None = None
    queued: datetime | None = None
    encoding: datetime | None = None
    packaging: datetime | None = None
    finished: datetime | None = None
    about: About = field(default_factory=About)
    playable: datetime | None = None
    """When its beginning could be played, while the rest was still being encoded; None: not before it was READY."""
    watched: datetime | None = None
    """When somebody first asked where to play it before it was READY: what is added is published from then on."""
    edited: datetime | None = None
    """When its user last changed what is said about it. Not part of `modified`, which tells how processing goes."""
    used: Usage = field(default_factory=Usage)
    """What processing took: of the probe so far; all of it when READY."""
    trace: str = ""
    """W3C traceparent of the request that created it; empty when nothing is traced."""

    @property
    def blob_name(self) -> str:
        """Path of the upload inside the uploads container: `{id}/{id}.{ext}`."""
        return f"{self.id}/{self.original_file_name}"

    @property
    def original_file_name(self) -> str:
        """`{id}.{ext}`: the wire field OriginalFileName of a response."""
        return f"{self.id}.{self.file_name.rpartition('.')[2].lower()}"

    @property
    def growing(self) -> bool:
        """Whether its beginning can be played while the rest is still processed."""
        return self.playable is not None and self.state in {State.ENCODING, State.PACKAGING}

    @property
    def deleted(self) -> bool:
        """Whether its deletion was begun, and perhaps broke off: nothing of it is needed any more."""
        return self.failure is not None and self.failure.code == DELETED

    def to(self, state: State, now: datetime, **changes: object) -> "Video":
        """The video one state further. Raises ValueError for a transition that does not exist."""
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


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 section 5.7), so that ids sort by creation.

    48 bits of Unix milliseconds come first, then 12 bits of their fraction (section 6.2, method 3).
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    value = milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64
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
        id=new_id(),
        created=now,
        modified=now,
        file_name=file_name,
        about=about or About(),
        key_id=uuid4() if protected else None,
        upload_key_id=uuid4() if encrypted_upload else None,
    )
