"""What is told of a video's way: one trace through requests, events and queues, measures, log lines; and no secret."""

import gzip
import json
import logging
import re
from collections import deque
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

import azure.functions as func
import pytest
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import function_app
from connector import otel
from connector.blob_trigger import BlobName
from connector.domain.layout import ADVANCE_QUEUE, ENCODE_QUEUE, UPLOADS
from connector.domain.video import State
from connector.storage.azure import AzureStorage
from connector.storage.setup import prepare
from connector.telemetry import MEASURES
from local.azurite import ACCOUNT_KEY, Azurite
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import Video, numbered
from tests.support.apps import KEYS, FakeClock, memory_app
from tests.support.functions import FUNCTIONS, Out, context
from tests.support.published import FAST

pytestmark = pytest.mark.media

QUERIES = Path(function_app.__file__).parent / "infra" / "queries"
FILE_NAME = "Secret wedding of Ännchen.mp4"
WORDS = "AccountKey=hunter2"
CODE = "functions-key-of-the-caller"


class Told:
    """Everything that telemetry was told, in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.records = InMemoryLogRecordExporter()
        self.telemetry = otel.OpenTelemetry(
            SimpleSpanProcessor(self.exporter), self.reader, SimpleLogRecordProcessor(self.records)
        )

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    @property
    def logs(self):
        return [entry.log_record for entry in self.records.get_finished_logs()]

    @property
    def points(self):
        """Name → its data points."""
        data = self.reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        return {metric.name: metric.data.data_points for scope in scopes for metric in scope.metrics}


class Host:
    """Calls the functions as the Functions host does, and carries messages from their outputs to their triggers."""

    def __init__(self, *, traces=False) -> None:
        """`traces`: it tells each function a span of its own, in a trace of its own, that is not marked as sampled."""
        self.waiting = deque()
        self.carried = []
        self.spans = [] if traces else None

    def call(self, name, trigger):
        advance, encode = Out(), Out()
        parent = ""
        if self.spans is not None:
            self.spans.append((int(uuid4()), int(uuid4()) >> 64 or 1, name))
            parent = "00-{:032x}-{:016x}-00".format(*self.spans[-1])
        answer = FUNCTIONS[name].get_user_function()(trigger, advance, encode, context(parent))
        self.waiting += [("Advance", text) for text in advance.value or ()]
        self.waiting += [("Encode", text) for text in encode.value or ()]
        return answer

    def http(self, name, method, url, body=b"", **path):
        headers = {"Content-Type": "application/json", "x-functions-key": CODE}
        url = f"https://host/api/{url}?code={CODE}"
        return self.call(name, func.HttpRequest(method, url, headers=headers, route_params=path, body=body))

    def blob(self, name):
        return self.call("UploadCompleted", BlobName(UPLOADS, name))

    def drain(self):
        while self.waiting:
            name, text = self.waiting.popleft()
            self.carried.append(text)
            self.call(name, Message(text))


class Message(func.QueueMessage):
    """One that waited for a minute."""

    def __init__(self, text):
        super().__init__(body=text)

    dequeue_count = 1

    @property
    def insertion_time(self):
        return datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.INFO, "connector")
    told = Told()
    yield told
    told.telemetry.close()


@pytest.fixture
def app(told, monkeypatch):
    app = memory_app(clock=FakeClock(), telemetry=told.telemetry, **KEYS, **FAST)
    monkeypatch.setattr(function_app, "shared_app", lambda: app)
    return app


@pytest.fixture
def host(app):
    return Host()


@pytest.fixture(scope="module")
def source():
    video = Video(frames=75)
    return cached("telemetry.mp4", lambda path: numbered(path, video, Audio()), video).read_bytes()


def _create(host, **fields):
    body = json.dumps({"OriginalFileName": FILE_NAME, **fields}).encode()
    answer = host.http("Videos", "POST", "Videos", body)
    assert answer.status_code == 201, answer.get_body()
    return json.loads(answer.get_body())


def test_from_the_request_that_created_it_until_it_is_ready_a_video_is_one_trace(host, app, told, source):
    made = _create(host)
    video_id = made["Id"]
    app.storage.blobs.put(UPLOADS, f"{video_id}/{made['OriginalFileName']}", source)
    host.blob(f"{video_id}/{made['OriginalFileName']}")
    host.drain()

    assert json.loads(host.http("Status", "GET", "x", id=video_id).get_body())["Status"] == "Completed"
    way = told.spans
    assert {span.context.trace_id for span in way} == {way[0].context.trace_id}
    chunks = [f"chunk {i}" for i in range(len(app.storage.videos.get(UUID(video_id)).plan.chunks))]
    assert len(chunks) >= 2
    names = {span.context.span_id: _name(span) for span in way}
    parents = {_name(span): names[span.parent.span_id] if span.parent else None for span in way}
    assert {parents.pop("package")} <= {*chunks, "audio 0"}
    assert parents == {
        "POST Videos": None,
        "complete": "POST Videos",
        "probe": "complete",
        **dict.fromkeys([*chunks, "audio 0"], "probe"),
    }
    assert {span.attributes["video_id"] for span in way} == {video_id}
    assert {span.kind.name for span in way[1:]} == {"CONSUMER"}
    assert (way[0].kind.name, way[0].attributes["http.route"]) == ("SERVER", "Videos")
    assert way[0].attributes["http.response.status_code"] == 201


def _name(span):
    return f"{span.name} {span.attributes['task_index']}" if span.name in {"chunk", "audio"} else span.name


def test_marking_complete_goes_on_with_the_trace_of_the_video_and_names_the_request(host, app, told):
    made = _create(host)
    app.storage.blobs.put(UPLOADS, f"{made['Id']}/{made['OriginalFileName']}", b"x")
    host.http("MarkComplete", "POST", "x", id=made["Id"])

    created, complete, marked = told.spans
    assert complete.context.trace_id == created.context.trace_id != marked.context.trace_id
    assert [link.context.span_id for link in complete.links] == [marked.context.span_id]


def test_below_the_spans_of_the_host_a_video_is_one_trace_and_no_second_request(app, told, source):
    """As in Azure: each call is a request of the host's, in a trace of its own."""
    host = Host(traces=True)
    made = _create(host)
    app.storage.blobs.put(UPLOADS, f"{made['Id']}/{made['OriginalFileName']}", source)
    host.http("MarkComplete", "POST", "x", id=made["Id"])
    host.drain()

    assert app.storage.videos.get(UUID(made["Id"])).state is State.READY
    outer = {(trace, span): name for trace, span, name in host.spans}
    created, complete, marked, *steps = told.spans
    assert {span.kind.name for span in told.spans} == {"INTERNAL"}
    for request, name in ((created, "Videos"), (marked, "MarkComplete")):
        assert outer[request.context.trace_id, request.parent.span_id] == name
    # The video's trace is that of the request that created it, and each step is linked to the host's request for it.
    way = [created, complete, *steps]
    assert {span.context.trace_id for span in way} == {host.spans[0][0]}
    assert [link.context.span_id for link in complete.links] == [marked.context.span_id]
    links = {span.name: outer[link.context.trace_id, link.context.span_id] for span in steps for link in span.links}
    assert links == {"probe": "Advance", "chunk": "Encode", "audio": "Encode", "package": "Advance"}
    assert all(len(span.links) == 1 for span in steps)


