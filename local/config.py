"""The options that the stack reads before it starts: environment, local.settings.json and host.json."""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from local.azurite import Ports

Role = Literal["host", "queues", "encoder"]
"""The work of a process.

`host` serves HTTP, timers and blob events, `encoder` serves the queue `encode`, and `queues` serves all other queues.
"""

CORES = os.cpu_count() or 1
_LARGEST_BATCH = 32
"""The most messages that one request can receive from a queue."""


class ConfigurationError(Exception):
    """A setting or file cannot be used. The message says what to change."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """The way a queue is read: `extensions.queues` of host.json. Times are in seconds.

    The defaults are those of `QueuesOptions` in the storage extension:
    https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Common/src/Shared/Queues/QueuesOptions.cs
    """

    batch_size: int = 16
    new_batch_threshold: int = 16 // 2 * CORES
    max_dequeue_count: int = 5
    visibility_timeout: float = 0.0
    max_polling_interval: float = 60.0
    base64: bool = True
    """Whether messages are in base64 (`messageEncoding`) or in plain text."""

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        """Reads `extensions.queues`. Raises ValueError and TypeError for a value that cannot be used."""
        default = cls()
        batch_size = int(options.get("batchSize", default.batch_size))
        interval = options.get("maxPollingInterval")
        return cls(
            batch_size=batch_size,
            new_batch_threshold=int(options.get("newBatchThreshold", batch_size // 2 * CORES)),
            max_dequeue_count=int(options.get("maxDequeueCount", default.max_dequeue_count)),
            visibility_timeout=seconds(options.get("visibilityTimeout", "00:00:00")),
            max_polling_interval=default.max_polling_interval if interval is None else seconds(interval),
            base64=str(options.get("messageEncoding", "base64")).lower() != "none",
        )

    @classmethod
    def for_blobs(cls, options: Mapping[str, Any]) -> Self:
        """Derives the options of the queue of blob events from `extensions.blobs`, never from `extensions.queues`.

        Attempts follow one another without a pause: a failed message becomes visible at once, and one whose process
        died when its lease ends. The host does this in `BlobsOptionsToQueuesOptions` of
        https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Blobs/src/Listeners/SharedBlobQueueListenerFactory.cs
        """
        concurrency = int(options.get("maxDegreeOfParallelism", 8 * CORES))
        batch_size = min(_LARGEST_BATCH, concurrency // 2 + 1)
        return cls(
            batch_size=batch_size,
            new_batch_threshold=concurrency - batch_size,
            max_dequeue_count=int(options.get("poisonBlobThreshold", cls().max_dequeue_count)),
        )


@dataclass(frozen=True, slots=True)
class HostOptions:
    """The contents of host.json. `function_timeout` is in seconds; None means no limit."""

    route_prefix: str = "api"
    function_timeout: float | None = 1800.0
    queues: QueueOptions = field(default_factory=QueueOptions)
    blobs: QueueOptions = field(default_factory=lambda: QueueOptions.for_blobs({}))

    @classmethod
    def read(cls, app_dir: Path) -> Self:
        """Reads host.json. Raises ConfigurationError when there is none or it is not valid."""
        path = app_dir / "host.json"
        try:
            document = json.loads(path.read_text("utf-8"))
            extensions = document.get("extensions", {})
            return cls(
                route_prefix=extensions.get("http", {}).get("routePrefix", "api").strip("/"),
                function_timeout=_timeout(document.get("functionTimeout", "00:30:00")),
                queues=QueueOptions.read(extensions.get("queues", {})),
                blobs=QueueOptions.for_blobs(extensions.get("blobs", {})),
            )
        except FileNotFoundError:
            raise ConfigurationError(f"{app_dir} is not a function app: it has no host.json.") from None
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{path} cannot be used: {error}") from error


def seconds(span: str) -> float:
    """Converts a .NET TimeSpan `[d.]hh:mm:ss[.fff]` to seconds. Raises ValueError."""
    match = re.fullmatch(r"(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)", span)
    if match is None:
        raise ValueError(f"{span!r} does not have the form hh:mm:ss.")
    return int(match[1] or 0) * 86_400 + int(match[2]) * 3600 + int(match[3]) * 60 + float(match[4])


def _timeout(span: str) -> float | None:
    return None if span in {"-1", "-00:00:01"} else seconds(span)


@dataclass(frozen=True, slots=True)
class StackOptions:
    """The options of the stack on this machine. The system chooses a free port for each port of 0."""

    app_dir: Path
    data_dir: Path
    bind: str
    port: int
    storage: Ports
    encoders: int
    drain_seconds: float
    durable: bool = False
    """Whether the storage saves its index before each response."""

    @classmethod
    def read(cls, app_dir: Path, environment: Mapping[str, str]) -> Self:
        """Reads the options from the environment. Raises ConfigurationError for a value that is not a number."""

        def number(name: str, default: int) -> int:
            value = environment.get(name, "")
            if value and not value.isdecimal():
                raise ConfigurationError(f"{name} must be a whole number, not {value!r}.")
            return int(value or default)

        return cls(
            app_dir=app_dir,
            data_dir=Path(environment.get("DATA_DIR") or app_dir / ".data").resolve(),
            bind=environment.get("BIND") or "127.0.0.1",
            port=number("PORT", 7071),
            storage=Ports(
                blob=number("BLOB_PORT", 10000),
                queue=number("QUEUE_PORT", 10001),
                table=number("TABLE_PORT", 10002),
            ),
            encoders=number("ENCODERS", CORES),
            drain_seconds=number("DRAIN_SECONDS", 30),
            durable=environment.get("DURABLE", "").lower() == "true",
        )


def app_environment(app_dir: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Adds the "Values" of local.settings.json to the environment, which takes precedence.

    Raises ConfigurationError when the file is not valid.
    """
    path = app_dir / "local.settings.json"
    if not path.is_file():
        return dict(environment)
    try:
        values = json.loads(path.read_text("utf-8")).get("Values", {})
        return {str(name): str(value) for name, value in values.items()} | dict(environment)
    except (ValueError, AttributeError) as error:
        raise ConfigurationError(f"{path} cannot be used: {error}") from error


def base_url(address: tuple[Any, ...]) -> str:
    """Returns the URL by which this machine reaches a server that listens at this socket address."""
    host = ipaddress.ip_address(address[0])
    if host.is_unspecified:
        host = ipaddress.ip_address("127.0.0.1" if host.version == 4 else "::1")
    return f"http://{f'[{host}]' if host.version == 6 else host}:{address[1]}"


def split_origins(setting: str) -> list[str]:
    """Returns the origins of a setting that separates them by commas."""
    return [origin.strip() for origin in setting.split(",") if origin.strip()]


def site_origins(own: str, setting: str) -> str:
    """Returns the CORS setting of the site as infra/app/function.bicep sets it: the app's own origin and CORS_ORIGINS.

    A `*` replaces all others. This machine has two names, and a page may have been opened under either.
    """
    wanted = split_origins(setting)
    names = {own, own.replace("//127.0.0.1:", "//localhost:")}
    return "*" if "*" in wanted else ",".join([*sorted(names), *wanted])
