"""Paths and queries as ASP.NET hands them to the Functions host."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from local.http_message import join_by_name

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_VALID = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a request: its decoded path and its query."""

    path: str
    query: str
    """The query as it was sent, with its question mark; it is empty when there is none."""

    @property
    def encoded(self) -> str:
        """The path and query in the URL that a function sees."""
        return encoded_path(self.path) + self.query.replace("#", "%23")

    def parameters(self) -> list[tuple[str, str]]:
        """Returns the decoded names and values of the query, in their order."""
        return [(_decoded(name, plus=True), _decoded(value, plus=True)) for name, value in self._pairs()]

    def _pairs(self) -> list[tuple[str, str]]:
        parts = [part.partition("=") for part in self.query[1:].split("&") if part]
        return [(name, value) for name, _, value in parts]


def parse(target: str) -> Target:
    """Parses a target in origin form. Raises ValueError for one that is not a path, and for an encoded NUL."""
    if not target.startswith("/"):
        raise ValueError("The target is not a path.")
    path, mark, query = target.partition("?")
    decoded = _decoded(path, keep="/")
    if "\0" in decoded:
        raise ValueError("The path has a NUL character.")
    return Target(_remove_dot_segments(decoded), mark + query)


def query_parameters(target: Target) -> dict[str, str]:
    """Returns the query as a function gets it: values of one name are joined by commas, empty ones are left out.

    https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.Grpc/MessageExtensions/GrpcMessageConversionExtensions.cs
    """
    return join_by_name((name, value) for name, value in target.parameters() if value)


def encoded_path(path: str) -> str:
    """Percent-encodes what a path may not have and keeps existing escapes, as `PathString.ToUriComponent` does.

    https://github.com/dotnet/aspnetcore/blob/main/src/Http/Http.Abstractions/src/PathString.cs
    """
    parts, at = [], 0
    while at < len(path):
        valid = _VALID.match(path, at)
        if valid:
            parts.append(valid[0])
            at = valid.end()
        else:
            parts.append("".join(f"%{byte:02X}" for byte in path[at].encode("utf-8", "surrogatepass")))
            at += 1
    return "".join(parts)


def _decoded(text: str, *, keep: str = "", plus: bool = False) -> str:
    """Decodes percent-encoded UTF-8.

    Escapes that are not UTF-8 stay as they are, and so do those of characters in `keep`.

    https://github.com/dotnet/aspnetcore/blob/main/src/Shared/UrlDecoder/UrlDecoder.cs
    """
    if plus:
        text = text.replace("+", " ")

    def run(match: re.Match[str]) -> str:
        parts, rest = [], match[0]
        while rest:
            for size in (1, 2, 3, 4):
                piece = rest[: 3 * size]
                try:
                    character = unquote_to_bytes(piece).decode("utf-8")
                except UnicodeDecodeError:
                    continue
                parts.append(piece if character in keep else character)
                rest = rest[3 * size :]
                break
            else:
                parts.append(rest[:3])
                rest = rest[3:]
        return "".join(parts)

    return re.sub(rf"(?:{_ESCAPE.pattern})+", run, text)


def _remove_dot_segments(path: str) -> str:
    """Resolves the segments `.` and `..` (RFC 3986 section 5.2.4)."""
    if "/." not in path:
        return path
    output: list[str] = []
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == ".." and output:
            output.pop()
        if segment in {".", ".."}:
            if last:
                output.append("")
            continue
        output.append(segment)
    return "/" + "/".join(output)