def test_log_lines_of_a_call_without_a_span_stand_under_the_span_of_the_host(app, told):
    host = Host(traces=True)
    host.blob("unknown/file.mp4")
    host.http("Status", "GET", "x", id="unknown")

    (line,) = told.logs
    assert line.body == "a blob appeared that belongs to no video"
    assert (line.trace_id, line.span_id) == host.spans[0][:2]
    assert told.spans == ()


def test_what_the_timer_sets_going_again_stays_in_the_trace(host, app, told):
    made = _create(host)
    app.storage.blobs.put(UPLOADS, f"{made['Id']}/{made['OriginalFileName']}", b"no video")
    host.blob(f"{made['Id']}/{made['OriginalFileName']}")
    host.waiting.clear()  # the message is lost
    app.clock.ahead = timedelta(hours=2)
    host.call("Sweep", None)
    host.drain()

    created, _, probe = told.spans
    assert probe.name == "probe"
    assert probe.parent.span_id == created.context.span_id
    assert probe.attributes["code"] == "UnreadableMedia"


def test_what_is_measured(host, app, told, source):
    made = _create(host)
    app.storage.blobs.put(UPLOADS, f"{made['Id']}/{made['OriginalFileName']}", source)
    host.blob(f"{made['Id']}/{made['OriginalFileName']}")
    host.drain()
    video = app.storage.videos.get(UUID(made["Id"]))
    assert video.state is State.READY

    points = told.points
    assert sum(point.count for point in points["encode.speed"]) == len(video.plan.chunks)
    assert {point.attributes["height"] for point in points["encode.speed"]} == {240}
    assert {point.attributes["queue"] for point in points["queue.age"]} == {ADVANCE_QUEUE, ENCODE_QUEUE}
    assert all(60 <= point.min <= point.max < 90 for point in points["queue.age"])
    (ready,) = points["video.time_to_ready"]
    assert ready.sum == pytest.approx((video.finished - video.queued).total_seconds(), abs=0.001)
    (minutes,) = points["video.output_minutes"]
    assert minutes.sum == pytest.approx(2 * 3 / 60, abs=0.01)
    assert "video.failed" not in points
    package = next(span for span in told.spans if span.name == "package")
    assert (package.attributes["time_to_ready"], package.attributes["output_minutes"]) == (ready.sum, minutes.sum)


