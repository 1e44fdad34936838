"""Starts the local host as the recorded host was started."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from azure.storage.blob import BlobServiceClient

from local.stack import Stack

_ORIGINS = {
    "flex-cors": "https://page.example",
    "flex-cors-two": "https://page.example,https://two.example",
    "flex-cors-any": "*",
    "flex-cors-none": "",
}
"""Allowed origins by setup. The setup `keys` is no Flex instance and has no CORS middleware."""

_UPLOADS = ("1/a.mp4", "1/good.mp4", "2/good2.mp4", "1/a b.mp4", "1/a%20b.mp4", "toplevel.mp4")
"""Blobs that the cases about the webhook and the admin address need."""

_KEYS = {
    "function_key": "Q9fUnctionKey0fTheProbeApp1aBcDeFgHiJkLmNoPqRsTuVwXyZ12==",
    "master_key": "M7mAsterKey0fTheProbeApp2aBcDeFgHiJkLmNoPqRsTuVwXyZ34==",
    "system_key": "S5sYstemKey0fTheProbeApp3aBcDeFgHiJkLmNoPqRsTuVwXyZ56==",
}


@dataclass(frozen=True)
class Host:
    """A running local host, and the values of the placeholders in requests to it and answers from it."""

    address: tuple[str, int]
    names: dict[str, str]


def stack(setup: str, data_dir: Path) -> Stack:
    """How a setup is started: the one place that knows the local host's settings."""
    environment = {
        "AzureWebJobsDisableHomepage": "",
        "FUNCTIONS_KEY": _KEYS["function_key"],
        "FUNCTIONS_MASTER_KEY": _KEYS["master_key"],
        "FUNCTIONS_SYSTEM_KEY": _KEYS["system_key"],
    }
    app = Path(__file__).with_name("probe_app")
    return Stack(app, data_dir, encoders=0, env=environment, arguments=["--auth", "--cors", _ORIGINS.get(setup, "")])


@contextmanager
def running(setup: str, data_dir: Path) -> Iterator[Host]:
    """The local host in this setup, with the blobs that the cases need."""
    with (
        stack(setup, data_dir) as started,
        BlobServiceClient.from_connection_string(started.connection_string) as blobs,
    ):
        uploads = blobs.get_container_client("uploads")
        if not uploads.exists():
            uploads.create_container()
        for name in _UPLOADS:
            uploads.upload_blob(name, b"probe", overwrite=True)
        api = urlsplit(started.api)
        port, blob_port = api.port or 0, urlsplit(blobs.url).port or 0
        encoded = {f"{name}_enc": quote(key, safe="") for name, key in _KEYS.items()}
        names = {
            **_KEYS,
            **encoded,
            "function_key_lower": _KEYS["function_key"].swapcase(),
            "port": str(port),
            "blob_port": str(blob_port),
        }
        yield Host((api.hostname or "", port), names)
