"""Wraps every stored key under the current master key, so that an older one can go: `python -m connector.rewrap`."""

import sys
from dataclasses import replace

from connector.bootstrap import shared_app
from connector.errors import ConnectorError, KeyUnavailable, NotFound, RowChanged
from connector.pipeline.context import Pipeline
from connector.security.master import WrappedKey, unwrap, wrap


def rewrap(app: Pipeline) -> tuple[int, int]:
    """Returns (keys that were wrapped anew, keys that no configured master key unwraps). It is harmless to repeat.

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
        count, lost = rewrap(shared_app())
    except (ConnectorError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{count} keys were wrapped under the current master key.\n")
    if lost:
        sys.stderr.write(f"error: {lost} keys are wrapped under master keys that are not configured.\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
