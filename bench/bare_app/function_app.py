"""The app itself, and beside it a function that does nothing: what a request costs on this host at least."""

import importlib.util
import sys
from pathlib import Path

import azure.functions as func

_PATH = Path(__file__).parents[2] / "function_app.py"

specification = importlib.util.spec_from_file_location("real_function_app", _PATH)
assert specification
assert specification.loader
module = importlib.util.module_from_spec(specification)
sys.modules["real_function_app"] = module
specification.loader.exec_module(module)
app = module.app


@app.function_name("Bare")
@app.route("bare", auth_level=func.AuthLevel.ANONYMOUS)
def bare(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding's name
    return func.HttpResponse("{}", mimetype="application/json")
