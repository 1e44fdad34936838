"""SDK exceptions become the connector's own, and nothing of a request is in their text."""

import json
import logging
import socket
import traceback
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.data.tables import TableClient
from azure.storage.blob import BlobServiceClient

from connector.domain.layout import UPLOADS
from connector.domain.step import Step, TaskId
from connector.domain.types import BlobVersion
from connector.domain.video import State, new_id, new_video
from connector.errors import NotFound, RowChanged, StorageError, StorageRefused, StorageTimeout, StorageUnavailable
from connector.storage.azure import AzureStorage
from connector.storage.blobs import AzureBlobs
from connector.storage.errors import translate, translated
from connector.storage.keys import AzureKeys
from connector.storage.setup import prepare
from connector.storage.tasks import AzureTasks
from connector.storage.videos import AzureVideos
from local.azurite import ACCOUNT, ACCOUNT_KEY

SECRET = "https://account.blob.core.windows.net/c/b?sv=1&sig=SECRET"


def answer(status: int, code: str | None = None) -> HttpResponseError:
    error = HttpResponseError(SECRET)
    error.status_code = status
    error.error_code = code
    return error


CASES = [
    (answer(404, "BlobNotFound"), NotFound),
    (answer(404, "ContainerNotFound"), NotFound),
    (answer(404, "ResourceNotFound"), NotFound),
    (answer(404, "TableNotFound"), StorageUnavailable),
    (answer(404, "SomethingElseNotFound"), StorageError),
    (answer(404), StorageError),
    (answer(409, "EntityAlreadyExists"), RowChanged),
    (answer(412, "UpdateConditionNotSatisfied"), RowChanged),
    (answer(409, "PublicAccessNotPermitted"), StorageRefused),
    (answer(412, "SourceConditionNotMet"), StorageRefused),
    (answer(412, "LeaseIdMissing"), StorageUnavailable),
    (answer(409, "PendingCopyOperation"), StorageUnavailable),
    (answer(409, "ContainerBeingDeleted"), StorageUnavailable),
    (answer(409, "TableBeingDeleted"), StorageUnavailable),
    (answer(429), StorageUnavailable),
    (answer(500, "InternalError"), StorageUnavailable),
    (answer(503, "ServerBusy"), StorageUnavailable),
    (answer(500, "OperationTimedOut"), StorageTimeout),
    (answer(504), StorageTimeout),
    (answer(403, "AuthenticationFailed"), StorageError),
    (answer(403, "AuthorizationPermissionMismatch"), StorageError),
    (answer(400, f"odd {SECRET}"), StorageRefused),
    (ServiceRequestError(SECRET), StorageUnavailable),
    (ServiceResponseError(SECRET), StorageUnavailable),
    (ServiceRequestTimeoutError(SECRET), StorageTimeout),
    (ServiceResponseTimeoutError(SECRET), StorageTimeout),
    (AzureError(SECRET), StorageError),
]


@pytest.mark.parametrize(("error", "kind"), CASES)
def test_each_failure_becomes_one_of_ours_without_its_text(error, kind):
    with pytest.raises(StorageError) as caught, translated():
        raise error

    assert type(caught.value) is kind
    assert type(translate(error)) is kind
    shown = "".join(traceback.format_exception(caught.value))
    assert "SECRET" not in shown
    assert "sig=" not in shown


def test_the_services_error_code_is_kept():
    assert str(translate(answer(404, "BlobNotFound"))) == "Storage answered 404 BlobNotFound."


def test_other_exceptions_pass_untouched():
    with pytest.raises(KeyError), translated():
        raise KeyError("x")


def unused_endpoint() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/{ACCOUNT}"


def test_a_storage_that_refuses_connections_is_unavailable():
    with BlobServiceClient(unused_endpoint(), credential=ACCOUNT_KEY, retry_total=0) as service:
        with pytest.raises(StorageUnavailable):
            AzureBlobs(service).exists("c", "a")


