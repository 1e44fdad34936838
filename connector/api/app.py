"""What the handlers of the API are given: the pipeline, and what settings decide about the API alone."""

from dataclasses import dataclass

from connector.domain.estimate import EstimateParameters
from connector.pipeline.context import Pipeline
from connector.security.issuers import TrustedIssuer
from connector.security.tokens import TokenPolicy


@dataclass(frozen=True, eq=False, repr=False)
class ApiOptions:
    """What the settings decide about the API."""

    auth_mode: str
    """`keys`, `entra` or `anonymous`."""
    cors_origins: tuple[str, ...]
    """Origins of other pages that may call the API."""
    embed_origins: tuple[str, ...]
    """Origins whose pages may show the embedded player in a frame."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class App(Pipeline):
    """The pipeline, with the keys and rules that only the API needs. The composition root makes it."""

    api: ApiOptions
    estimate_parameters: EstimateParameters
    tokens: TokenPolicy
    """The keys that sign and check authorization tokens."""
    callers: TrustedIssuer
    """The issuer whose tokens open the API, if its mode is `entra`."""
