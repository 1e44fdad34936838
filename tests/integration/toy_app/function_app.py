"""One function of each kind that the local host has to run. What they do goes to files in RECORDS."""

import json
import os
import subprocess
import time
import uuid
from pathlib import Path
from typing import List  # noqa: UP035

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
CONNECTION = "AzureWebJobsStorage"
Messages = func.Out[List[str]]  # noqa: UP006 - the worker refuses list[str]


def record(what, **facts):
    path = Path(os.environ["RECORDS"]) / f"{what}-{uuid.uuid4()}"
    path.with_suffix(".tmp").write_text(json.dumps({"pid": os.getpid(), "at": time.time(), **facts}))
    path.with_suffix(".tmp").rename(path.with_suffix(".json"))


def answer(**facts):
    return func.HttpResponse(json.dumps(facts), mimetype="application/json")


@app.route("echo/{number:int}/{rest?}")
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return answer(
        method=req.method,
        url=req.url,
        route=dict(req.route_params),
        query=dict(req.params),
        header=req.headers.get("X-Thing"),
        body=req.get_body().decode(),
        function=context.function_name,
        invocation=context.invocation_id,
    )


@app.route("size", methods=["POST"])
async def size(req: func.HttpRequest) -> func.HttpResponse:
    return answer(size=len(req.get_body()))


@app.route("things/{id}", methods=["GET"])
def a_thing(req: func.HttpRequest) -> func.HttpResponse:
    return answer(id=req.route_params["id"])


@app.route("things/special", methods=["GET"])
def special_thing(req: func.HttpRequest) -> func.HttpResponse:
    return answer(special=True)


@app.route("cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("", status_code=201, headers={"X-Answer": "yes"})
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2")
    return response


@app.route("boom")
def boom(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("a secret of the app")


@app.route("hang")
def hang(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(60)
    return func.HttpResponse("too late")


@app.route("keyed", auth_level=func.AuthLevel.FUNCTION)
def keyed(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("in")


@app.route("mastered", auth_level=func.AuthLevel.ADMIN)
def mastered(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("in")


@app.route("send/{queue}", methods=["POST"])
@app.queue_output("one", "work", CONNECTION)
@app.queue_output("many", "encode", CONNECTION)
def send(req: func.HttpRequest, one: func.Out[str], many: Messages) -> func.HttpResponse:
    if req.route_params["queue"] == "encode":
        many.set(req.get_json())
    else:
        one.set(req.get_body().decode())
    if req.params.get("fail"):
        raise RuntimeError("after setting the output")
    return func.HttpResponse(status_code=202)


@app.queue_trigger("msg", "work", CONNECTION)
@app.queue_output("more", "%NEXT_QUEUE%", CONNECTION)
def work(msg: func.QueueMessage, more: Messages) -> None:
    perform("work", msg)
    if msg.get_json().get("more"):
        more.set(msg.get_json()["more"])


@app.queue_trigger("msg", "encode", CONNECTION)
def encode(msg: func.QueueMessage) -> None:
    perform("encode", msg)


def perform(name, msg):
    task = msg.get_json()
    record(f"{name}-start", task=task, id=msg.id, count=msg.dequeue_count, inserted=str(msg.insertion_time))
    match task.get("do"):
        case "fail":
            raise ValueError("as asked")
        case "exit":
            os._exit(1)
        case "hang once" if msg.dequeue_count == 1:
            time.sleep(60)
        case "child":
            child = subprocess.Popen(["sleep", "60"])
            record("child", child=child.pid)
            child.wait()
        case "sleep":
            time.sleep(task["seconds"])
    record(f"{name}-end", task=task)


@app.queue_trigger("msg", "next", CONNECTION)
def after(msg: func.QueueMessage) -> None:
    record("next", body=msg.get_body().decode())


@app.queue_trigger("msg", "work-poison", CONNECTION)
def work_failed(msg: func.QueueMessage) -> None:
    record("work-poison", body=msg.get_body().decode())


@app.queue_trigger("msg", "encode-poison", CONNECTION)
def encode_failed(msg: func.QueueMessage) -> None:
    record("encode-poison", body=msg.get_body().decode())


@app.blob_trigger("blob", "uploads/{id}/{file}", CONNECTION, source=func.BlobSource.EVENT_GRID)
def uploaded(blob: func.InputStream) -> None:
    record("blob", name=blob.name, uri=blob.uri, length=blob.length)
    if "bad" in blob.name:
        raise ValueError("as asked")
    if blob.name.endswith(".txt"):
        record("blob-read", start=blob.read(4).decode(), rest=blob.read().decode())


@app.timer_trigger("timer", "* * * * * *")
def tick(timer: func.TimerRequest) -> None:
    record("tick", past_due=timer.past_due)


@app.timer_trigger("timer", "0 0 0 29 2 *")
def rarely(timer: func.TimerRequest) -> None:
    record("rarely")
