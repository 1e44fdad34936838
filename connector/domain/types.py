"""Defines small value types that others share."""

import re
from fractions import Fraction
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_RATIO = re.compile(r"[+-]?[0-9]{1,200}([./][0-9]{1,200})?")
"""Text of a fraction. It has no exponent, which would stand for a number of any size, and a limited number of digits.
"""
LONGEST_TEXT = 64
"""Characters that are kept of a text from a media file."""


def _to_fraction(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, str) and not _RATIO.fullmatch(value):
        raise ValueError("a fraction is written as 30000/1001")
    try:
        return Fraction(value)
    except (ArithmeticError, TypeError):  # a denominator of 0, infinity, or no number at all
        raise ValueError("this is not a fraction") from None


def _cut(text: str) -> str:
    return text[:LONGEST_TEXT]


Ratio = Annotated[Fraction, BeforeValidator(_to_fraction), PlainSerializer(str, return_type=str)]
"""Fraction that is written as text (`30000/1001`), so that nothing is rounded on its way through storage."""
Whole = Annotated[int, Field(ge=0, le=2**53)]
"""Whole number from 0 to the greatest that JSON readers keep exactly."""
Positive = Annotated[int, Field(gt=0, le=2**53)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
MediaText = Annotated[str, AfterValidator(_cut)]
"""Text from a media file, which may be of any length. What is longer than `LONGEST_TEXT` is cut."""


class BlobVersion(NamedTuple):
    """One version of a blob. `snapshot` is None for the blob itself, whose versions are told apart by their etag."""

    size: int
    """Size in bytes."""
    etag: str
    snapshot: str | None = None
    """Id of the snapshot that keeps this version, whatever is done to the blob."""


class Model(BaseModel):
    """Serves as the base of everything stored or sent: immutable, and strict about unknown fields."""

    # Validators are built on first use, because an HTTP request needs few of them.
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True, defer_build=True
    )
