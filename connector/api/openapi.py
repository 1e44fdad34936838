"""The OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1), made from the route table and the wire models."""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from connector.api.auth import Permission
from connector.api.models import Error
from connector.api.resource import Operation, Route

_REF = "#/components/schemas/{model}"
_PARAMETERS = {
    "id": ({"type": "string", "format": "uuid"}, "Identifier of the video."),
    "key": ({"type": "string", "format": "uuid"}, "Identifier of the content key."),
    "index": (
        {"type": "string", "pattern": r"^([0-9]+|poster|storyboard|storyboard\.vtt)$"},
        "Number of the image from 1 on, or its name.",
    ),
    "name": ({"type": "string"}, "Path of the file."),
}
_ERRORS = {
    400: "The request is malformed: a field or parameter is missing or wrong. Code BodyMissing: the request has no "
    "body; chunked bodies (Transfer-Encoding: chunked) do not reach this API.",
    401: "The credentials are missing or not valid.",
    403: "The caller is not allowed to do this, the video is not playable (yet), or no more pictures are made of it.",
    404: "The resource does not exist.",
    405: "The resource does not define this method.",
    406: "The Accept header excludes JSON.",
    408: "Storage did not answer in time. Try again.",
    409: "The state of the resource does not allow this. Try again later.",
    412: "The resource is not the version that If-Match names.",
    413: "The body or the declared upload is over the limit.",
    414: "The address is too long.",
    415: "The body is not declared as JSON, or has a Content-Encoding (Accept-Encoding then says: identity).",
    500: "An internal error happened.",
    501: "The feature is switched off in this deployment.",
    503: "Storage is down or throttles, or the service is busy. Try again.",
}
_SUCCESS = {
    200: "The request succeeded.",
    201: "The video was created.",
    202: "The request was accepted, and processing starts.",
    204: "The request succeeded. There is no body.",
    304: "The resource has not changed since the caller read it.",
    307: "The file is at the URL in Location, for a limited time.",
}
_HEADERS = {
    201: ("Location", "ETag"),
    204: ("ETag",),
    304: ("ETag",),
    307: ("Location",),
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    408: ("Retry-After",),
    415: ("Accept-Encoding",),
    503: ("Retry-After",),
}


def document(routes: Sequence[Route], auth_mode: str, max_upload: int) -> dict[str, Any]:
    """Returns the document without its `servers`. `auth_mode` is as in the settings, `max_upload` in bytes."""
    operations = [(route, method, op) for route in routes for method, op in route.operations.items()]
    requests = {op.body for *_, op in operations if op.body}
    answers = {m for *_, op in operations for answer in op.answers.values() for m in _models(answer)} | {Error}
    wanted = [(m, "validation") for m in requests] + [(m, "serialization") for m in answers]
    _, schemas = models_json_schema(sorted(wanted, key=lambda w: w[0].__name__), ref_template=_REF)  # type: ignore[arg-type] # the modes are literals
    schemas["$defs"]["NewVideo"]["properties"]["Size"]["anyOf"][0]["maximum"] = max_upload
    paths: dict[str, dict[str, Any]] = {}
    for route, method, op in operations:
        path = "/" + route.template.replace("{*", "{")
        paths.setdefault(path, {})[method.lower()] = _operation(route, method, op, auth_mode)
    paths["/Videos"]["post"]["responses"]["201"]["links"] = _links(operations)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Video connector",
            "version": "1",
            "description": "Upload videos straight to storage, have them encoded, and play them as HLS, DASH, Smooth "
            "Streaming or one MP4 file. This is the Azure Media Services Connector API.",
        },
        "paths": paths,
        "components": {"schemas": _untitled(schemas["$defs"]), "securitySchemes": _schemes(auth_mode)},
    }


def _links(operations: Sequence[tuple[Route, str, Operation]]) -> dict[str, Any]:
    """Returns links from a new video to all operations on it."""
    names = [_id(route, method) for route, method, _ in operations if route.template.startswith("Videos/{id}")]
    return {name: {"operationId": name, "parameters": {"id": "$response.body#/Id"}} for name in names}


def _id(route: Route, method: str) -> str:
    return f"{method.lower()}{route.name}"


