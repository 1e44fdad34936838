"""Route templates and their order, as the host's ASP.NET router has them.

Order: https://github.com/Azure/azure-webjobs-sdk-extensions, `WebJobsRouteBuilder.RouteComparison`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Self
from urllib.parse import unquote
from uuid import UUID

from local.app import Function
from local.config import ConfigurationError

_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)((?::[^{}]+)*?)(\?|=[^{}]*)?\}")
_CONSTRAINT = re.compile(r":(\w+)(?:\(([^)]*)\))?")


def _parses(kind: Callable[[str], object]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            kind(value)
        except ValueError:
            return False
        return True

    return check


def _integer(bits: int) -> Callable[[str], bool]:
    limit = 1 << (bits - 1)
    return lambda value: re.fullmatch(r"[+-]?\d+", value) is not None and -limit <= int(value) < limit


_SIMPLE: Mapping[str, Callable[[str], bool]] = {
    "alpha": lambda value: re.fullmatch(r"[A-Za-z]*", value) is not None,
    "bool": lambda value: value.lower() in {"true", "false"},
    "decimal": _parses(float),
    "double": _parses(float),
    "float": _parses(float),
    "guid": _parses(UUID),
    "int": _integer(32),
    "long": _integer(64),
    "required": bool,
}
_WITH_ARGUMENTS: Mapping[str, Callable[[str, list[int]], bool]] = {
    "length": lambda value, limits: limits[0] <= len(value) <= limits[-1],
    "minlength": lambda value, limits: len(value) >= limits[0],
    "maxlength": lambda value, limits: len(value) <= limits[0],
    "min": lambda value, limits: _integer(64)(value) and int(value) >= limits[0],
    "max": lambda value, limits: _integer(64)(value) and int(value) <= limits[0],
    "range": lambda value, limits: _integer(64)(value) and limits[0] <= int(value) <= limits[1],
}


def _constraint(name: str, arguments: str | None) -> Callable[[str], bool]:
    if arguments is None and name in _SIMPLE:
        return _SIMPLE[name]
    if arguments is not None and name == "regex":
        return lambda value: re.search(arguments, value, re.IGNORECASE) is not None
    if arguments is not None and name in _WITH_ARGUMENTS:
        check, limits = _WITH_ARGUMENTS[name], [int(number) for number in arguments.split(",")]
        return lambda value: check(value, limits)
    raise ConfigurationError(f"The route constraint {name!r} is not known to the local host.")


@dataclass(frozen=True, slots=True)
class _Segment:
    """`parameter` is empty for a literal; `default` is None when the segment must be there."""

    literal: str = ""
    parameter: str = ""
    catch_all: bool = False
    default: str | None = None
    constraints: tuple[Callable[[str], bool], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        if "{" not in text:
            return cls(literal=text.lower())
        match = _PARAMETER.fullmatch(text)
        if match is None:
            raise ConfigurationError(f"The route segment {text!r} is not known to the local host.")
        constraints = _CONSTRAINT.findall(match[3].replace("()", ""))
        tail = match[4]
        return cls(
            parameter=match[2],
            catch_all=bool(match[1]),
            default="" if tail == "?" or (match[1] and tail is None) else tail and tail[1:],
            constraints=tuple(_constraint(name, arguments or None) for name, arguments in constraints),
        )


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP function's address below the prefix. `methods` is empty when it takes all."""

    function: Function
    methods: frozenset[str]
    segments: tuple[_Segment, ...]

    @classmethod
    def of(cls, function: Function) -> Self:
        """Raises ConfigurationError for a template outside what this router knows."""
        template = (function.trigger.get("route") or function.name).strip("/")
        return cls(
            function=function,
            methods=frozenset(method.upper() for method in function.trigger.get("methods") or ()),
            segments=tuple(_Segment.parse(segment) for segment in template.split("/")),
        )

    def match(self, path: list[str]) -> dict[str, str] | None:
        """Route parameters when these decoded path segments fit, else None."""
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            if segment.catch_all:
                path = [*path[:index], *(["/".join(path[index:])] if path[index:] else [])]
            given = path[index] if index < len(path) else None
            if segment.literal:
                if given is None or given.lower() != segment.literal:
                    return None
                continue
            value = given or segment.default
            if value is None or (value and not all(check(value) for check in segment.constraints)):
                return None
            if value:
                values[segment.parameter] = value
        return values if len(path) <= len(self.segments) else None


def _compare(one: Route, other: Route) -> int:
    for mine, theirs in zip(one.segments, other.segments, strict=False):
        if bool(mine.parameter) != bool(theirs.parameter):
            return 1 if mine.parameter else -1
        if len(mine.constraints) != len(theirs.constraints):
            return len(theirs.constraints) - len(mine.constraints)
        if mine.literal != theirs.literal:
            return -1 if mine.literal < theirs.literal else 1
    return len(other.segments) - len(one.segments)


class Router:
    """Finds the function for a path and method: the first route, in the host's order, that fits both."""

    def __init__(self, routes: list[Route], prefix: str) -> None:
        by_name = sorted(routes, key=lambda route: route.function.name.lower())
        self._routes = sorted(by_name, key=cmp_to_key(_compare))
        self._prefix = [part.lower() for part in prefix.split("/") if part]

    def find(self, method: str, raw_path: str) -> tuple[Function, dict[str, str]] | None:
        """`raw_path` is still percent-encoded; an encoded slash stays encoded, as in ASP.NET."""
        path = [unquote(re.sub("%2f", "%252F", part, flags=re.IGNORECASE)) for part in raw_path.split("/")[1:]]
        if path and not path[-1]:
            path.pop()
        if [part.lower() for part in path[: len(self._prefix)]] != self._prefix:
            return None
        path = path[len(self._prefix) :]
        for route in self._routes:
            if not route.methods or method.upper() in route.methods:
                values = route.match(path)
                if values is not None:
                    return route.function, values
        return None
