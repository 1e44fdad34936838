"""The wire between a media child process and its parent: one JSON line per message, payloads follow their line.

The parent writes a job as one line and then only answers; all messages below go from child to parent, the last one is a
`Result` or an `Error`. Then there may be another job. No credential ever crosses.
"""

import struct
from typing import IO, Annotated, Any, BinaryIO, Literal

from pydantic import Field, NonNegativeInt, TypeAdapter

from connector.domain.types import Model
from connector.media.jobs import Area

_LENGTH = struct.Struct(">Q")


class Open(Model):
    """Answer: 8 bytes, the file's size."""

    op: Literal["open"] = "open"
    file: NonNegativeInt


class Read(Model):
    """Answer: 8 bytes length, which may be shorter than asked for, then the bytes."""

    op: Literal["read"] = "read"
    file: NonNegativeInt
    offset: NonNegativeInt
    length: NonNegativeInt


class Put(Model):
    """Followed by `length` bytes; no answer."""

    op: Literal["put"] = "put"
    area: Area
    name: str
    length: NonNegativeInt


class Progress(Model):
    """`finished`: what a result would say of what was put so far; None when there is nothing new. No answer."""

    op: Literal["progress"] = "progress"
    share: float
    finished: Any = None


class Result(Model):
    op: Literal["result"] = "result"
    value: Any


class Error(Model):
    """The media is at fault."""

    op: Literal["error"] = "error"
    code: str
    message: str


Message = Annotated[Open | Read | Put | Progress | Result | Error, Field(discriminator="op")]
_MESSAGE = TypeAdapter[Message](Message)


def parse(line: bytes) -> Message:
    """Raises pydantic.ValidationError for anything but a message."""
    return _MESSAGE.validate_json(line)


class Channel:
    """The child's end."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._out = requests
        self._in = answers

    def job(self) -> bytes:
        """Nothing when there will be none any more."""
        return self._in.readline()

    def _send(self, message: Model, payload: bytes = b"") -> None:
        self._out.write(message.model_dump_json().encode() + b"\n")
        self._out.write(payload)
        self._out.flush()

    def _number(self) -> int:
        return int(_LENGTH.unpack(self._exactly(_LENGTH.size))[0])

    def _exactly(self, length: int) -> bytes:
        data = self._in.read(length)
        if len(data) != length:
            raise EOFError("the parent process is gone")
        return data

    def size(self, file: int) -> int:
        self._send(Open(file=file))
        return self._number()

    def read(self, file: int, offset: int, length: int) -> bytes:
        self._send(Read(file=file, offset=offset, length=length))
        return self._exactly(self._number())

    def put(self, area: Area, name: str, data: bytes) -> None:
        self._send(Put(area=area, name=name, length=len(data)), data)

    def progress(self, share: float, finished: Any = None) -> None:
        self._send(Progress(share=share, finished=finished))

    def result(self, value: Any) -> None:
        self._send(Result(value=value))

    def error(self, code: str, message: str) -> None:
        self._send(Error(code=code, message=message))


def answer(stream: IO[bytes], data: bytes) -> None:
    """The parent's answer to `Read`."""
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def answer_number(stream: IO[bytes], value: int) -> None:
    """The parent's answer to `Open`."""
    stream.write(_LENGTH.pack(value))
    stream.flush()
