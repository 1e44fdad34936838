import pytest

from local.app import Function
from local.config import ConfigurationError
from local.routes import Route, Router


def function(name, route=None, methods=()):
    trigger = {"type": "httpTrigger", "name": "req", "route": route, "methods": list(methods)}
    return Function(name, lambda req: None, trigger, (), None)


def find(path, *routes, method="GET", prefix="api"):
    functions = [function(f"f{index}", route) for index, route in enumerate(routes)]
    found = Router([Route.of(each) for each in functions], prefix).find(method, path)
    return found and (found[0].trigger["route"], found[1])


@pytest.mark.parametrize(
    ("route", "path", "parameters"),
    [
        ("videos", "/api/Videos", {}),
        ("Videos", "/API/videos/", {}),
        ("videos/{id}", "/api/videos/1", {"id": "1"}),
        ("videos/{id}", "/api/videos/%C3%A4%20b", {"id": "ä b"}),
        ("videos/{id}", "/api/videos/a%2Fb", {"id": "a%2Fb"}),
        ("videos/{id?}", "/api/videos", {}),
        ("videos/{id=new}", "/api/videos", {"id": "new"}),
        ("files/{*path}", "/api/files/a/b/c", {"path": "a/b/c"}),
        ("files/{*path}", "/api/files", {}),
        ("videos/{id:guid}/status", "/api/videos/6f9619ff-8b86-d011-b42d-00c04fc964ff/status", {"id": ...}),
        ("n/{n:int:min(3)}", "/api/n/3", {"n": "3"}),
        ("n/{n:range(1,5)}", "/api/n/5", {"n": "5"}),
        ("n/{n:length(2,3)}", "/api/n/ab", {"n": "ab"}),
        ("n/{n:regex(^[ab]+$)}", "/api/n/AB", {"n": "AB"}),
    ],
)
def test_a_path_that_fits(route, path, parameters):
    found = find(path, route)
    assert found is not None
    assert found[1].keys() == parameters.keys()
    assert all(value in {..., found[1][name]} for name, value in parameters.items())


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("videos", "/videos"),
        ("videos", "/api/videos/1"),
        ("videos/{id}", "/api/videos"),
        ("videos/{id}", "/api/videos/1/2"),
        ("videos/{id:guid}", "/api/videos/1"),
        ("n/{n:int}", "/api/n/2147483648"),
        ("n/{n:int:min(3)}", "/api/n/2"),
        ("n/{n:range(1,5)}", "/api/n/6"),
        ("n/{n:length(2)}", "/api/n/a"),
        ("n/{n:alpha}", "/api/n/a1"),
        ("n/{n:bool}", "/api/n/yes"),
    ],
)
def test_a_path_that_does_not_fit(route, path):
    assert find(path, route) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v/formats", "v/formats"),
        ("/api/v/1", "v/{id:int}"),
        ("/api/v/x", "v/{id}"),
        ("/api/v/x/status", "v/{id}/status"),
        ("/api/v/x/y", "v/{id}/{what}"),
    ],
)
def test_the_more_specific_route_comes_first(path, expected):
    found = find(path, "v/{id}/{what}", "v/{id}", "v/{id}/status", "v/{id:int}", "v/formats")
    assert found is not None
    assert found[0] == expected


def test_functions_may_share_a_route_by_method():
    routes = [Route.of(function("read", "v", ["GET"])), Route.of(function("make", "v", ["post"]))]
    router = Router(routes, "api")
    assert router.find("POST", "/api/v")[0].name == "make"
    assert router.find("GET", "/api/v")[0].name == "read"
    assert router.find("PUT", "/api/v") is None


def test_a_function_without_a_route_is_found_by_its_name_and_the_prefix_may_be_empty():
    router = Router([Route.of(function("Hello"))], "")
    assert router.find("GET", "/hello")[0].name == "Hello"


@pytest.mark.parametrize("route", ["v/{id:prime}", "v/{a}.{b}", "v/{id"])
def test_a_template_the_router_does_not_know_is_refused(route):
    with pytest.raises(ConfigurationError):
        Route.of(function("f", route))
