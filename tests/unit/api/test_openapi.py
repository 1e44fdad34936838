"""The document, the routes, the models and the answers are one thing."""

import json
import re

import pytest
from pydantic import TypeAdapter

from connector.api.auth import Permission
from connector.api.errors import STATUS
from connector.api.http import Request
from connector.api.models import Error
from connector.api.openapi import document
from connector.api.routes import METHODS, ROUTES, respond
from connector.domain.formats import FORMATS
from tests.support.apps import memory_app

DOCUMENT = document(ROUTES, "keys", 10**9)
OPERATIONS = [
    (route, method, DOCUMENT["paths"]["/" + route.template.replace("{*", "{")][method.lower()])
    for route in ROUTES
    for method in route.operations
]


def ids(value):
    return value if isinstance(value, str) else getattr(value, "name", "")


def test_every_operation_is_in_the_document_and_nothing_else():
    described = {(path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item}
    assert len(described) == len(OPERATIONS) == sum(len(route.operations) for route in ROUTES)
    assert len({op["operationId"] for *_, op in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize(("route", "method", "described"), OPERATIONS, ids=ids)
def test_every_operation_says_what_it_is_for_and_what_it_may_answer(route, method, described):
    assert described["summary"]
    assert {int(status) for status in described["responses"]} <= {200, 201, 202, 204, 304, 307, *STATUS.values()}
    assert any(status in described["responses"] for status in ("200", "201", "202", "204", "307"))
    assert {"408", "500", "503", "405"} <= set(described["responses"])
    named = re.findall(r"\{\*?(\w+)\}", route.template)
    assert [p["name"] for p in described["parameters"] if p["in"] == "path"] == named


@pytest.mark.parametrize(("route", "method", "described"), OPERATIONS, ids=ids)
def test_what_demands_a_permission_says_so(route, method, described):
    permission = route.operations[method].permission
    assert ("security" in described) == (permission is not Permission.PUBLIC)
    assert described.get("x-permission", "") == permission
    if method != "GET":
        assert permission is Permission.WRITE


def test_only_these_are_public():
    """A new route needs a permission; that it is public is a decision, made here."""
    public = {route.name for route in ROUTES if route.permission is Permission.PUBLIC}
    assert public == {"Key", "Playback", "Portal", "Docs", "OpenApi", "ZNoSuchResource"}
    for route in ROUTES:
        permissions = {operation.permission for operation in route.operations.values()}
        assert permissions == {Permission.PUBLIC} or Permission.PUBLIC not in permissions


@pytest.mark.parametrize(("route", "method", "described"), OPERATIONS, ids=ids)
def test_the_401_of_the_host_is_described_as_it_is(route, method, described):
    """In mode keys the Functions host refuses by itself: it sends no body and no header that says why."""
    if route.permission is not Permission.PUBLIC:
        refusal = described["responses"]["401"]
        assert set(refusal) == {"description"}
        for word in ("Functions host", "body", "WWW-Authenticate", "x-ms-request-id"):
            assert word in refusal["description"]


@pytest.mark.parametrize(("route", "method", "described"), OPERATIONS, ids=ids)
def test_what_takes_a_body_says_that_it_must_be_there_and_plain(route, method, described):
    if "requestBody" in described:
        assert "BodyMissing" in described["responses"]["400"]["description"]
        assert "Content-Encoding" in described["responses"]["415"]["description"]
        assert "Accept-Encoding" in described["responses"]["415"]["headers"]


def references(value):
    if isinstance(value, dict):
        found = {value["$ref"]} if "$ref" in value else set()
        return found.union(*(references(v) for v in value.values()))
    if isinstance(value, list):
        return set().union(*(references(v) for v in value))
    return set()


def test_every_reference_leads_somewhere():
    schemas = DOCUMENT["components"]["schemas"]
    assert references(DOCUMENT) == {f"#/components/schemas/{name}" for name in schemas}


@pytest.mark.parametrize("format_", FORMATS, ids=lambda f: f.extension)
def test_the_pattern_of_file_names_is_the_list_of_formats(format_):
    pattern = re.compile(DOCUMENT["components"]["schemas"]["NewVideo"]["properties"]["OriginalFileName"]["pattern"])
    assert pattern.search(f"a.{format_.extension}")
    assert pattern.search(f"a.{format_.extension.upper()}")
    assert not pattern.search(f"a.{format_.extension}x")
    assert not pattern.search(format_.extension)


def test_errors_have_the_shape_that_is_described():
    app = memory_app()
    route = next(route for route in ROUTES if route.name == "Videos")
    request = Request("POST", "https://host/api/Videos", {"content-type": "application/json"}, {}, {}, b"{}", "the-id")
    body = respond(lambda: app, route, request).body
    assert TypeAdapter(Error).validate_python(body).model_dump(by_alias=True) == body
    assert list(body) == list(DOCUMENT["components"]["schemas"]["Error"]["properties"])


@pytest.mark.parametrize("mode", ["keys", "entra", "anonymous"])
def test_how_to_prove_who_one_is_follows_the_mode(mode):
    described = document(ROUTES, mode, 10**9)
    scheme = described["components"]["securitySchemes"].get("caller", {}).get("type")
    assert scheme == {"keys": "apiKey", "entra": "http", "anonymous": None}[mode]
    assert ("security" in described["paths"]["/Videos"]["get"]) == (mode != "anonymous")


def test_it_is_served_as_json_and_told_apart_by_its_etag():
    app = memory_app()
    route = next(route for route in ROUTES if route.name == "OpenApi")

    def ask(host="a.example", **headers):
        return respond(
            lambda: app, route, Request("GET", f"https://{host}/api/openapi.json", headers, {}, {}, b"", "x")
        )

    answer = ask()
    assert json.loads(json.dumps(answer.body))["servers"] == [{"url": "https://a.example/api"}]
    assert ask(**{"if-none-match": answer.headers["ETag"]}).status == 304
    other = ask("b.example")
    assert other.headers["ETag"] != answer.headers["ETag"]
    assert other.body["servers"] == [{"url": "https://b.example/api"}]
    assert other.body["paths"] is answer.body["paths"], "it is made once for all addresses"


@pytest.mark.parametrize("route", [r for r in ROUTES if r.permission is not Permission.PUBLIC], ids=ids)
@pytest.mark.parametrize("method", METHODS)
def test_in_entra_mode_nothing_is_answered_to_a_stranger(route, method):
    app = memory_app(auth_mode="entra", entra_issuer="https://i", entra_audience="a", entra_jwks="https://j")
    request = Request(method, "https://host/api/x", {}, {}, {"id": "x", "index": "1"}, b"", "x")
    answer = respond(lambda: app, route, request)
    assert answer.status == (405 if method not in route.allowed else 204 if method == "OPTIONS" else 401)
    assert answer.status != 204 or answer.body is None
