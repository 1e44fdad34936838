"""Both ends of the wire talk over real pipes."""

import io
import os
import threading
from collections.abc import Callable
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.domain.job_blobs import JobBlob, PieceBlob, PosterCandidateBlob, SegmentBlob
from connector.domain.types import Model
from connector.sandbox.protocol import Channel, Error, Open, Progress, Put, Read, Result, answer, answer_number, parse


class Answer(Model):
    a: tuple[int | str | None, ...]


def _sent(say: Callable[[Channel], None]) -> tuple[object, bytes]:
    """The message that a child sends, and the bytes behind it."""
    out = io.BytesIO()
    say(Channel(out, io.BytesIO()))
    line, _, rest = out.getvalue().partition(b"\n")
    return parse(line + b"\n"), rest


@pytest.mark.parametrize(
    ("say", "message"),
    [
        (lambda c: c.progress(0.25), Progress(share=0.25)),
        (lambda c: c.result(Answer(a=(1, None, "ü\n"))), Result(value={"a": [1, None, "ü\n"]})),
        (lambda c: c.error("NoMedia", {}), Error(code="NoMedia", facts={})),
        (
            lambda c: c.error("TooManyTracks", {"found": 17, "most": 16.5}),
            Error(code="TooManyTracks", facts={"found": 17, "most": 16.5}),
        ),
    ],
)
def test_what_is_said_arrives(say, message):
    assert _sent(say) == (message, b"")


blobs: st.SearchStrategy[JobBlob] = st.one_of(
    st.builds(SegmentBlob, rendition=st.integers(0, 10**12 - 1), time=st.integers(0, 10**15 - 1)),
    st.builds(PieceBlob, number=st.integers(0, 999_999)),
    st.just(PosterCandidateBlob()),
)


@given(st.binary(max_size=300), blobs)
def test_a_blob_follows_its_line_whatever_bytes_it_holds(data, blob):
    assert _sent(lambda c: c.put(blob, data)) == (Put(blob=blob, length=len(data)), data)


def _conversation(ask: Callable[[Channel], object], respond: Callable[[object, BinaryIO], None]) -> object:
    to_parent, to_child = os.pipe(), os.pipe()
    with (
        os.fdopen(to_parent[0], "rb") as heard,
        os.fdopen(to_parent[1], "wb") as requests,
        os.fdopen(to_child[0], "rb") as answers,
        os.fdopen(to_child[1], "wb") as replies,
    ):
        parent = threading.Thread(target=lambda: respond(parse(heard.readline()), replies))
        parent.start()
        try:
            return ask(Channel(requests, answers))
        finally:
            parent.join()


def test_a_read_is_answered_with_the_bytes():
    asked = []
    data = bytes(range(256)) * 4096  # more than a pipe holds

    def respond(message, replies):
        asked.append(message)
        answer(replies, data)

    assert _conversation(lambda c: c.read(1, 5, len(data)), respond) == data
    assert asked == [Read(file=1, offset=5, length=len(data))]


def test_an_answer_may_be_shorter_than_what_was_asked_for():
    assert _conversation(lambda c: c.read(0, 0, 100), lambda _, replies: answer(replies, b"abc")) == b"abc"


def test_opening_tells_the_size():
    asked = []

    def respond(message, replies):
        asked.append(message)
        answer_number(replies, 1 << 40)

    assert _conversation(lambda c: c.size(3), respond) == 1 << 40
    assert asked == [Open(file=3)]


@pytest.mark.parametrize("said", [b"", b"\0\0\0", b"\0\0\0\0\0\0\0\x05abc"])
def test_a_parent_that_goes_away_is_noticed(said):
    channel = Channel(io.BytesIO(), io.BytesIO(said))
    with pytest.raises(EOFError, match="the parent process is gone"):
        channel.read(0, 0, 5)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello\n",
        b"{}\n",
        b'{"op":"dance"}\n',
        b'{"op":"open","file":-1}\n',
        b'{"op":"open"}\n',
        b'{"op":"read","file":0,"offset":-1,"length":1}\n',
        b'{"op":"open","file":1e400}\n',
        b'{"op":"read","file":0,"offset":99999999999999999999,"length":1}\n',
        b'{"op":"put","area":"output","name":"video/1/0.m4s","length":1}\n',
        b'{"op":"put","blob":{"kind":"elsewhere"},"length":1}\n',
        b'{"op":"put","blob":{"kind":"piece","number":0},"length":-1}\n',
        b'{"op":"put","blob":{"kind":"piece","number":1000000},"length":1}\n',
        b'{"op":"put","blob":{"kind":"piece","number":"../0"},"length":1}\n',
        b'{"op":"put","blob":{"kind":"piece","number":0,"name":"a"},"length":1}\n',
        b'{"op":"put","blob":{"kind":"segment","rendition":1,"time":-1},"length":1}\n',
        b'{"op":"put","blob":{"kind":"segment","rendition":1,"time":1e15},"length":1}\n',
        b'{"op":"progress","share":0.5,"more":1}\n',
        b'{"op":"progress","share":NaN}\n',
        b'{"op":"progress","share":Infinity}\n',
        b'{"op":"progress","share":-0.1}\n',
        b'{"op":"progress","share":1.1}\n',
        b'{"op":"error","code":"NoMedia","message":"Nothing there."}\n',
        b'{"op":"error","code":"StorageRefused","facts":{"reason":"a text of the child"}}\n',
        b'{"op":"error","code":"TooManyTracks","facts":{"found":NaN,"most":1}}\n',
        b"\xff\xfe\n",
    ],
)
def test_nonsense_is_no_message(line):
    with pytest.raises(ValidationError):
        parse(line)
