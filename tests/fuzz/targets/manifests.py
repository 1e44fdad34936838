"""What a task says it has made, up to the manifests. The first line says which task: `chunk` or `audio`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from connector.domain.layout import TIMESCALE
from connector.errors import BrokenOutput, TaskCrashed
from connector.isobmff.init import audio_init
from connector.manifests.presentation import EarlyTimeline, Presentation
from connector.pipeline.assemble import Outputs, early_presentation, presentation
from connector.pipeline.playback import manifest_names, render
from tests.fakes.media import FakeMediaRunner
from tests.fuzz.said import AUDIO, CHUNKS, PLAN, TWO, Sink, result_line, sandbox
from tests.fuzz.target import Target

_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_EARLY = EarlyTimeline(since=_MOMENT, moment=_MOMENT, segment=TIMESCALE)
_MADE = Outputs(
    tuple(FakeMediaRunner().run(job, [], Sink()) for job in CHUNKS), (FakeMediaRunner().run(AUDIO, [], Sink()),)
)


def _outputs(data: bytes) -> Outputs:
    name, _, value = data.partition(b"\n")
    said = sandbox(result_line(value))
    if name == b"audio":
        return replace(_MADE, audio=(said.run(AUDIO, [], Sink()),))
    chunk = said.run(CHUNKS[TWO], [], Sink())
    return replace(_MADE, chunks=(*_MADE.chunks[:TWO], chunk, *_MADE.chunks[TWO + 1 :]))


def _render(whole: Presentation) -> None:
    for name in manifest_names(whole):
        text = render(whole, name)
        if name.endswith(".m3u8"):
            assert all(line.isprintable() for line in text.split("\n"))
        else:
            ET.fromstring(text)  # noqa: S314 - our own manifest


def _run(data: bytes) -> None:
    outputs = _outputs(data)
    early = early_presentation(PLAN, outputs, None, _EARLY)
    if early is not None:
        _render(early)
    _render(presentation(PLAN, outputs, None))


def _seeds() -> Iterator[bytes]:
    yield b"chunk\n" + _MADE.chunks[TWO].model_dump_json().encode()
    yield b"audio\n" + _MADE.audio[0].model_dump_json().encode()
    foreign = audio_init(b"\x11\x90", 44_100, 6, "pt-BR", 1).hex()
    (rendition,) = _MADE.audio[0].renditions
    changed = _MADE.audio[0].model_copy(update={"renditions": (rendition.model_copy(update={"init": foreign}),)})
    yield b"audio\n" + changed.model_dump_json().encode()


TARGET = Target(_run, _seeds, (TaskCrashed, BrokenOutput), json=True)
