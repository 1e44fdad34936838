"""Defines the value types that all stored and transmitted models share."""

from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer


def _to_fraction(value: Any) -> Fraction:
    return value if isinstance(value, Fraction) else Fraction(value)


Ratio = Annotated[Fraction, BeforeValidator(_to_fraction), PlainSerializer(str, return_type=str)]
"""Fraction that is written as text (`30000/1001`), so that nothing is rounded on its way through storage."""


class Model(BaseModel):
    """Serves as the base of everything stored or sent: immutable, and strict about unknown fields."""

    # Validators are built on first use, because an HTTP request needs few of them.
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True, defer_build=True
    )
