import pytest

from local import urls
from local.app import Function
from local.config import ConfigurationError
from local.routes import Route, Router


def function(name, route=None, methods=()):
    trigger = {"type": "httpTrigger", "name": "req", "route": route, "methods": list(methods)}
    return Function(name, name, trigger)


def find(path, *routes, method="GET", prefix="api"):
    functions = [function(f"f{index}", route) for index, route in enumerate(routes)]
    found = Router([Route.of(each) for each in functions], prefix).find(method, urls.parse(path).path)
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


def test_functions_are_tried_by_name_whatever_their_templates_say():
    routes = [Route.of(function("Thumbnails", "v/{id}/{index}")), Route.of(function("ThumbnailsAt", "v/{id}/at"))]
    found = Router(routes, "api").find("GET", "/api/v/1/at")
    assert found is not None
    assert (found[0].name, found[1]) == ("Thumbnails", {"id": "1", "index": "at"})


@pytest.mark.parametrize("route", ["admin", "administration", "runtime/x"])
def test_the_hosts_own_addresses_are_no_functions(route, caplog):
    assert find(f"/api/{route}", route) is None
    assert "conflicts" in caplog.text


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/api/files/a/", {"path": "a/"}),
        ("/api/files/a//", {"path": "a//"}),
        ("/api/files/", {}),
        ("/api/files//a", None),
    ],
)
def test_a_catch_all_keeps_slashes_at_the_end(path, parameters):
    found = find(path, "files/{*path}")
    assert (found and found[1]) == parameters


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
