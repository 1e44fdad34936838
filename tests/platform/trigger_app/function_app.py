"""Functions with which the local host's triggers are held against the real host's. What they see goes to RECORDS."""

import json
import os
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


def perform(name, msg, out):
    seen = {
        "body": msg.get_body().decode(),
        "id": msg.id,
        "count": msg.dequeue_count,
        "inserted": msg.insertion_time.isoformat(),
        "visible": msg.time_next_visible.isoformat(),
        "receipt": msg.pop_receipt,
    }
    task = msg.get_json()
    record(f"{name}-start", task=task, **seen)
    match task.get("do"):
        case "fail":
            raise ValueError("as asked")
        case "hang":
            time.sleep(60)
        case "sleep":
            time.sleep(task["seconds"])
        case "send":
            out.set(task.get("more", ["first", "x" * 70_000, "third"]))
    record(f"{name}-end", task=task)


@app.queue_trigger("msg", "work", CONNECTION)
@app.queue_output("more", "next", CONNECTION)
def work(msg: func.QueueMessage, more: Messages) -> None:
    perform("work", msg, more)


@app.queue_trigger("msg", "work-poison", CONNECTION)
def buried(msg: func.QueueMessage) -> None:
    record("buried", body=msg.get_body().decode(), id=msg.id, count=msg.dequeue_count)
    if "fail again" in msg.get_body().decode():
        raise ValueError("as asked")


@app.queue_trigger("msg", "side", CONNECTION)
def side(msg: func.QueueMessage) -> None:
    perform("side", msg, None)


@app.route("send", methods=["POST"])
@app.queue_output("more", "next", CONNECTION)
def send(req: func.HttpRequest, more: Messages) -> func.HttpResponse:
    more.set(req.get_json())
    return func.HttpResponse("all sent")


@app.blob_trigger("blob", "uploads/{id}/{file}", CONNECTION, source=func.BlobSource.EVENT_GRID)
def uploaded(blob: func.InputStream) -> None:
    record("blob", name=blob.name, uri=blob.uri, length=blob.length, content=blob.read(20).decode())
    if "slow" in blob.name:
        time.sleep(1.5)
    record("blob-end", name=blob.name)
    if "bad" in blob.name:
        raise ValueError("as asked")


def ran(name, timer):
    record(name, past_due=timer.past_due, status=timer.schedule_status, schedule=timer.schedule)


@app.timer_trigger("timer", "0 0 0 29 2 *")
def missed(timer: func.TimerRequest) -> None:
    ran("missed", timer)


@app.timer_trigger("timer", "0 0 0 29 2 *")
def unseen(timer: func.TimerRequest) -> None:
    ran("unseen", timer)


@app.timer_trigger("timer", "0 0 0 29 2 *", run_on_startup=True)
def startup(timer: func.TimerRequest) -> None:
    ran("startup", timer)


@app.timer_trigger("timer", "*/2 * * * * *")
def overrun(timer: func.TimerRequest) -> None:
    ran("overrun", timer)
    time.sleep(2.6)
    record("overrun-end")
