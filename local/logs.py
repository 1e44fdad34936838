"""The processes of the stack log to stderr, one line for each event."""

import logging
import os
import sys

_QUIET = ("azure", "aiohttp", "asyncio", "urllib3")


def configure(process: str) -> None:
    """Sets the level from LOG_LEVEL (default INFO). The SDKs log warnings and errors only."""
    level = logging.getLevelNamesMapping().get(os.environ.get("LOG_LEVEL", "").upper(), logging.INFO)
    logging.basicConfig(
        level=level,
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)s {process} %(name)s: %(message)s",
    )
    for name in _QUIET:
        # Below WARNING they log URLs, and some of those carry signatures.
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