def test_failures_are_counted_by_code(host, app, told):
    made = _create(host)
    app.storage.blobs.put(UPLOADS, f"{made['Id']}/{made['OriginalFileName']}", b"no video")
    host.blob(f"{made['Id']}/{made['OriginalFileName']}")
    host.drain()

    (failed,) = told.points["video.failed"]
    assert (failed.attributes["code"], failed.sum) == ("UnreadableMedia", 1)


def test_log_lines_carry_the_video_and_stand_under_their_step(host, app, told):
    made = _create(host)
    app.storage.blobs.put(UPLOADS, f"{made['Id']}/{made['OriginalFileName']}", b"no video")
    host.blob(f"{made['Id']}/{made['OriginalFileName']}")
    host.drain()

    probe = next(span for span in told.spans if span.name == "probe")
    lines = {record.body: record for record in told.logs}
    assert lines["step begins"].attributes["video_id"] == made["Id"]
    assert lines["step begins"].span_id == probe.context.span_id
    assert lines["step begins"].trace_id == probe.context.trace_id


def test_a_step_that_breaks_is_told_by_its_kind_and_not_by_its_words(app, told):
    def breaks():
        raise RuntimeError(WORDS)

    def noted():
        with told.telemetry.span("probe", {}):
            try:
                breaks()
            except RuntimeError:
                logging.getLogger("connector.test").exception("it broke")
                raise

    with pytest.raises(RuntimeError):
        noted()

    (span,) = told.spans
    assert (span.attributes["error.type"], span.status.status_code.name) == ("RuntimeError", "ERROR")
    (record,) = told.logs
    assert record.attributes["exception.type"] == "RuntimeError"
    assert "test_telemetry.py" in record.attributes["exception.stacktrace"]
    assert WORDS not in f"{span.to_json()} {record.attributes!r} {record.body}"


@pytest.mark.parametrize("stopped", [False, True], ids=["published", "failed"])
def test_no_secret_and_no_file_name_is_told(host, app, told, source, stopped):
    made = _create(host, ContentProtectionMode="AES128", InputStorageEncryptionMode=None)
    encrypted = _create(host, InputStorageEncryptionMode="AES256")
    name = f"{made['Id']}/{made['OriginalFileName']}"
    app.storage.blobs.put(UPLOADS, name, b"no video" if stopped else source)
    host.blob(name)
    host.drain()
    token = json.loads(host.http("AuthorizationToken", "GET", "x", id=made["Id"]).get_body()).get("Token")
    key = host.call(
        "Key",
        func.HttpRequest(
            "GET",
            f"https://host/api/Keys/x?token={token}",
            headers={"Authorization": f"Bearer {token}"},
            params={"token": token},
            route_params={"id": made["ContentProtectionKeyId"]},
            body=b"",
        ),
    )
    assert key.status_code == 200
    host.http("Thumbnails", "GET", "x", id=made["Id"])
    host.http("Video", "GET", "x", id=encrypted["Id"])

    said = " ".join([span.to_json() for span in told.spans])
    said += " ".join(repr((record.body, dict(record.attributes))) for record in told.logs)
    said += repr(told.points) + " ".join(host.carried)
    assert made["Id"] in said
    secrets = [FILE_NAME, "wedding", "nnchen", CODE, token, key.get_body().hex(), repr(key.get_body())]
    secrets += [
        made["UploadUri"],
        encrypted["InputStorageEncryptionSymmetricKey"],
        encrypted["InputStorageEncryptionIv"],
    ]
    secrets += [text.partition(":")[2] for text in (KEYS["master_keys"], KEYS["signing_keys"])]
    assert [secret for secret in secrets if secret in said] == []
    assert not re.search(r"sig=|[?&]code=|Bearer|AccountKey|https?://|eyJ", said)


@pytest.mark.azurite
def test_the_sdks_of_storage_tell_nothing_of_their_own(told, monkeypatch):
    with Azurite() as azurite:
        connection = azurite.connection_string
        prepare(connection, ())
        with closing(AzureStorage(connection)) as storage:
            app = memory_app(storage, telemetry=told.telemetry, **KEYS)
            monkeypatch.setattr(function_app, "shared_app", lambda: app)
            host = Host()
            made = _create(host)
            signature = made["UploadUri"].partition("&sig=")[2]
            storage.blobs.put(UPLOADS, f"{made['Id']}/{made['OriginalFileName']}", b"x")
            host.blob(f"{made['Id']}/{made['OriginalFileName']}")

    assert [span.name for span in told.spans] == ["POST Videos", "complete"]
    assert signature
    said = " ".join(span.to_json() for span in told.spans) + repr(told.logs)
    assert not [secret for secret in (signature, ACCOUNT_KEY, "sig=", "http://") if secret in said]


