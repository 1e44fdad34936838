"""The media child process: `python -m connector.media.child`. Reads one job, does it, says what came of it, ends."""

import gc

if __name__ == "__main__":
    # Modules are no garbage: looking for some while they are loaded takes a fifth of the start.
    gc.disable()

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from pydantic import TypeAdapter

from connector.domain.types import Model
from connector.errors import MediaError
from connector.media.channel import Channel
from connector.media.jobs import AnyJob, AudioJob, ChunkJob, Limits, ProbeJob, SplitJob, StillJob, StoryboardJob

_PR_SET_PDEATHSIG = 1


def main() -> None:
    end_with_parent()
    # Libraries that print get stderr; only the channel has the real standard output.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answers: BinaryIO = sys.stdin.buffer
    channel = Channel(out, answers)
    job = TypeAdapter[AnyJob](AnyJob).validate_json(channel.job())
    confine(job.limits)
    work = work_of(job)
    gc.freeze()
    gc.enable()
    seal()
    try:
        channel.result(work(channel).model_dump(mode="json"))
    except MediaError as error:
        channel.error(error.code, error.message)


def end_with_parent() -> None:
    """Linux ends this process with the thread that started it, which waits for it. Elsewhere it ends at its next word,
    for the pipe is closed then. Before the job is read: a parent that died earlier sends none.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def confine(limits: Limits) -> None:
    """Hard limits of the operating system: memory, processor time, no file written, no core dump."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    cpu = limits.seconds * (limits.threads + 1)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Whoever answers HTTP on the same machine goes first.
    os.nice(5)


def seal() -> None:
    """From here on the process can open no file, socket or pipe: the operating system gives it no new descriptor."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def work_of(job: AnyJob) -> Callable[[Channel], Model]:
    """What does the job, loaded. Not at the head of this file: limits hold before a codec library is loaded, and each
    job loads what it needs.
    """
    match job:
        case ProbeJob():
            from connector.media.probe import probe

            return partial(probe, job)
        case SplitJob():
            from connector.media.split import split

            return partial(split, job)
        case ChunkJob():
            from connector.media.chunk import encode_chunk

            return partial(encode_chunk, job)
        case AudioJob():
            from connector.media.audio import encode_audio

            return partial(encode_audio, job)
        case StoryboardJob():
            from connector.media.storyboard import compose

            return partial(compose, job)
        case StillJob():
            from connector.media.still import draw

            return partial(draw, job)


if __name__ == "__main__":
    main()
