"""Runs in a media child process: reads a job, does it, sends its result, and waits for the next job or the end.

The process is forked from one that has loaded all of this (`connector/sandbox/fork_server.py`).
"""

import gc
import os
import sys
from collections.abc import Callable
from typing import BinaryIO

from pydantic import TypeAdapter

from connector.domain.jobs import AnyJob, AudioJob, ChunkJob, ProbeJob, SplitJob, StillJob, StoryboardJob
from connector.domain.limits import JobLimits
from connector.domain.types import Model
from connector.errors import MediaError
from connector.media import audio, chunk, probe, split, still, storyboard
from connector.media.self_test import self_test
from connector.sandbox.protocol import Channel

__all__ = ["main", "self_test"]

_JOB = TypeAdapter[AnyJob](AnyJob)


def main(confine: Callable[[JobLimits], None]) -> None:
    """Does jobs until there are no more. Calls `confine` before the first one."""
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
            confined = True
        try:
            channel.result(do(job, channel))
        except MediaError as error:
            channel.error(error.code, error.facts)


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
