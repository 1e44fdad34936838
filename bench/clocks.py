"""The media child with a clock on each part of a chunk: `bench.profile` runs it in place of `connector.media.child`.

Times are CPU seconds of the child's one thread, each without those of the parts inside. They are handed back as one
more blob.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from connector.domain.task import EncodeOutput
from connector.media import child, chunk, decode, encoder, source, stills
from connector.media.channel import Channel
from connector.media.jobs import ChunkJob

NAME = "profile.json"

BETWEEN = "before the chunk: its job, freeing what the last one left"
OPEN = "opening the source"
DEMUX = "demultiplexing"
DECODE = "decoding"
STILLS = "stills"
BOXES = "packaging: NAL units, samples, boxes"
CHANNEL = "channel: source in, blobs out"
REST = "Python between these, freeing"

_spent: Counter[str] = Counter()
_inside: list[float] = []
"""Seconds of the parts within each part that is under way."""


def clocked(part: str, call: Callable[..., Any]) -> Callable[..., Any]:
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
        self.encode = clocked(f"encoding {context.height} lines", context.encode)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


_CLOCKS: tuple[tuple[Any, str, str], ...] = (
    (source.av, "open", OPEN),
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
        _replace(owner, name, lambda call, part=part: clocked(part, call))
    _replace(decode, "readable", lambda call: lambda packets: _each(DEMUX, call(packets)))
    _replace(encoder, "_open", lambda call: lambda rendition, *rest: _Encoder(call(rendition, *rest)))
    _replace(chunk, "Normalizer", lambda make: lambda *args: _scaler(make(*args), "to the highest rendition"))
    _replace(chunk, "Downscaler", lambda make: lambda *args: _scaler(make(*args), f"to {args[1]} lines"))


def _replace(owner: Any, name: str, changed: Callable[[Any], Any]) -> None:
    setattr(owner, name, changed(getattr(owner, name)))


def _scaler(chain: Any, what: str) -> Any:
    chain.through = clocked(f"scaling {what}", chain.through)
    return chain


def _each(part: str, items: Iterator[Any]) -> Iterator[Any]:
    following = clocked(part, lambda: next(items, None))
    while (item := following()) is not None:
        yield item


def main() -> None:
    encode = chunk.encode_chunk
    last = 0.0

    def encode_chunk(job: ChunkJob, channel: Channel) -> EncodeOutput:
        nonlocal last
        _spent.clear()
        _spent[BETWEEN] = time.process_time() - last
        output: EncodeOutput = clocked(REST, encode)(job, channel)
        channel.put("work", NAME, json.dumps(_spent).encode())
        last = time.process_time()
        return output

    chunk.encode_chunk = encode_chunk
    child.main()


set_clocks()
