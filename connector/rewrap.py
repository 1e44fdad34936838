"""`python -m connector.rewrap`: wraps every stored key under the current master key, so that an older one can go."""

import sys
from dataclasses import replace

from connector.errors import ConnectorError, KeyUnavailable, NotFound, RowChanged
from connector.pipeline.app import App
from connector.security.master import WrappedKey, unwrap, wrap
from connector.services import app as services


def rewrap(app: App) -> tuple[int, int]:
    """(keys that were wrapped anew, keys that no configured master key unwraps). Harmless to repeat.

    Raises KeyUnavailable when no master key is configured, StorageError.
    """
    current, _ = app.master_keys.current
    count = lost = 0
    for stored in app.storage.keys.all():
        if stored.master == current:
            continue
        try:
            wrapped = wrap(app.master_keys, unwrap(app.master_keys, WrappedKey(stored.master, stored.wrapped)))
        except KeyUnavailable:
            lost += 1
            continue
        try:
            app.storage.keys.put(replace(stored, master=wrapped.master, wrapped=wrapped.data))
        except (RowChanged, NotFound):
            continue  # deleted, or wrapped anew by somebody else
        count += 1
    return count, lost


def main() -> int:
    try:
        count, lost = rewrap(services())
    except (ConnectorError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{count} keys were wrapped under the current master key.\n")
    if lost:
        sys.stderr.write(f"error: {lost} keys are wrapped under master keys that are not configured.\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
