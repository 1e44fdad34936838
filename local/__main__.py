"""Runs the app of the current folder, with its storage, on this machine: `python -m local`."""

import argparse
import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

from local import logs
from local.azurite import AzuriteError
from local.child import StartError
from local.config import ConfigurationError, StackOptions, app_environment
from local.supervisor import Supervisor


def _stop_at_end_of_input() -> None:
    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="input", daemon=True).start()


def main() -> int:
    """Runs the stack and returns the exit status.

    The status is 1 when the stack cannot start. One line on stderr then says why.
    """
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument(
        "--app", type=Path, default=Path(), help="the folder of function_app.py (default: the current folder)"
    )
    parser.add_argument("--auth", action="store_true", help="require FUNCTIONS_KEY and FUNCTIONS_MASTER_KEY")
    parser.add_argument(
        "--cors", metavar="ORIGINS", help="the origins whose pages may call (default: the stack's own and CORS_ORIGINS)"
    )
    parser.add_argument("--in-memory", action="store_true", help="keep no data between runs")
    parser.add_argument("--tether", action="store_true", help="stop when stdin closes")
    arguments = parser.parse_args()
    logs.configure("stack")
    app_dir = arguments.app.resolve()
    try:
        environment = app_environment(app_dir, os.environ)
        options = StackOptions.read(app_dir, environment)
        supervisor = Supervisor(
            options, environment, auth=arguments.auth, in_memory=arguments.in_memory, origins=arguments.cors
        )
        if arguments.tether:
            _stop_at_end_of_input()
        asyncio.run(supervisor.run())
    except (ConfigurationError, AzuriteError, StartError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
