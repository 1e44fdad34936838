"""Services that take connections and say nothing: storage's client, the one for tokens, and issuers' key sets."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Thread
from uuid import UUID

import pytest

from connector.deadline import limited
from connector.domain.ports import BlobVersion
from connector.domain.step import Step, TaskId
from connector.errors import AuthorityUnavailable, StorageTimeout, StorageUnavailable
from connector.security.key_sets import KeySet
from connector.storage import transport
from connector.storage.azure import AzureStorage
from connector.storage.identity import Identity, managed_identity
from local.azurite import Ports, connection_string

RETRIES = 3
NOBODY = UUID(int=1)
PROBE = TaskId(Step.PROBE)


@contextmanager
def listening(answer: bytes = b"") -> Iterator[tuple[int, list[socket.socket]]]:
    """Port, and connections so far; each gets this answer to whatever it asks."""
    taken: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            taken.append(connection)
            if answer:
                connection.recv(65536)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        thread = Thread(target=take)
        thread.start()
        try:
            yield server.getsockname()[1], taken
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The same in less time."""
    for name, seconds in (("CALL_READ_SECONDS", 0.6), ("SILENT_SECONDS", 0.2), ("READ_SECONDS", 0.3)):
        monkeypatch.setattr(transport, name, seconds)


@contextmanager
def storage(port: int) -> Iterator[AzureStorage]:
    with closing(AzureStorage(connection_string(Ports(port, port, port)))) as found:
        yield found


READS = {
    "blobs": lambda found: found.blobs.exists("some", "blob"),
    "bytes": lambda found: found.blobs.open("some", "blob", BlobVersion(10, "etag")).read_at(0, 1),
    "tables": lambda found: found.tasks.overview(NOBODY),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_call_asks_a_silent_service_twice_and_then_no_more(read):
    with listening() as (port, taken), storage(port) as found:
        with limited(20):
            with pytest.raises(StorageTimeout):
                read(found)
            assert len(taken) == 2
            with pytest.raises(StorageTimeout):
                read(found)
            assert len(taken) == 2
        with limited(20), pytest.raises(StorageTimeout):
            read(found)
        assert len(taken) == 3, "the next call finds out once whether it answers again"


def test_a_service_that_answers_again_gets_its_time_again():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\nETag: x\r\n\r\n"
    with listening() as (port, _), storage(port) as found, limited(20), pytest.raises(StorageTimeout):
        found.blobs.exists("some", "blob")
    assert f"127.0.0.1:{port}" in transport._silence
    with socket.create_server(("127.0.0.1", port), reuse_port=False) as server, storage(port) as found:
        thread = Thread(target=lambda: [(c := server.accept()[0]).recv(9999), c.sendall(answer), c.close()])
        thread.start()
        with limited(20):
            assert found.blobs.exists("some", "blob")
        thread.join()
    assert f"127.0.0.1:{port}" not in transport._silence


def test_queue_messages_wait_longer_and_try_more_often():
    with listening() as (port, taken), storage(port) as found:
        with pytest.raises(StorageTimeout):
            found.tasks.get(NOBODY, PROBE)
        assert len(taken) == 1 + RETRIES


def test_a_call_makes_no_pause_that_is_longer_than_its_time():
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 60\r\n\r\n"
    with listening(busy) as (port, _), storage(port) as found, limited(5):
        begun = time.monotonic()
        with pytest.raises(StorageUnavailable):
            found.tasks.get(NOBODY, PROBE)
        assert time.monotonic() - begun < 3


def test_a_service_for_tokens_that_is_silent_holds_a_call_no_longer(monkeypatch):
    with listening() as (port, taken):
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{port}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "secret")
        account = "https://account.blob.core.windows.net", "https://account.table.core.windows.net"
        identity = Identity(*account, lambda way: managed_identity("", way))
        with closing(AzureStorage(identity)) as found, limited(20):
            begun = time.monotonic()
            with pytest.raises(StorageTimeout):
                found.blobs.exists("some", "blob")
            assert time.monotonic() - begun < 5
        assert 1 <= len(taken) <= 2


def test_of_many_calls_one_asks_a_silent_issuer_and_the_others_wait_for_that_one():
    with listening() as (port, taken), ThreadPoolExecutor(20) as threads:
        keys = KeySet(f"http://127.0.0.1:{port}/keys", download_seconds=0.5)
        begun = time.monotonic()
        for future in [threads.submit(keys.find, "any") for _ in range(20)]:
            with pytest.raises(AuthorityUnavailable):
                future.result()
        assert len(taken) == 1
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize("size", [1, 16 * 1024])
def test_an_issuer_that_trickles_is_given_up(size):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"

    def trickle(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(9999)
            connection.sendall(head)
            try:
                while True:
                    connection.sendall(b" " * size)
                    time.sleep(0.2)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=trickle, args=[server])
        thread.start()
        begun = time.monotonic()
        with pytest.raises(AuthorityUnavailable):
            KeySet(f"http://127.0.0.1:{server.getsockname()[1]}/keys", download_seconds=0.5).find("any")
        assert time.monotonic() - begun < 2
        thread.join(5)
        assert not thread.is_alive(), "the connection is closed"
