"""What a resource of the API is: its address, its methods, and what each method takes and answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connector.api.app import App
from connector.api.auth import Permission
from connector.api.http import Request, Response

Handler = Callable[[App, Request], Response]
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY")
"""The methods of RFC 9110 section 9 and RFC 5789, and QUERY. Any other method is unknown here."""

READ, WRITE, PUBLIC = Permission.READ, Permission.WRITE, Permission.PUBLIC


@dataclass(frozen=True)
class Operation:
    """What one method does to one resource. The OpenAPI document is made from these and the handlers' docstrings."""

    handler: Handler
    permission: Permission
    answers: Mapping[int, Any]
    """Answers by status of success: the model of a JSON answer, the media type of another one, None for no content."""
    query: Any = None
    """The model that the handler reads the query with."""
    body: Any = None
    """The model that the handler reads the body with."""
    errors: tuple[int, ...] = ()
    """Statuses of errors beside those that follow from the other fields."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Request headers that only this operation knows, with their meaning."""

    @property
    def answers_json(self) -> bool:
        """Whether the Accept header must allow JSON. That is not so for pages, keys, manifests and redirects."""
        return 307 not in self.answers and not any(isinstance(answer, str) for answer in self.answers.values())


@dataclass(frozen=True)
class Route:
    """A resource: one HTTP function, which accepts every method."""

    name: str
    """Name of the function."""
    template: str
    """Address of the resource below the API's URL, in ASP.NET's notation."""
    operations: Mapping[str, Operation]
    """Operations by method. HEAD follows from GET."""

    @property
    def permission(self) -> Permission:
        """The lowest permission that any operation demands. A route is public as a whole or not at all."""
        permissions = {operation.permission for operation in self.operations.values()}
        return min(permissions, key=(PUBLIC, READ, WRITE).index, default=PUBLIC)

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods that the resource answers."""
        defined = (m for method in self.operations for m in ([method, "HEAD"] if method == "GET" else [method]))
        return (*defined, "OPTIONS")
