from fractions import Fraction
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.domain.types import MediaText, Model, Ratio


class Holder(Model):
    ratio: Ratio
    text: MediaText = ""


@given(st.fractions())
def test_a_fraction_comes_back_as_it_was(ratio):
    holder = Holder(ratio=ratio)
    assert Holder.model_validate_json(holder.model_dump_json()) == holder


@pytest.mark.parametrize(
    ("text", "value"), [("30000/1001", Fraction(30_000, 1001)), ("-2", -2), ("0.5", Fraction(1, 2)), (0.25, 0.25)]
)
def test_a_fraction_may_be_written_in_these_ways(text, value):
    assert Holder(ratio=text).ratio == value


@pytest.mark.parametrize(
    "value",
    [
        *("", "a", "1/0", "1e999999999", "1E9", "9" * 1000, "1/" + "9" * 1000, "1//2", "1/-2", "٣"),
        *(None, [], {}, float("nan"), float("inf")),
    ],
)
def test_anything_else_is_refused_at_once(value):
    begin = monotonic()
    with pytest.raises(ValidationError):
        Holder(ratio=value)
    assert monotonic() - begin < 1


@given(st.text(max_size=200))
def test_a_text_of_a_media_file_has_a_limited_length(text):
    assert Holder(ratio=1, text=text).text == text[:64]