def _untitled(schema: Any) -> Any:
    """Returns the schema without the titles that pydantic makes from names."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _untitled(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}


def _schemes(auth_mode: str) -> dict[str, Any]:
    return {
        "keys": {"caller": {"type": "apiKey", "in": "header", "name": "x-functions-key"}},
        "entra": {"caller": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    }.get(auth_mode, {})


def _operation(route: Route, method: str, op: Operation, auth_mode: str) -> dict[str, Any]:
    summary, _, text = inspect.cleandoc(op.handler.__doc__ or "").partition("\n\n")
    described: dict[str, Any] = {
        "operationId": _id(route, method),
        "tags": [re.split(r"[/.]", route.template)[0].capitalize()],
        "summary": summary.rstrip(".").replace("\n", " "),
        "parameters": [*_path(route), *_query(op.query), *_headers(op.headers)],
        "responses": {
            **{str(status): _success(status, answer) for status, answer in op.answers.items()},
            **{str(status): _error(status, op, auth_mode) for status in sorted(_failures(route, op))},
        },
    }
    if text:
        described["description"] = " ".join(text.split())
    if op.body:
        schema = {"$ref": _REF.format(model=op.body.__name__)}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if op.permission is not Permission.PUBLIC and auth_mode in {"keys", "entra"}:
        described["security"] = [{"caller": []}]
        described["x-permission"] = op.permission.value
    return described


def _path(route: Route) -> list[dict[str, Any]]:
    found = []
    for name in re.findall(r"\{\*?(\w+)\}", route.template):
        schema, text = _PARAMETERS["key" if route.template == "Keys/{id}" else name]
        found.append({"name": name, "in": "path", "required": True, "schema": schema, "description": text})
    return found


def _query(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": _without_null(field),
            **({"description": field["description"]} if "description" in field else {}),
        }
        for name, field in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of a parameter. A query has no null: a parameter that may be null may be left out."""
    left_out = {"title", "description", "anyOf", *(["default"] if schema.get("default") is None else [])}
    rest = {key: value for key, value in schema.items() if key not in left_out}
    for choice in schema.get("anyOf", ()):
        if choice != {"type": "null"}:
            rest |= choice
    return rest


def _headers(headers: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": text}
        for name, text in headers.items()
    ]


def _failures(route: Route, op: Operation) -> set[int]:
    found = {405, 408, 414, 500, 503, *op.errors}
    if op.answers_json:
        found.add(406)
    if op.permission is not Permission.PUBLIC:
        found |= {401, 403}
    if "{" in route.template:
        found.add(404)
    if op.query or op.body:
        found.add(400)
    if op.body:
        found |= {413, 415}
    return found


def _success(status: int, answer: Any) -> dict[str, Any]:
    described: dict[str, Any] = {"description": _SUCCESS[status], **_response_headers(status)}
    if isinstance(answer, str):
        described["content"] = {answer: {}}
    elif answer is not None:
        schema = TypeAdapter(answer).json_schema(ref_template=_REF, mode="serialization")
        if models := _models(answer):
            schema = {"$ref": _REF.format(model=models[0].__name__)}
            if answer is not models[0]:
                schema = {"type": "array", "items": schema}
        described["content"] = {"application/json": {"schema": schema}}
    return described


def _error(status: int, op: Operation, auth_mode: str) -> dict[str, Any]:
    if status == 401 and auth_mode == "keys" and op.permission is not Permission.PUBLIC:
        return {
            "description": "The key is missing or wrong. The Functions host answers this itself, without a body and "
            "without the headers WWW-Authenticate and x-ms-request-id."
        }
    schema = {"$ref": _REF.format(model=Error.__name__)}
    content = {"application/json": {"schema": schema}}
    return {"description": _ERRORS[status], **_response_headers(status), "content": content}


def _response_headers(status: int) -> dict[str, Any]:
    headers = {name: {"schema": {"type": "string"}} for name in _HEADERS.get(status, ())}
    return {"headers": headers} if headers else {}


def _models(answer: Any) -> list[type[BaseModel]]:
    """Returns the model of an answer, or of its items."""
    candidates = (answer, *getattr(answer, "__args__", ()))
    return [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
