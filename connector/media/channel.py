"""The wire between a media child process and its parent: one JSON line per message, payloads follow their line.

child → parent   {"op": "open", "file": 0}                          answer: 8 bytes, the file's size
                 {"op": "read", "file": 0, "offset": o, "length": n} answer: 8 bytes length, then the bytes
                 {"op": "put", "area": …, "name": …, "length": n}    followed by n bytes, no answer
                 {"op": "progress", "share": 0.5}                    no answer
                 {"op": "result", "value": …}                        the last one
                 {"op": "error", "code": …, "message": …}            the last one
The parent writes the job as the first line. No credential ever crosses.
"""

import json
import struct
from typing import IO, Any, BinaryIO

from connector.media.jobs import Area

_LENGTH = struct.Struct(">Q")


class Channel:
    """The child's end."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._out = requests
        self._in = answers

    def job(self) -> bytes:
        return self._in.readline()

    def _send(self, payload: bytes = b"", **message: Any) -> None:
        self._out.write(json.dumps(message).encode() + b"\n" + payload)
        self._out.flush()

    def _number(self) -> int:
        return int(_LENGTH.unpack(self._exactly(_LENGTH.size))[0])

    def _exactly(self, length: int) -> bytes:
        data = self._in.read(length)
        if len(data) != length:
            raise EOFError("the parent process is gone")
        return data

    def size(self, file: int) -> int:
        self._send(op="open", file=file)
        return self._number()

    def read(self, file: int, offset: int, length: int) -> bytes:
        self._send(op="read", file=file, offset=offset, length=length)
        return self._exactly(self._number())

    def put(self, area: Area, name: str, data: bytes) -> None:
        self._send(data, op="put", area=area, name=name, length=len(data))

    def progress(self, share: float) -> None:
        self._send(op="progress", share=share)

    def result(self, value: Any) -> None:
        self._send(op="result", value=value)

    def error(self, code: str, message: str) -> None:
        self._send(op="error", code=code, message=message)


def answer(stream: IO[bytes], data: bytes) -> None:
    """The parent's answer to `read`."""
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def answer_number(stream: IO[bytes], value: int) -> None:
    """The parent's answer to `open`."""
    stream.write(_LENGTH.pack(value))
    stream.flush()
