"""What every step is given."""

import os
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from connector.domain.estimate import Machine, Terms
from connector.domain.limits import SourceLimits
from connector.domain.planner import Limits as PlanLimits
from connector.domain.ports import Storage
from connector.domain.usage import Prices
from connector.pipeline.admission import Admission
from connector.security.issuers import TrustedIssuer, trusted_issuer
from connector.security.key_sets import KeySet
from connector.security.master import KeyRing
from connector.security.tokens import TokenPolicy
from connector.settings import Settings
from connector.telemetry import Telemetry

if TYPE_CHECKING:
    from connector.media.jobs import Limits

PROBE_SECONDS = 120


def now() -> datetime:
    return datetime.now(UTC)


def worker_name() -> str:
    """Names this process, so that tasks which ran side by side can be told from the rows."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True)
class App:
    """The adapters and settings, as the composition root put them together."""

    storage: Storage
    settings: Settings
    telemetry: Telemetry = field(default_factory=Telemetry)

    @property
    def plan_limits(self) -> PlanLimits:
        s = self.settings
        return PlanLimits(s.segment_seconds, s.chunk_seconds, s.max_resolution)

    @cached_property
    def terms(self) -> Terms:
        s = self.settings
        prices = Prices(
            gb_second=s.price_gb_second,
            million_executions=s.price_million_executions,
            ten_thousand_writes=s.price_10k_writes,
            gb_month=s.price_gb_month,
            memory=s.instance_memory_mb,
            currency=s.currency,
        )
        return Terms(Machine(s.encode_seconds_per_gigapixel, s.encoder_threads), prices)

    @cached_property
    def admission(self) -> Admission:
        return Admission(self.storage.videos, self.settings.max_pending_videos)

    @property
    def source_limits(self) -> SourceLimits:
        s = self.settings
        return SourceLimits(
            minutes=s.max_duration_minutes, pixels=s.max_source_pixels, frame_rate=s.max_frame_rate, tracks=s.max_tracks
        )

    @property
    def probe_limits(self) -> "Limits":
        """A probe reads little, so one that takes long hangs."""
        return self.task_limits.model_copy(update={"seconds": min(PROBE_SECONDS, self.settings.task_timeout_seconds)})

    @property
    def task_limits(self) -> "Limits":
        from connector.media.jobs import Limits

        s = self.settings
        return Limits(seconds=s.task_timeout_seconds, memory=s.task_memory_mb << 20, threads=s.encoder_threads)

    @property
    def stream_limits(self) -> "Limits":
        """Of a task whose work is as long as the source."""
        return self.task_limits.model_copy(update={"seconds": self.settings.stream_timeout_seconds})

    @cached_property
    def master_keys(self) -> KeyRing:
        return KeyRing.parse(self.settings.master_keys)

    @cached_property
    def tokens(self) -> TokenPolicy:
        s = self.settings
        return TokenPolicy(
            signing_keys=KeyRing.parse(s.signing_keys),
            issuer=s.token_issuer,
            audience=s.token_audience,
            lifetime=timedelta(minutes=s.token_minutes),
            trusted=trusted_issuer(s.trusted_jwks, s.trusted_issuer, s.trusted_audience or s.token_audience),
        )

    @cached_property
    def callers(self) -> TrustedIssuer:
        """Whose tokens open the API, if its mode is `entra`."""
        s = self.settings
        return TrustedIssuer(KeySet(s.entra_jwks), s.entra_issuer, s.entra_audience)

    @property
    def signed(self) -> bool:
        """Whether output containers are private."""
        return self.settings.playback_access == "signed"

    def key_uri(self, key_id: UUID) -> str:
        """Where players get a content key."""
        return f"{self.settings.public_url.rstrip('/')}/Keys/{key_id}"

    @property
    def upload_lifetime(self) -> timedelta:
        return timedelta(hours=self.settings.upload_hours)

    @property
    def url_lifetime(self) -> timedelta:
        return timedelta(hours=self.settings.url_hours)

    @property
    def stall(self) -> timedelta:
        return timedelta(minutes=self.settings.stall_minutes)
