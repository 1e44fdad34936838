"""Names a download as its uploader did (RFC 6266 section 4.3, RFC 8187)."""

import unicodedata
from urllib.parse import quote

_LONGEST, _LONGEST_EXTENSION = 80, 8
"""Characters that are kept of a name and of its extension. File systems take 255 bytes."""
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories of what breaks a header or a line, or shows a name otherwise than it is, such as U+202E."""
_PATH = str.maketrans('/\\:*?"<>|', "_________")
_ATTR_CHARS = "!#$&+-.^_`|~"
"""The `attr-char` of RFC 8187 section 3.2.1, beside letters and digits."""


def attachment(file_name: str, otherwise: str) -> str:
    """Returns a Content-Disposition for a download of this name, which may be hostile.

    `otherwise` is a plain ASCII name for when nothing is left of it.
    """
    name = _clean(file_name) or otherwise
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace("%", "_").strip(" .")
    # A client that does not know `filename*` must not decode anything, so `filename` has no percent sign.
    fallback = plain if plain.rpartition(".")[0] else otherwise
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"


def _clean(file_name: str) -> str:
    printable = (letter for letter in file_name if unicodedata.category(letter) not in _UNPRINTABLE)
    stem, dot, extension = "".join(printable).translate(_PATH).strip(" .").rpartition(".")
    stem = stem[:_LONGEST].rstrip(" .")
    return f"{stem}{dot}{extension[:_LONGEST_EXTENSION]}" if stem else ""
