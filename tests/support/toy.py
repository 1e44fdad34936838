"""The toy app of the local host's tests: one function of each kind, and what they recorded."""

import base64
import http.client
import json
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.stack import Stack

TOY_APP = Path(__file__).parents[1] / "integration" / "toy_app"


class Toy:
    """The toy app in a folder of its own, its stack, and what its functions recorded."""

    def __init__(self, folder, function_timeout="00:01:00", env=None, source=TOY_APP, queues=None, **options):
        """`queues` is added to that section of host.json."""
        self.folder = folder
        self.records = folder / "records"
        self.records.mkdir(parents=True, exist_ok=True)
        self.app = folder / "app"
        self.app.mkdir(exist_ok=True)
        shutil.copy(source / "function_app.py", self.app)
        host = {
            "version": "2.0",
            "functionTimeout": function_timeout,
            "extensions": {"queues": {"maxDequeueCount": 2, "maxPollingInterval": "00:00:00.2", **(queues or {})}},
        }
        (self.app / "host.json").write_text(json.dumps(host))
        (self.app / "local.settings.json").write_text(
            json.dumps({"Values": {"NEXT_QUEUE": "next", "RECORDS": "overridden by the environment"}})
        )
        environment = {"RECORDS": str(self.records), "QUEUE_LEASE_SECONDS": "2", **(env or {})}
        self.stack = Stack(self.app, folder / "data", env=environment, **options)

    def __enter__(self):
        self.stack.__enter__()
        self.queues = QueueServiceClient.from_connection_string(self.stack.connection_string)
        self.blobs = BlobServiceClient.from_connection_string(self.stack.connection_string)
        return self

    def __exit__(self, *error):
        self.queues.close()
        self.blobs.close()
        self.stack.stop()

    def records_of(self, what, **task):
        """What there is by now, in the order of time; `task` narrows it to records of tasks with these fields."""
        records = [json.loads(path.read_text()) for path in self.records.glob(f"{what}-????????-*.json")]
        fitting = [record for record in records if task.items() <= record.get("task", {}).items()]
        return sorted(fitting, key=lambda record: record["at"])

    def recorded(self, what, count=1, **task):
        """The same, once there are at least `count`."""

        def found():
            records = self.records_of(what, **task)
            return records if len(records) >= count else None

        return until(found, f"{count} records of {what}")

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body), whatever the status; `path` is below the API's prefix unless it starts with /."""
        parts = urlsplit(self.stack.api)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            connection.request(method, path if path.startswith("/") else f"{parts.path}/{path}", body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def json(self, method, path, body=None, headers=None):
        status, _, content = self.request(method, path, body, headers)
        assert status == 200
        return json.loads(content)

    def send(self, queue, *tasks):
        for task in tasks:
            content = base64.b64encode(json.dumps(task).encode()).decode()
            self.queues.get_queue_client(queue).send_message(content)

    def messages(self, queue):
        """What can be seen in a queue, decoded."""
        return [base64.b64decode(m.content).decode() for m in self.queues.get_queue_client(queue).peek_messages(32)]

    def log(self):
        return self.stack.log.read_text()


def until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    pytest.fail(f"Waited {seconds} s for {what}")


def alive(pids):
    """Those that run; a process nobody has waited for yet counts as ended."""

    def runs(pid):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return bool(state.stdout.strip()) and not state.stdout.startswith("Z")

    return {name for name, pid in pids.items() if runs(pid)}
