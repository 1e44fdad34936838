"""The app itself, and beside it a function that does nothing: what a request costs on this host at least."""

import runpy
from pathlib import Path

import azure.functions as func

_PATH = Path(__file__).parents[2] / "function_app.py"

app: func.FunctionApp = runpy.run_path(str(_PATH))["app"]


@app.function_name("Bare")
@app.route("bare", auth_level=func.AuthLevel.ANONYMOUS)
def bare(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding's name
    return func.HttpResponse("{}", mimetype="application/json")
