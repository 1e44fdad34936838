"""Every hostile file is planned or refused with a reason, in time; none kills its process or reaches anything."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from connector.domain import planner
from connector.domain.failures import SENTENCES
from connector.domain.limits import check_cost
from connector.domain.plan import Plan
from connector.errors import MediaError
from connector.storage.packed import pack
from tests.hostile.corpus import Hostile
from tests.hostile.prober import ACCEPTED, Outcome, Prober

pytestmark = pytest.mark.media

LIMITS = planner.Limits(segment_seconds=4, chunk_seconds=30, max_lines=2160)

EXPECTED = {
    "disguised-nothing-mp4": "EmptyFile",
    "disguised-text-mp4": "UnreadableMedia",
    "disguised-zip-ts": "UnreadableMedia",
    "disguised-elf-mp4": "UnreadableMedia",
    "disguised-m3u8-file-mp4": "UnreadableMedia",
    "disguised-ffconcat-file-mkv": "UnreadableMedia",
    "disguised-sdp-http-ts": "UnreadableMedia",
    "disguised-mpd-http-mp4": "UnreadableMedia",
    "disguised-asx-http-mkv": "UnreadableMedia",
    "disguised-rmra-file-mov": "NoMedia",
    "declared-million-seconds-mov": "TooLong",
    "declared-million-seconds-of-frames-mov": None,
    "declared-delay-longest-many-gif": "TooLong",
    "declared-rate-2000-mov": "FrameRateTooHigh",
    "declared-jpeg-65500-mov": "UndecodableVideo",
    "declared-size-65535-gif": "UnsupportedCodec",
    "declared-tracks-many-mov": "TooComplex",
    "declared-streams-many-avi": "TooComplex",
    "declared-frames-billion-mov": "TooComplex",
    "declared-stsz-two-million-mov": "UndecodableVideo",
    "declared-deep-mov": "UnreadableMedia",
    "declared-codec-unknown-mov": "UnsupportedCodec",
    "declared-drm-mov": "UnsupportedCodec",
    "declared-subtitles-only-mkv": "NoMedia",
    "declared-attachment-only-mkv": "NoMedia",
    "declared-cover-alone-mov": "NoMedia",
    "declared-zlib-bomb-mkv": "UndecodableVideo",
    "encrypted-cenc-mp4": "EncryptedMedia",
    "declared-whole-mov": None,
    "declared-whole-mkv": None,
    "declared-zlib-mkv": None,
    "declared-endless-gif": None,
    "declared-cover-png-bomb-mov": None,
    "declared-text-not-utf-8-mov": None,
    "declared-tracks-90-mov": None,
}
"""Code of the refusal; None: it can be published."""


@dataclass(frozen=True)
class Seen:
    file: Hostile
    outcome: Outcome
    plan: Plan | None
    code: str | None


def _seen(file: Hostile, prober: Prober) -> Seen:
    """What the step makes of the file: the probe, then the plan."""
    outcome = prober.probe(file.data)
    if outcome.info is None:
        return Seen(file, outcome, None, outcome.refusal.code if outcome.refusal else None)
    try:
        ACCEPTED.length(outcome.info)
        plan = planner.make_plan(outcome.info, LIMITS)
        check_cost(plan, 0)
    except MediaError as error:
        return Seen(file, outcome, None, error.code)
    return Seen(file, outcome, plan, None)


@pytest.fixture(scope="module")
def seen(files: list[Hostile], canaries) -> Iterator[dict[str, Seen]]:
    canaries.touches()
    with Prober() as prober:
        yield {file.name: _seen(file, prober) for file in files}
    assert canaries.touches() == 0


def test_the_corpus_is_large_and_its_names_are_unique(files):
    assert len({file.name for file in files}) == len(files) >= 500


def test_no_file_kills_the_media_process_or_keeps_it_too_long(seen):
    assert {name: s.outcome.crash for name, s in seen.items() if s.outcome.crash} == {}


def test_every_file_is_planned_or_refused_with_a_known_code_and_a_sentence(seen):
    for name, s in seen.items():
        assert s.plan or s.code in SENTENCES, name
        if s.outcome.refusal:
            assert str(s.outcome.refusal).endswith("."), name


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_made_of_a_file(seen, name):
    assert seen[name].code == EXPECTED[name]


def test_no_plan_is_larger_than_its_row_or_makes_tasks_without_end(seen):
    for name, s in seen.items():
        if s.plan:
            assert len(planner.tasks(s.plan)) <= planner.MAX_CHUNKS + 16, name
            assert pack(s.plan.model_dump_json()), name
            assert pack(s.outcome.info.model_dump_json()), name


def test_nothing_but_the_upload_is_opened(seen, canaries):
    assert seen
    assert canaries.touches() == 0


def test_demuxers_alone_open_nothing_even_where_they_could(files, canaries):
    """In a process that is not sealed."""
    canaries.touches()
    with Prober(sealed=False) as prober:
        for file in files:
            if file.name.startswith("disguised-"):
                assert not prober.probe(file.data).crash, file.name
    assert canaries.touches() == 0


def test_without_a_descriptor_there_is_neither_file_nor_socket(canaries):
    """Not even with a demuxer and a protocol that would open them, and where the kernel filters no system calls."""
    code = """
import socket, sys, av
from connector.domain.limits import JobLimits
from connector.sandbox.confinement import Level, confine
path, url = sys.argv[1:]
av.open(path).close()
confine(JobLimits(seconds=60, memory=4 << 30, threads=1), Level.LIMITS)
for act in (lambda: open(path), lambda: socket.socket(), lambda: av.open(path), lambda: av.open(url)):
    try:
        act()
    except OSError as error:
        print(error.errno)
"""
    command = [sys.executable, "-c", code, str(canaries.file.path), canaries.server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert set(done.stdout.split()) <= {str(errno.EMFILE), str(errno.EIO)}
    assert len(done.stdout.split()) == 4
    canaries.file.touches()  # it was opened once, before the process was sealed
    assert canaries.server.hits == 0
