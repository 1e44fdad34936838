"""The media process with a clock on each part of a chunk: `bench.profile` runs it in place of `connector.media.worker`.

Times are CPU seconds of the process' one thread, each without those of the parts inside. They are handed back as one
more blob.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import av

from connector.domain.job_blobs import JobBlob, PieceBlob
from connector.domain.jobs import ChunkJob, Place
from connector.domain.limits import JobLimits
from connector.domain.task import EncodeOutput
from connector.media import chunk, decode, encoder, stills, worker
from connector.media.worker import self_test
from connector.sandbox.protocol import Channel

__all__ = ["main", "self_test"]

NAME = "profile.json"
SECONDS = PieceBlob(number=0)
"""Describes the blob with the seconds. No other blob of a chunk is a piece."""

BETWEEN = "before the chunk: its job, freeing what the last one left"
OPEN = "opening the source"
DEMUX = "demultiplexing"
DECODE = "decoding"
STILLS = "stills"
BOXES = "packaging: NAL units, samples, boxes"
CHANNEL = "channel: source in, blobs out"
REST = "Python between these, freeing"


class ProfiledChunkJob(ChunkJob):
    """A chunk whose process hands back its seconds, too."""

    def place(self, blob: JobBlob) -> Place | None:
        return ("work", NAME) if blob == SECONDS else super().place(blob)


_spent: dict[str, float] = defaultdict(float)
_inside: list[float] = []
"""Seconds of the parts within each part that is under way."""


def with_clock(part: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        begin = time.thread_time()
        _inside.append(0.0)
        try:
            return call(*args, **kwargs)
        finally:
            took = time.thread_time() - begin
            _spent[part] += took - _inside.pop()
            if _inside:
                _inside[-1] += took

    return timed


class _Encoder:
    """A codec context with a clock on its encoding."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.encode = with_clock(f"encoding {context.height} lines", context.encode)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


_CLOCKS: tuple[tuple[Any, str, str], ...] = (
    (av, "open", OPEN),
    (decode.Decoder, "_decode", DECODE),
    (stills.Stills, "__init__", STILLS),
    (stills.Stills, "see", STILLS),
    (stills.Stills, "finish", STILLS),
    (encoder, "video_samples", BOXES),
    (encoder, "media_segment", BOXES),
    (encoder, "video_init", BOXES),
    (encoder.RenditionEncoder, "_take", BOXES),
    (Channel, "read", CHANNEL),
    (Channel, "put", CHANNEL),
    (Channel, "progress", CHANNEL),
)


def set_clocks() -> None:
    for owner, name, part in _CLOCKS:
        _replace(owner, name, partial(with_clock, part))
    _replace(decode, "until_unreadable", lambda call: lambda packets: _each(DEMUX, call(packets)))
    _replace(encoder, "_open", lambda call: lambda rendition, *rest: _Encoder(call(rendition, *rest)))
    _replace(chunk, "Normalizer", lambda make: lambda *args: _scaler(make(*args), "to the highest rendition"))
    _replace(chunk, "Downscaler", lambda make: lambda *args: _scaler(make(*args), f"to {args[1]} lines"))


def _replace(owner: Any, name: str, changed: Callable[[Any], Any]) -> None:
    setattr(owner, name, changed(getattr(owner, name)))


def _scaler(chain: Any, what: str) -> Any:
    chain.through = with_clock(f"scaling {what}", chain.through)
    return chain


def _each(part: str, items: Iterator[Any]) -> Iterator[Any]:
    following = with_clock(part, lambda: next(items, None))
    while (item := following()) is not None:
        yield item


def main(confine: Callable[[JobLimits], None]) -> None:
    encode = chunk.encode_chunk
    last = 0.0

    def encode_chunk(job: ChunkJob, channel: Channel) -> EncodeOutput:
        nonlocal last
        _spent.clear()
        _spent[BETWEEN] = time.process_time() - last
        output: EncodeOutput = with_clock(REST, encode)(job, channel)
        channel.put(SECONDS, json.dumps(_spent).encode())
        last = time.process_time()
        return output

    chunk.encode_chunk = encode_chunk
    worker.main(confine)


set_clocks()
