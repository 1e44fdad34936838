"""What hostile files try to reach: a file and a server, each of which notices every touch."""

import ctypes
import os
import socket
import struct
import threading
from pathlib import Path

_IN_ACCESS, _IN_OPEN = 0x1, 0x20
_EVENT = struct.calcsize("iIII")


class CanaryFile:
    """A playable file on disk. inotify tells of every opening and reading, by whichever process."""

    def __init__(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        self.path = path
        libc = ctypes.CDLL(None, use_errno=True)
        self._watch = libc.inotify_init1(os.O_NONBLOCK)
        if self._watch < 0 or libc.inotify_add_watch(self._watch, str(path).encode(), _IN_OPEN | _IN_ACCESS) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def touches(self) -> int:
        """Since the last look."""
        try:
            return len(os.read(self._watch, 65536)) // _EVENT
        except BlockingIOError:
            return 0

    def close(self) -> None:
        os.close(self._watch)


class CanaryServer:
    """Counts connections of any kind on a loopback port."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.hits = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/canary.ts"

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                data = connection.recv(1)
                if data == b"\0":
                    return
                self.hits += 1

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"\0")
        self._thread.join()
        self._socket.close()


class Canaries:
    """Both, and proof that they sing."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.file, self.server = CanaryFile(path, data), CanaryServer()

    def touches(self) -> int:
        """Of either, since the last look. Then touches both itself: the silence of a dead canary proves nothing."""
        found = self.file.touches() + self.server.hits
        self.file.path.read_bytes()
        before = self.server.hits
        with socket.create_connection(("127.0.0.1", self.server.port)) as connection:
            connection.sendall(b"G")
            connection.recv(1)  # its end: it has been counted
        assert self.file.touches() > 0
        assert self.server.hits == before + 1
        self.server.hits = 0
        return found

    def close(self) -> None:
        self.file.close()
        self.server.close()
