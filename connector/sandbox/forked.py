"""What a process does first after it was forked."""

import ctypes
import os
import signal
import sys
from contextlib import suppress

from connector.sandbox.confinement import dumpable

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Makes Linux end this process with its parent, even with one that is killed.

    On other systems it ends at its next message, because nobody answers.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the parent was killed before


def keep_descriptors(count: int) -> None:
    """Closes every descriptor but the first `count`.

    os.closerange up to the limit would call close for each number where Python was built with glibc before 2.34, as in
    Azure's image for Python 3.11, and the limit of a container may be 10^9.
    """
    try:
        with dumpable():
            opened = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - nothing is loaded for this
    except OSError:  # there is no /proc, or it may not be read
        os.closerange(count, os.sysconf("SC_OPEN_MAX"))
        return
    for descriptor in opened:
        if descriptor >= count:
            with suppress(OSError):  # the listing's own descriptor is closed already
                os.close(descriptor)
