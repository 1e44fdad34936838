"""Runs in a media child process: reads a job, does it, sends its result, and waits for the next job or the end.

The process is forked from one that has loaded all of this (`connector/sandbox/fork_server.py`).
"""

import gc
import os
import resource
import sys
from typing import BinaryIO

from pydantic import TypeAdapter

from connector.domain.jobs import AnyJob, AudioJob, ChunkJob, ProbeJob, SplitJob, StillJob, StoryboardJob
from connector.domain.limits import JobLimits
from connector.domain.types import Model
from connector.errors import MediaError
from connector.media import audio, chunk, probe, split, still, storyboard
from connector.sandbox.protocol import Channel

_JOB = TypeAdapter[AnyJob](AnyJob)


def main() -> None:
    # Libraries that print get stderr; only the channel has the real standard output.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answers: BinaryIO = sys.stdin.buffer
    channel = Channel(out, answers)
    confined = False
    while line := channel.job():
        job = _JOB.validate_json(line)
        if confined:
            gc.collect()  # this job gets the memory of the one before
        else:
            confine(job.limits)
            seal()
            confined = True
        try:
            channel.result(do(job, channel))
        except MediaError as error:
            channel.error(error.code, error.message)


def confine(limits: JobLimits) -> None:
    """Sets hard limits of the operating system: memory, processor time, no file written, no core dump."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    cpu = limits.seconds * (limits.threads + 1)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Processes that answer HTTP on the same machine take precedence.
    os.nice(5)


def seal() -> None:
    """Seals the process: it can open no file, socket or pipe from now on, because it gets no new descriptor."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def do(job: AnyJob, channel: Channel) -> Model:
    """Does the job and returns its result. Raises MediaError when the media is at fault."""
    match job:
        case ProbeJob():
            return probe.probe(job, channel)
        case SplitJob():
            return split.split(job, channel)
        case ChunkJob():
            return chunk.encode_chunk(job, channel)
        case AudioJob():
            return audio.encode_audio(job, channel)
        case StoryboardJob():
            return storyboard.compose(job, channel)
        case StillJob():
            return still.draw(job, channel)
