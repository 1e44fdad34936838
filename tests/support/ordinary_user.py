"""An ordinary user without capabilities, for tests that may run as root."""

import os

NOBODY = 65534


def become() -> None:
    """Makes this process an ordinary user's, for good. It can load no more modules then: they may be root's."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
