"""Value types shared by all persisted and transmitted models."""

from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer


def _to_fraction(value: Any) -> Fraction:
    return value if isinstance(value, Fraction) else Fraction(value)


Ratio = Annotated[Fraction, BeforeValidator(_to_fraction), PlainSerializer(str, return_type=str)]
"""A fraction, written as text (`30000/1001`) so that nothing is rounded on its way through storage."""


class Model(BaseModel):
    """Base of what is stored or sent: immutable, strict about unknown fields."""

    # Built when first used: an HTTP request needs few of them.
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True, defer_build=True
    )
