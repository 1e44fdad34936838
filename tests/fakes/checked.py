"""Makes a fake refuse the names that the real storage refuses."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from connector.storage.names import checked, checked_container

Fake = TypeVar("Fake", bound=type)

_CHECKS: dict[str, Callable[[str], str]] = {
    "container": checked_container,
    "name": checked,
    "prefix": checked_container,
}


def checks_names(fake: Fake) -> Fake:
    """A class decorator: methods of the port check their parameters `container`, `name` and `prefix` first."""
    for method, function in list(vars(fake).items()):
        if inspect.isfunction(function) and not method.startswith("_"):
            setattr(fake, method, _checking(function))
    return fake


def _checking(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        for parameter, check in _CHECKS.items():
            if parameter in given:
                check(given[parameter])
        return function(*args, **kwargs)

    return call
