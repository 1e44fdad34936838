"""Defines the wire between a media child process and its parent: a line of JSON per message, followed by its payload.

The parent writes a job as one line and then only answers. All messages below go from child to parent, and the last one
is a `Result` or an `Error`. Then there may be another job. No credential ever crosses.
"""

import struct
from collections.abc import Mapping
from typing import IO, Annotated, BinaryIO, Literal

from pydantic import Field, JsonValue, TypeAdapter

from connector.domain.failures import Facts
from connector.domain.job_blobs import JobBlob
from connector.domain.task import EncodeOutput
from connector.domain.types import Model, Share, Whole

_LENGTH = struct.Struct(">Q")


class Open(Model):
    """Asks for the size of a file. The answer has 8 bytes."""

    op: Literal["open"] = "open"
    file: Whole


class Read(Model):
    """Asks for bytes. The answer is their length in 8 bytes, which may be shorter than asked for, then the bytes."""

    op: Literal["read"] = "read"
    file: Whole
    offset: Whole
    length: Whole


class Put(Model):
    """Writes a blob. `length` bytes follow; there is no answer."""

    op: Literal["put"] = "put"
    blob: JobBlob
    length: Whole


class Progress(Model):
    """Reports progress, without an answer. `finished` has the form of a result, for what was put so far.

    It is None when there is nothing new.
    """

    op: Literal["progress"] = "progress"
    share: Share
    finished: EncodeOutput | None = None


class Result(Model):
    """Ends a job with its result as JSON. The parent knows from the job which model it is."""

    op: Literal["result"] = "result"
    value: JsonValue


class Error(Model):
    """Ends a job because the media is at fault. The parent makes the sentence for people."""

    op: Literal["error"] = "error"
    code: str
    facts: Facts


Message = Annotated[Open | Read | Put | Progress | Result | Error, Field(discriminator="op")]
_MESSAGE = TypeAdapter[Message](Message)


def parse(line: bytes) -> Message:
    """Returns the message of a line. Raises pydantic.ValidationError for anything but a message."""
    return _MESSAGE.validate_json(line)


class Channel:
    """Represents the child's end of the wire."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._out = requests
        self._in = answers

    def job(self) -> bytes:
        """Returns the next job's line, empty when there will be no more."""
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

    def put(self, blob: JobBlob, data: bytes) -> None:
        self._send(Put(blob=blob, length=len(data)), data)

    def progress(self, share: float, finished: EncodeOutput | None = None) -> None:
        self._send(Progress(share=share, finished=finished))

    def result(self, value: Model) -> None:
        self._send(Result(value=value.model_dump(mode="json")))

    def error(self, code: str, facts: Mapping[str, object]) -> None:
        self._send(Error.model_validate({"code": code, "facts": facts}))


def answer(stream: IO[bytes], data: bytes) -> None:
    """Sends the parent's answer to `Read`."""
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def answer_number(stream: IO[bytes], value: int) -> None:
    """Sends the parent's answer to `Open`."""
    stream.write(_LENGTH.pack(value))
    stream.flush()
