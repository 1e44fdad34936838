"""The recorded cases, and the bytes that each one sends."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

FAMILIES = frozenset(
    {"method", "path", "query", "key", "cors", "webhook", "response", "body", "chunked", "uri", "expect"}
)
"""The families of cases in which the local host must answer as Microsoft's host does."""

RAW_FAMILIES = frozenset({"chunked", "expect"})
"""The families whose raw cases count as well. Other raw cases are about Kestrel's parser."""

SETUPS = ("keys", "flex-cors", "flex-cors-two", "flex-cors-any", "flex-cors-none")

_PIECE = 256 * 1024  # bytes that are sent at a time
_CUT = re.compile(r"(.*)\.\.\.\((\d+) characters\)", re.DOTALL)


@dataclass(frozen=True)
class Case:
    """One recorded request and the answer of Microsoft's host. README.md says what the fields hold."""

    name: str
    setup: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    note: str = ""

    @property
    def id(self) -> str:
        return f"{self.setup}/{self.name}"

    @cached_property
    def family(self) -> str:
        return re.split("[ -]", self.name, maxsplit=1)[0]

    @property
    def must_agree(self) -> bool:
        if self.family == "cors" and self.setup == "keys":
            return False  # recorded outside Flex Consumption, where the host has no CORS
        return self.family in FAMILIES and ("raw" not in self.request or self.family in RAW_FAMILIES)

    @property
    def method(self) -> str:
        return str(self.request.get("method") or self.request["raw"].split(" ", 1)[0])

    def sent(self, names: Mapping[str, str]) -> Iterator[bytes]:
        """The bytes of the request in pieces. `names` are the values of the placeholders."""
        request = self.request
        if "raw" in request:
            yield fill(request["raw"], names).encode("latin-1")
            return
        body = fill(request.get("body", ""), names).encode("latin-1")
        size = request.get("body_size", len(body))
        headers = [("Host", "127.0.0.1:{port}"), *request["headers"]]
        if size:
            headers.append(("Content-Length", str(size)))
        head = [f"{request['method']} {request['target']} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        yield fill("\r\n".join(head) + "\r\n\r\n", names).encode("latin-1") + body
        left = size - len(body)
        while left > 0:
            yield b"x" * min(left, _PIECE)
            left -= _PIECE


def fill(text: str, names: Mapping[str, str]) -> str:
    """The text with each placeholder that has a name replaced by its value."""
    return re.sub(r"\{([a-z_]+)\}", lambda match: names.get(match[1], match[0]), text)


def load() -> list[Case]:
    """All cases in the order of recording."""
    recorded = json.loads(Path(__file__).with_name("answers.json").read_text("utf-8"))
    return [Case(**_whole(case)) for case in recorded]


def _whole(value: Any) -> Any:
    """The value with every string that was cut at its full length."""
    if isinstance(value, dict):
        return {key: _whole(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole(part) for part in value]
    if isinstance(value, str) and (cut := _CUT.fullmatch(value)):
        return cut[1].ljust(int(cut[2]), cut[1][-1])
    return value
