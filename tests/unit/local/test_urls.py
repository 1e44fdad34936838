import pytest

from local import urls


@pytest.mark.parametrize(
    ("sent", "path", "seen"),
    [
        ("/api/docs", "/api/docs", "/api/docs"),
        ("/api/%64ocs", "/api/docs", "/api/docs"),
        ("/a/b%2Fc/%2f", "/a/b%2Fc/%2f", "/a/b%2Fc/%2f"),
        ("/%C3%A9", "/é", "/%C3%A9"),
        ("/%FF%C3", "/%FF%C3", "/%FF%C3"),
        ("/100%", "/100%", "/100%25"),
        ("/%zz", "/%zz", "/%25zz"),
        ("/%2541", "/%41", "/%41"),
        ("/a b", "/a b", "/a%20b"),
        ("/a\\b", "/a\\b", "/a%5Cb"),
        ("/a/./b/../c", "/a/c", "/a/c"),
        ("/../../a", "/a", "/a"),
        ("/a/%2e%2e/b/..", "/", "/"),
        ("/docs#frag", "/docs#frag", "/docs%23frag"),
        ("/😀", "/😀", "/%F0%9F%98%80"),
    ],
)
def test_a_path_is_decoded_for_routes_and_encoded_for_functions(sent, path, seen):
    target = urls.parse(sent)
    assert (target.path, target.encoded) == (path, seen)


@pytest.mark.parametrize("sent", ["/a%00b", "api/docs", "", "http://host/api"])
def test_what_is_no_path_is_refused(sent):
    with pytest.raises(ValueError):
        urls.parse(sent)


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("?a=1&a=2", {"a": "1,2"}),
        ("?a=1&A=2", {"A": "1,2"}),
        ("?a=&b&c=3", {"c": "3"}),
        ("?a=&a=2", {"a": "2"}),
        ("?a=b+c&d=%2B", {"a": "b c", "d": "+"}),
        ("?=x", {"": "x"}),
        ("?a=b=c", {"a": "b=c"}),
        ("?a=%FF&b=%zz", {"a": "%FF", "b": "%zz"}),
        ("?a=1;b=2", {"a": "1;b=2"}),
        ("?a=1#b", {"a": "1#b"}),
        ("?", {}),
        ("", {}),
    ],
)
def test_a_query_as_a_function_gets_it(query, parameters):
    assert urls.query_parameters(urls.parse(f"/api{query}")) == parameters


def test_the_address_that_a_function_sees_has_the_query_as_it_was_sent():
    assert urls.parse("/a?b=%41&c#d").encoded == "/a?b=%41&c%23d"
