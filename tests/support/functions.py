"""The functions of the app, called as the Functions host calls them."""

from types import SimpleNamespace

import azure.functions as func

import function_app

FUNCTIONS = {f.get_function_name(): f for f in function_app.app.get_functions()}
"""Once for all tests: the library builds an app once only."""


class Out(func.Out):
    value = None

    def set(self, val):
        self.value = val

    def get(self):
        return self.value


def context(trace_parent=""):
    """What the worker gives a function about its own call, as far as the functions read it."""
    return SimpleNamespace(trace_context=SimpleNamespace(trace_parent=trace_parent))


def call_function(name, method, url, body=b"", **path):
    """The answer to an HTTP request, and what the function sends to the two queues."""
    request = func.HttpRequest(
        method, f"https://host/api/{url}", headers={"Content-Type": "application/json"}, route_params=path, body=body
    )
    advance, encode = Out(), Out()
    answer = FUNCTIONS[name].get_user_function()(request, advance, encode, context())
    return answer, advance.value, encode.value
