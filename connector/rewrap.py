"""`python -m connector.rewrap`: wraps every stored key under the current master key, so that an older one can go."""

import sys
from dataclasses import replace

from connector.errors import Conflict, ConnectorError, NotFound
from connector.pipeline.app import App
from connector.security.master import WrappedKey, unwrap, wrap
from connector.services import app as services


def rewrap(app: App) -> int:
    """The number of keys that were wrapped anew. Harmless to repeat. Raises KeyUnavailable, StorageError."""
    current, _ = app.master_keys.current
    count = 0
    for stored in app.storage.keys.all():
        if stored.master == current:
            continue
        wrapped = wrap(app.master_keys, unwrap(app.master_keys, WrappedKey(stored.master, stored.wrapped)))
        try:
            app.storage.keys.put(replace(stored, master=wrapped.master, wrapped=wrapped.data))
        except (Conflict, NotFound):
            continue  # deleted, or wrapped anew by somebody else
        count += 1
    return count


def main() -> int:
    try:
        sys.stdout.write(f"{rewrap(services())} keys were wrapped under the current master key.\n")
    except (ConnectorError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
