"""Keys for development are generated once and kept in the data folder.

So protected videos can be played again after a restart.
"""

import base64
import json
import os
import secrets
from pathlib import Path

_FILE = "development-keys.json"
_NAMES = ("MASTER_KEYS", "SIGNING_KEYS")


def development_keys(data_dir: Path) -> dict[str, str]:
    """Returns the settings that hold keys, for a stack without configured ones."""
    path = data_dir / _FILE
    if not path.exists():
        keys = {name: f"development:{base64.b64encode(secrets.token_bytes(32)).decode()}" for name in _NAMES}
        draft = path.with_suffix(".tmp")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(keys, file)
        draft.replace(path)
    found: dict[str, str] = json.loads(path.read_text("utf-8"))
    return found
