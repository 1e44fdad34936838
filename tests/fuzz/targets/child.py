"""All that a media process may write to its pipe (`connector/sandbox/`). The first line names the job."""

import io
from collections.abc import Iterator

from connector.domain.failures import media_error
from connector.errors import MediaError, TaskCrashed
from connector.sandbox.protocol import Channel
from connector.sandbox.runner import MAX_READ
from tests.fakes.media import FakeMediaRunner
from tests.fuzz.said import JOBS, Sink, sandbox
from tests.fuzz.target import Target

_BLOBS = (
    b'{"kind":"segment","rendition":2800000,"time":0}',
    b'{"kind":"segment","rendition":128000,"time":0}',
    b'{"kind":"block","time":0}',
    b'{"kind":"sample-tables"}',
    b'{"kind":"piece","number":0}',
    b'{"kind":"thumbnail","number":1}',
    b'{"kind":"tile-strip"}',
    b'{"kind":"poster-candidate"}',
    b'{"kind":"storyboard"}',
    b'{"kind":"picture"}',
)


class _Source:
    size = 100

    def read_at(self, offset: int, length: int) -> bytes:
        assert offset >= 0
        assert 0 <= length <= MAX_READ
        return bytes(range(100))[offset : offset + length]

    def close(self) -> None:
        """Nothing is open."""


def _run(data: bytes) -> None:
    name, _, said = data.partition(b"\n")
    job = JOBS.get(name.decode("latin-1"), JOBS["probe"])
    sink = Sink()
    try:
        result = sandbox(said).run(job, [_Source], sink)
        assert isinstance(result, job.result_type)
    finally:
        assert sink.taken <= job.most_output


def _seeds() -> Iterator[bytes]:
    for name, job in JOBS.items():
        out = io.BytesIO()
        channel = Channel(out, io.BytesIO(bytes(7) + b"\1" + bytes(7) + b"\1x"))
        channel.size(0)
        channel.read(0, 0, 1)
        result = FakeMediaRunner().run(job, [], Sink())
        channel.progress(0.5, result if name in {"chunk", "audio"} else None)
        channel.result(result)
        yield name.encode() + b"\n" + out.getvalue()
        for blob in _BLOBS:
            yield b'%s\n{"op":"put","blob":%s,"length":3}\nabc{"op":"progress","share":1}\n' % (name.encode(), blob)
    error = media_error("PictureTooLarge", width=1, height=2, most=3)
    yield b'probe\n{"op":"error","code":"%s","facts":{"width":1,"height":2,"most":3}}\n' % error.code.encode()


TARGET = Target(
    _run,
    _seeds,
    (TaskCrashed, MediaError),
    (b'"op":"open"', b'"op":"read"', b'"op":"put"', b'"op":"progress"', b'"op":"result"', b'"op":"error"', b"1/0"),
    json=True,
)
