"""The app behind the recorded answers: the project's bindings, and HTTP functions that say what reached them.

Request headers named `x-probe-…` choose the answer; README.md beside this folder lists them.
"""

import base64
import json
from collections.abc import Callable
from typing import List  # noqa: UP035 - Microsoft's worker refuses `list[str]` in func.Out

import azure.functions as func

STORAGE = "MEDIA_STORAGE"
Messages = func.Out[List[str]]  # noqa: UP006 - see above

HTTP = {
    "Videos": "Videos",
    "Video": "Videos/{id}",
    "MarkComplete": "Videos/{id}/MarkComplete",
    "Status": "Videos/{id}/Status",
    "PlaybackEndpoint": "Videos/{id}/PlaybackEndpoint",
    "AuthorizationToken": "Videos/{id}/AuthorizationToken",
    "Source": "Videos/{id}/Source",
    "Thumbnails": "Videos/{id}/Thumbnails",
    "ThumbnailAt": "Videos/{id}/Thumbnails/at",
    "Thumbnail": "Videos/{id}/Thumbnails/{index}",
    "Formats": "Formats",
    "Key": "Keys/{id}",
    "Playback": "Playback/{id}/{*name}",
    "Portal": "portal/{*name}",
    "Docs": "docs",
    "OpenApi": "openapi.json",
    "Health": "health",
    "ZNoSuchResource": "{*path}",
}
"""Routes by function name."""

ANONYMOUS = {"Key", "Playback", "Portal", "Docs", "OpenApi", "ZNoSuchResource"}

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def queues(function: Callable[..., object]) -> Callable[..., object]:
    """Adds the two queue outputs that the project's functions have. The probe sends nothing."""
    advance = app.queue_output(arg_name="advance", queue_name="advance", connection=STORAGE)
    encode = app.queue_output(arg_name="encode", queue_name="encode", connection=STORAGE)
    return advance(encode(function))


def echo(name: str, req: func.HttpRequest) -> bytes:
    """What the function saw. Maps are sorted, because their order is random."""
    body = req.get_body()
    seen = {
        "fn": name,
        "method": req.method,
        "url": req.url,
        "params": dict(sorted(req.params.items())),
        "route": dict(sorted(req.route_params.items())),
        "headers": sorted(req.headers.items()),
        "body_len": len(body),
        "body_head": base64.b64encode(body[:64]).decode(),
    }
    return json.dumps(seen, ensure_ascii=False).encode()


def body_of(name: str, req: func.HttpRequest) -> bytes | None:
    if "x-probe-body" in req.headers:
        return base64.b64decode(req.headers["x-probe-body"])
    if "x-probe-body-size" in req.headers:
        size = int(req.headers["x-probe-body-size"])
        return None if size < 0 else b"x" * size
    return echo(name, req)


def answer(name: str, req: func.HttpRequest) -> object:
    asked = req.headers
    match asked.get("x-probe-action"):
        case "raise":
            raise RuntimeError("as asked")
        case "none":
            return None
        case "str":
            return "a plain string"
        case "wrongtype":
            return 42
        case "dict":
            return {"a": 1}
        case "bytes":
            return b"bytes"
    response = func.HttpResponse(
        body_of(name, req),
        status_code=int(asked.get("x-probe-status", "200")),
        mimetype=asked.get("x-probe-mimetype"),
        charset=asked.get("x-probe-charset"),
    )
    headers = json.loads(asked.get("x-probe-headers", "[]"))
    if "x-probe-raw-header" in asked:
        headers.append(json.loads(base64.b64decode(asked["x-probe-raw-header"])))
    if "x-probe-big-header" in asked:
        headers.append(["X-Big", "h" * int(asked["x-probe-big-header"])])
    headers += [["Set-Cookie", cookie] for cookie in json.loads(asked.get("x-probe-cookies", "[]"))]
    for header, value in headers:
        response.headers.add(header, value)
    return response


def http(name: str, route: str) -> None:
    level = func.AuthLevel.ANONYMOUS if name in ANONYMOUS else func.AuthLevel.FUNCTION

    @app.function_name(name)
    @app.route(route, auth_level=level)
    @queues
    def handle(req: func.HttpRequest, advance: Messages, encode: Messages) -> func.HttpResponse:
        return answer(name, req)


for _name, _route in HTTP.items():
    http(_name, _route)


@app.function_name("OnlyGet")
@app.route("only/get", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def only_get(req: func.HttpRequest) -> func.HttpResponse:
    return answer("OnlyGet", req)


@app.function_name("CoRoutine")
@app.route("coroutine", auth_level=func.AuthLevel.ANONYMOUS)
async def coroutine(req: func.HttpRequest) -> func.HttpResponse:
    return answer("CoRoutine", req)


@app.function_name("AdminLevel")
@app.route("adminlevel", auth_level=func.AuthLevel.ADMIN)
def admin_level(req: func.HttpRequest) -> func.HttpResponse:
    return answer("AdminLevel", req)


def blob_trigger(path: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    return app.blob_trigger(arg_name="blob", path=path, connection=STORAGE, source=func.BlobSource.EVENT_GRID)


@app.function_name("UploadCompleted")
@blob_trigger("uploads/{id}/{file}")
@queues
def upload_completed(blob: func.InputStream, advance: Messages, encode: Messages) -> None:
    pass


@app.function_name("BlobBytes")
@blob_trigger("bytes/{name}")
def blob_bytes(blob: bytes) -> None:
    pass


@app.function_name("BlobString")
@blob_trigger("strs/{name}")
def blob_string(blob: str) -> None:
    pass


def step(name: str, queue: str) -> None:
    @app.function_name(name)
    @app.queue_trigger(arg_name="message", queue_name=queue, connection=STORAGE)
    @queues
    def handle(message: func.QueueMessage, advance: Messages, encode: Messages) -> None:
        pass


def poison(name: str, queue: str) -> None:
    @app.function_name(name)
    @app.queue_trigger(arg_name="message", queue_name=f"{queue}-poison", connection=STORAGE)
    def handle(message: func.QueueMessage) -> None:
        pass


step("Advance", "advance")
step("Encode", "encode")
poison("AdvancePoison", "advance")
poison("EncodePoison", "encode")


@app.function_name("Sweep")
@app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *", run_on_startup=False)
@queues
def sweep(timer: func.TimerRequest, advance: Messages, encode: Messages) -> None:
    pass