@pytest.fixture
def refusing():
    """Makes a service that answers everything with one error, for states that Azurite never is in."""

    @contextmanager
    def serve(status: int, code: str):
        class Handler(BaseHTTPRequestHandler):
            def refuse(self):
                self.send_response(status)
                self.send_header("x-ms-error-code", code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET = do_PUT = do_DELETE = refuse  # noqa: N815 - the names that http.server looks for

            def log_message(self, *args):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            endpoint = f"http://127.0.0.1:{server.server_port}/{ACCOUNT}"
            try:
                with BlobServiceClient(endpoint, credential=ACCOUNT_KEY, retry_total=0) as service:
                    yield AzureBlobs(service)
            finally:
                server.shutdown()
                thread.join()

    return serve


def test_a_container_cannot_be_created_while_its_predecessor_is_being_deleted(refusing):
    with refusing(409, "ContainerBeingDeleted") as blobs:
        with pytest.raises(StorageUnavailable):
            blobs.create_container("video-1", public=True)
        blobs.delete_container("video-1")


def test_an_account_that_forbids_public_containers_is_not_taken_for_an_existing_one(refusing):
    with refusing(409, "PublicAccessNotPermitted") as blobs, pytest.raises(StorageRefused, match="PublicAccess"):
        blobs.create_container("video-1", public=True)


def test_a_missing_container_of_uploads_is_not_a_missing_upload(refusing):
    with refusing(404, "ContainerNotFound") as blobs:
        with pytest.raises(NotFound):
            blobs.properties("video-1", "a")
        reader = blobs.open(UPLOADS, "a", BlobVersion(1, '"0x1"'))
        for call in (lambda: blobs.properties(UPLOADS, "a"), lambda: reader.read_at(0, 1)):
            with pytest.raises(StorageUnavailable):
                call()
        reader.close()


@pytest.mark.azurite
def test_a_missing_table_is_not_a_missing_row(azure):
    service = azure.table_service
    videos = AzureVideos(service.get_table_client("NoVideos"))
    tasks = AzureTasks(service.get_table_client("NoTasks"))
    keys = AzureKeys(service.get_table_client("NoKeys"))
    video = replace(new_video("a.mp4"), etag='W/"1"')
    calls = [
        lambda: videos.get(video.id),
        lambda: videos.save(video),
        lambda: list(videos.in_states(tuple(State), video.created)),
        lambda: tasks.get(video.id, TaskId(Step.CHUNK)),
        lambda: tasks.of(video.id),
        lambda: keys.get(video.id),
        lambda: list(keys.all()),
    ]
    for call in calls:
        with pytest.raises(StorageUnavailable, match="TableNotFound"):
            call()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, "EntityAlreadyExists", RowChanged),
        (409, "TableBeingDeleted", StorageUnavailable),
        (404, "TableNotFound", StorageUnavailable),
        (400, "PropertyValueTooLarge", StorageRefused),
    ],
)
def test_a_code_that_stands_in_the_body_alone_is_found(status, code, kind):
    """The Table service answers so, and the SDK does not read it when a row is created."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"odata.error": {"code": code, "message": {"value": SECRET}}}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json;odata=minimalmetadata;charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}/{ACCOUNT}"
        try:
            key = AzureNamedKeyCredential(ACCOUNT, ACCOUNT_KEY)
            with TableClient(endpoint, "Videos", credential=key, retry_total=0) as table:
                with pytest.raises(kind, match=f"Storage answered {status} {code}.") as caught:
                    AzureVideos(table).create(new_video("a.mp4"))
        finally:
            server.shutdown()
            thread.join()
    assert type(caught.value) is kind
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_throttling_is_unavailability(refusing):
    with refusing(503, "ServerBusy") as blobs, pytest.raises(StorageUnavailable, match="ServerBusy"):
        blobs.stage("video-1", "a", "0001", b"1")


@pytest.mark.azurite
def test_a_wrong_key_is_a_storage_error_without_the_signature(connection_string):
    wrong = connection_string.replace(ACCOUNT_KEY, "d3Jvbmc=")
    with closing(AzureStorage(wrong)) as storage:
        for call in (
            lambda: storage.blobs.get("uploads", "a"),
            lambda: storage.blobs.put("uploads", "a", b""),
            lambda: storage.videos.create(new_video("a.mp4")),
            lambda: storage.tasks.of(new_id()),
        ):
            with pytest.raises(StorageError) as caught:
                call()
            assert type(caught.value) is StorageError
            assert "403" in str(caught.value)
            assert "SharedKey" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.azurite
def test_neither_errors_nor_logs_show_a_signature(azure, connection_string, caplog):
    caplog.set_level(logging.DEBUG)
    with closing(AzureStorage(connection_string)) as storage:
        storage.blobs.read_uri("uploads", "a", timedelta(hours=1))
        with pytest.raises(NotFound) as caught:
            storage.blobs.get("uploads", "missing")

    shown = caplog.text + "".join(traceback.format_exception(caught.value))
    assert "sig=" not in shown
    assert "SharedKey" not in shown
    assert ACCOUNT_KEY not in shown


@pytest.mark.azurite
def test_preparing_again_is_harmless(azure, connection_string, cors_origin):
    video = azure.videos.create(new_video("a.mp4"))

    prepare(connection_string, (cors_origin,))

    assert azure.videos.get(video.id) == video
