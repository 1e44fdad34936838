"""Logging of the stack's processes: one line an event, to stderr."""

import logging
import os
import sys

_QUIET = ("azure", "aiohttp", "asyncio", "urllib3")


def configure(process: str) -> None:
    """LOG_LEVEL (default INFO) is for the app and the host; the SDKs speak from WARNING on."""
    level = logging.getLevelNamesMapping().get(os.environ.get("LOG_LEVEL", "").upper(), logging.INFO)
    logging.basicConfig(
        level=level,
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)s {process} %(name)s: %(message)s",
    )
    for name in _QUIET:
        # Below WARNING they log addresses, and some of those carry signatures.
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
