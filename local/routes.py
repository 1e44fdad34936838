"""Route templates are matched as the host's ASP.NET router matches them.

https://github.com/dotnet/aspnetcore/blob/main/src/Http/Routing/src/Patterns/RoutePatternMatcher.cs
The order differs from that of ASP.NET: the host tries functions by name, whatever their templates are.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from local.app import Function
from local.config import ConfigurationError

log = logging.getLogger("local.routes")

_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)((?::[^{}]+)*?)(\?|=[^{}]*)?\}")
_CONSTRAINT = re.compile(r":(\w+)(?:\(([^)]*)\))?")


def _accepted_by(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            parse(value)
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
    "decimal": _accepted_by(float),
    "double": _accepted_by(float),
    "float": _accepted_by(float),
    "guid": _accepted_by(UUID),
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
    raise ConfigurationError(f"The local host does not have the route constraint {name!r}.")


@dataclass(frozen=True, slots=True)
class _Segment:
    """One segment of a template. `parameter` is empty for a literal; `default` is None for a required segment."""

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
            raise ConfigurationError(f"The local host cannot parse the route segment {text!r}.")
        constraints = _CONSTRAINT.findall(match[3].replace("()", ""))
        tail = match[4]
        return cls(
            parameter=match[2],
            catch_all=bool(match[1]),
            default="" if tail == "?" or (match[1] and tail is None) else tail and tail[1:],
            constraints=tuple(_constraint(name, arguments or None) for name, arguments in constraints),
        )


_RESERVED = ("admin", "runtime")
"""A template may not begin with these, because such addresses are the host's own.

https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script/Host/ScriptHost.cs (ValidateFunction)
"""


@dataclass(frozen=True, slots=True)
class Route:
    """The route of one HTTP function below the prefix. `methods` is empty when it accepts all methods."""

    function: Function
    methods: frozenset[str]
    segments: tuple[_Segment, ...]

    @classmethod
    def of(cls, function: Function) -> Self:
        """Parses the route of a function. Raises ConfigurationError for a template that this router cannot parse."""
        template = (function.trigger.get("route") or function.name).strip("/")
        return cls(
            function=function,
            methods=frozenset(method.upper() for method in function.trigger.get("methods") or ()),
            segments=tuple(_Segment.parse(segment) for segment in template.split("/")),
        )

    @property
    def reserved(self) -> bool:
        """Whether the host refuses this template, and the function with it."""
        return self.segments[0].literal.startswith(_RESERVED)

    def match(self, segments: list[str], rest: Callable[[int], str]) -> dict[str, str] | None:
        """Returns the route parameters, or None when these decoded segments of a path do not match.

        `rest` returns the path from the segment with this index on, with a slash at its end.
        """
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            part = segments[index] if index < len(segments) else None
            if segment.literal:
                if part is None or part.lower() != segment.literal:
                    return None
                continue
            if segment.catch_all:
                if part == "":
                    return None
                part = rest(index) if part is not None else None
            value = part or segment.default
            if value is None or (value and not all(check(value) for check in segment.constraints)):
                return None
            if value:
                values[segment.parameter] = value
            if segment.catch_all:
                return values
        return values if len(segments) <= len(self.segments) else None


class Router:
    """Finds the function for a path and method: the first one that matches both, in the order of names."""

    def __init__(self, routes: list[Route], prefix: str) -> None:
        for route in routes:
            if route.reserved:
                log.error("The route of function %s conflicts with the host's own addresses", route.function.name)
        known = (route for route in routes if not route.reserved)
        self._routes = sorted(known, key=lambda route: route.function.name.lower())
        self._prefix = [part.lower() for part in prefix.split("/") if part]

    def find(self, method: str, path: str) -> tuple[Function, dict[str, str]] | None:
        """Returns the function and its route parameters, or None when no route matches.

        `path` is decoded except for slashes (see `local.urls`). A slash at its end counts for a catch-all only.
        """
        segments = path.split("/")[1:]
        if segments and not segments[-1]:
            segments.pop()
        if [part.lower() for part in segments[: len(self._prefix)]] != self._prefix:
            return None
        below = len(self._prefix)

        def rest(index: int) -> str:
            return "/".join(path.split("/")[1 + below + index :])

        for route in self._routes:
            if not route.methods or method.upper() in route.methods:
                values = route.match(segments[below:], rest)
                if values is not None:
                    return route.function, values
        return None