def test_the_queries_of_infra_ask_for_what_is_told(app, told, source):
    host = Host(traces=True)
    for data in (source, b"no video"):
        made = _create(host)
        app.storage.blobs.put(UPLOADS, f"{made['Id']}/{made['OriginalFileName']}", data)
        host.blob(f"{made['Id']}/{made['OriginalFileName']}")
        host.drain()

    facts = {"AppDependencies": {}, "AppMetrics": {}}
    for span in told.spans:
        facts["AppDependencies"].setdefault(span.name, set()).update(span.attributes)
    for name, points in told.points.items():
        facts["AppMetrics"].setdefault(name, set()).update(*(point.attributes for point in points))
    assert set(facts["AppMetrics"]) == set(MEASURES) - {"orphans.found"}, "no row is missing here"
    queries = {path.stem: path.read_text("utf-8") for path in QUERIES.glob("*.kql")}
    assert set(queries) == {"time-to-ready", "failures", "queue-age", "encode-speed", "one-video"}
    for name, text in queries.items():
        table = re.search(r"^App\w+", text, re.MULTILINE)
        if table is None:
            assert name == "one-video"
            known = set().union(*facts["AppDependencies"].values())
        else:
            known = facts[table[0]][re.search(r'Name == "(.+?)"', text)[1]]
        assert set(re.findall(r"Properties\.(\w+)", text)) <= known, name


def test_printed_spans_are_lines_of_json():
    out = StringIO()
    telemetry = otel.printed(out)
    with telemetry.span("probe", {"video_id": "1"}):
        pass
    telemetry.measure("queue.age", 1.0, queue="encode")
    telemetry.close()

    span, measures = map(json.loads, out.getvalue().splitlines())
    assert (span["name"], span["attributes"]) == ("probe", {"video_id": "1"})
    assert "queue.age" in json.dumps(measures)


@pytest.fixture
def insights(monkeypatch):
    """(connection string, what it received): a server that takes what Application Insights would."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            items = json.loads(body)
            received.extend(items)
            answer = json.dumps({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    for name in otel.EXTRAS:
        monkeypatch.setenv(name, "true")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            endpoint = f"http://127.0.0.1:{server.server_port}/"
            yield f"InstrumentationKey={UUID(int=1)};IngestionEndpoint={endpoint}", received
        finally:
            server.shutdown()
            thread.join()


def test_application_insights_gets_it_in_the_columns_that_the_queries_of_infra_read(insights):
    connection, received = insights
    telemetry = otel.application_insights(connection)
    trace, request, later = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"
    with (
        telemetry.invocation(f"00-{trace}-{request}-00"),
        telemetry.span("POST Videos", {"http.request.method": "POST", "http.route": "Videos"}, kind="request"),
    ):
        video = telemetry.traceparent()
    with (
        telemetry.invocation(f"00-{'1' * 32}-{later}-00"),
        telemetry.span("package", {"video_id": "1"}, video),
    ):
        telemetry.add(time_to_ready=3.5)
        logging.getLogger("connector.test").info("step ends", extra={"video_id": "1"})
    telemetry.measure("queue.age", 60.0, queue="encode")
    telemetry.close()

    found = {(item["data"]["baseType"], _title(item["data"]["baseData"])): item for item in received}
    assert len(found) == len(received) == 4
    created, package = found["RemoteDependencyData", "POST Videos"], found["RemoteDependencyData", "package"]
    assert created["tags"]["ai.operation.parentId"] == request
    assert package["tags"]["ai.operation.parentId"] == video.split("-")[2] == created["data"]["baseData"]["id"]
    facts = package["data"]["baseData"]["properties"]
    assert later in facts.pop("_MS.links")
    assert facts == {"video_id": "1", "time_to_ready": "3.5"}
    assert package["tags"]["ai.cloud.role"] == "video-connector"
    line = found["MessageData", "step ends"]
    assert line["data"]["baseData"]["properties"]["video_id"] == "1"
    assert {item["tags"]["ai.operation.id"] for item in (package, line, created)} == {trace}
    metric = found["MetricData", "queue.age"]["data"]["baseData"]
    assert metric["properties"] == {"queue": "encode"}
    assert (metric["metrics"][0]["value"], metric["metrics"][0]["count"]) == (60.0, 1)


def _title(data):
    return data.get("name") or data.get("message") or data["metrics"][0]["name"]
