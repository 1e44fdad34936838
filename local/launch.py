"""What the supervisor gives its workers: the environment of the app and a command line."""

import os
from collections.abc import Mapping
from pathlib import Path

from local.config import StackOptions
from local.secrets import development_keys

_PROJECT = Path(__file__).parent.parent


def worker_environment(
    environment: Mapping[str, str], *, connection_string: str, api: str, data_dir: Path
) -> dict[str, str]:
    """Adds the storage and the defaults of the stack to the environment of the app.

    The storage of the stack replaces a configured one. Defaults apply to settings that are not set.
    """
    defaults = {
        "AzureWebJobsDisableHomepage": "true",
        "PREPARE_STORAGE": "true",
        "SWEEP_SCHEDULE": "*/30 * * * * *",
        # The real host gives this value to a worker that it starts (DefaultWorkerProcessFactory).
        "PYTHON_THREADPOOL_THREAD_COUNT": "1000",
        "PUBLIC_URL": api,
        **development_keys(data_dir),
    }
    # The host and the app have a connection each, here to the same account.
    storage = dict.fromkeys(("AzureWebJobsStorage", "MEDIA_STORAGE"), connection_string)
    paths = os.environ.get("PYTHONPATH")
    return {
        **defaults,
        **environment,
        **storage,
        "PYTHONPATH": f"{_PROJECT}{os.pathsep}{paths}" if paths else str(_PROJECT),
    }


def worker_arguments(options: StackOptions, *, origins: str, auth: bool) -> list[str]:
    """Returns the arguments of `python -m local.worker` that all workers share."""
    arguments = ["--app", str(options.app_dir), "--data", str(options.data_dir), "--origins", origins]
    return [*arguments, "--auth"] if auth else arguments
