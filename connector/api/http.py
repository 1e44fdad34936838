"""Requests and responses as the handlers see them, without Azure Functions and without a web framework.

A web framework would come through `AsgiFunctionApp`, whose functions have no output bindings for queues, and whose
import would not fit into the time of a cold start.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connector.domain.messages import Message
from connector.errors import (
    BodyMissing,
    InvalidRequest,
    NotAcceptable,
    PayloadTooLarge,
    UnsupportedMediaType,
    UriTooLong,
)

MAX_BODY = 256 * 1024
MAX_URL = 8000
"""Longest address in characters. RFC 9110 section 4.1 asks for at least as many."""
_MOST_ERRORS = 10
"""Wrong fields that one answer names. With the length of a name this bounds the answer to a wrong request."""
_LONGEST_NAME = 100
"""Characters of a wrong field's name in an answer: names inside Metadata are the caller's own."""
JSON_TYPE = "application/json; charset=utf-8"
"""The Content-Type of every JSON answer."""
_JSON_RANGES = ("application/json", "application/*", "*/*")
"""Media ranges that hold JSON, the most specific first."""
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_REFUSED = re.compile(r"q *= *0(\.0{0,3})?")


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str]
    """Headers by name in lower case."""
    query: Mapping[str, str]
    """Query parameters by name in lower case, because the old service ignored case."""
    path: Mapping[str, str]
    body: bytes
    id: str
    may_write: bool = False
    """Whether the caller may change videos; known once they are authorized."""

    @property
    def source(self) -> str:
        """The URL without its query, which may hold a key or a token."""
        # Not by urlsplit, which refuses some Host headers: those must not stop an error answer.
        return self.url.partition("?")[0].partition("#")[0]

    def check_accept(self) -> None:
        """Raises NotAcceptable unless the Accept header leaves room for JSON (RFC 9110 section 12.5.1)."""
        accept = self.headers.get("accept", "").strip()
        if not accept:
            return
        accepted: dict[str, bool] = {}
        for part in accept.lower().split(","):
            media_range, *parameters = (p.strip() for p in part.split(";"))
            accepted[media_range] = not any(_REFUSED.fullmatch(p) for p in parameters)
        # The most specific range decides.
        if not next((accepted[r] for r in _JSON_RANGES if r in accepted), False):
            raise NotAcceptable("This API answers with application/json, which the Accept header excludes.")

    def json(self, model: type[BaseModel]) -> Any:
        """Returns the body as `model`.

        Raises BodyMissing, UnsupportedMediaType, PayloadTooLarge, or InvalidRequest that names each wrong field.
        """
        if not self.body:
            raise BodyMissing
        if self.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
            raise UnsupportedMediaType("The request body must not have a Content-Encoding.", "identity")
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedMediaType("The request body must be declared as Content-Type: application/json.")
        if len(self.body) > MAX_BODY:
            raise PayloadTooLarge(f"The request body is larger than {MAX_BODY} bytes.")
        try:
            data = json.loads(self.body)
        except (ValueError, RecursionError):
            raise InvalidRequest("The request body is not valid JSON.") from None
        return _validated(model, data, "body")

    def parameters(self, model: type[BaseModel]) -> Any:
        """Returns the query as `model`, in any case of its names. Raises InvalidRequest that names each wrong
        parameter.

        An empty value counts as left out. The Functions host drops it, so it means the same under another host.
        """
        names = (field.alias or name for name, field in model.model_fields.items())
        given = {name: self.query[name.lower()] for name in names if self.query.get(name.lower())}
        return _validated(model, given, "query")

    def check_length(self) -> None:
        """Raises UriTooLong for an address over the limit."""
        if len(self.url) > MAX_URL:
            raise UriTooLong(f"The request URL is longer than {MAX_URL} characters.")


def _validated(model: type[BaseModel], data: Any, what: str) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[:_MOST_ERRORS]
        fields = {_wire_name(model, e["loc"]) or what: _sentence(e) for e in found}
        listed = "; ".join(f"{name} {text}" for name, text in fields.items())
        more = f"; and {count - len(found)} more" if (count := error.error_count()) > len(found) else ""
        raise InvalidRequest(f"The request's {what} is not valid: {listed}{more}.", fields) from None


def _sentence(error: ErrorDetails) -> str:
    return "is required" if error["type"] == "missing" else error["msg"]


def _wire_name(model: type[BaseModel], path: tuple[int | str, ...]) -> str:
    """Returns the name of the wrong field on the wire. pydantic reports a wrong default by its name in Python."""
    field = model.model_fields.get(str(path[0])) if path else None
    name = ".".join(map(str, (field.alias, *path[1:]) if field and field.alias else path))
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def header_value(text: str) -> str:
    """Returns the text with each character percent-encoded that is not printable ASCII.

    The Functions host answers 500, without a body, to a header value that has such a character.
    """
    return quote(text, safe=_PRINTABLE, errors="surrogatepass")


@dataclass(frozen=True)
class Response:
    status: int
    body: Any = None
    """The body: bytes are sent as they are, None sends nothing, everything else becomes JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    """Queue messages to send once the answer is made."""

    @property
    def content(self) -> bytes:
        """The body as it is sent, JSON in UTF-8; empty when there is none."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        return json.dumps(self.body, ensure_ascii=False).encode()
