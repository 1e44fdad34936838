"""One process of the stack: the host (HTTP, timers, blob events), an encoder, or the process of all other queues.

As in Azure, where each function group has its own instances, the work of a queue does not delay requests. The
supervisor starts such a process as `python -m local.worker`.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import get_args

from local import logs
from local.app import load
from local.config import ConfigurationError, HostOptions, Role, split_origins
from local.instance import Instance
from local.keys import Keys

log = logging.getLogger("local.worker")

_NICENESS = 5
"""The niceness that is added to queues and encoders, so that they give way to requests and to the storage."""


async def _serve(arguments: argparse.Namespace) -> int:
    signals: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    functions = load(arguments.app, os.environ)
    instance = Instance(functions, HostOptions.read(arguments.app))
    if arguments.create_queues:
        await instance.create_queues()
    if arguments.role == "host":
        names = ("FUNCTIONS_KEY", "FUNCTIONS_MASTER_KEY", "FUNCTIONS_SYSTEM_KEY")
        keys = Keys(*(os.environ.get(name, "") for name in names)) if arguments.auth else None
        listening = socket.socket(fileno=arguments.listen)
        await instance.start_host(listening, arguments.data, keys, split_origins(arguments.origins))
    elif arguments.role == "encoder":
        await instance.start_encoder()
    else:
        await instance.start_queues()
    os.write(arguments.ready, b"1")
    os.close(arguments.ready)
    return await instance.serve_until(signals)


def _end_with_parent() -> None:
    """Ends this process and its children at once when the supervisor's end of stdin closes."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def main() -> None:
    """Runs the process until it is told to end, and exits with its status."""
    parser = argparse.ArgumentParser(prog="python -m local.worker")
    parser.add_argument("--name", required=True)
    parser.add_argument("--role", choices=get_args(Role), required=True)
    parser.add_argument("--app", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ready", type=int, required=True, help="descriptor to write to when the process is ready")
    parser.add_argument("--listen", type=int, help="descriptor of the listening socket; only the host has one")
    parser.add_argument("--auth", action="store_true")
    parser.add_argument("--origins", default="", help="the CORS setting of the site: origins separated by commas")
    parser.add_argument("--create-queues", action="store_true", help="create the queues that trigger functions")
    arguments = parser.parse_args()
    for descriptor in (arguments.ready, arguments.listen):
        if descriptor is not None:
            os.set_inheritable(descriptor, False)
    _end_with_parent()
    if arguments.role != "host":
        os.nice(_NICENESS)
    logs.configure(arguments.name)
    status = 1
    try:
        status = asyncio.run(_serve(arguments))
    except ConfigurationError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says all there is to say
    except Exception:
        log.exception("The %s could not go on", arguments.name)
    # sys.exit would wait for functions that still run in threads.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
