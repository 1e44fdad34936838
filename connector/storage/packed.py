"""Packs JSON for table rows: zlib in binary properties, because a string property holds 32 Ki characters only.

Limits: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
"""

import zlib

from connector.errors import TooLarge

PROPERTY_LIMIT = 64 * 1024
"""Bytes that one binary property can hold."""
LONGEST = 32 * 1024 * 1024
"""Bytes of JSON that are read from one row. A media process can say an eighth of that."""


def pack(json: str) -> bytes:
    """Returns compressed JSON. Raises TooLarge when it does not fit into one property."""
    data = compress(json)
    if len(data) > PROPERTY_LIMIT:
        raise TooLarge(f"A value takes {len(data)} bytes of the {PROPERTY_LIMIT} that a table property holds.")
    return data


def compress(json: str) -> bytes:
    return zlib.compress(json.encode())


def unpack(data: bytes) -> str:
    """Returns the JSON that `compress` made into `data`. Raises ValueError for anything else and for too much."""
    reader = zlib.decompressobj()
    try:
        json = reader.decompress(data, LONGEST)
    except zlib.error:
        raise ValueError("A table property does not hold compressed JSON.") from None
    if not reader.eof:
        raise ValueError("A table property holds JSON that is cut off or too long.")
    return json.decode()
