"""Formats text, addresses, times and rates for manifests."""

import re
from xml.etree import ElementTree as ET

from connector.domain.layout import TIMESCALE


def plain(text: str) -> str:
    """Returns `text` as one line that any manifest can carry: whatever cannot be printed becomes a space."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


_NOT_IN_ADDRESSES = re.compile(r"[^!%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]")


def uri(text: str) -> str:
    """Returns `text`, which can be put into any manifest as it is: it breaks neither templates, quotes nor lines.

    Raises ValueError when it is not percent-encoded, `$` and `#` too. The error does not quote `text`, which may be
    secret.
    """
    if _NOT_IN_ADDRESSES.search(text):
        raise ValueError("an address in a manifest must be percent-encoded")
    return text


def rounded(ticks: int, per_second: int) -> int:
    """Converts ticks of `TIMESCALE` to units of 1/`per_second` s, rounded half up.

    Durations are differences of rounded times, so that rounding errors never add up.
    """
    return (2 * ticks * per_second + TIMESCALE) // (2 * TIMESCALE)


def decimal(value: int, digits: int) -> str:
    """Writes an integer in units of 10^-digits, e.g. `decimal(4004000, 6)` is `4.004000`."""
    whole, part = divmod(value, 10**digits)
    return f"{whole}.{part:0{digits}d}"


def document(root: ET.Element) -> str:
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
