"""The app itself, on a storage that fails when a file says so.

The file FAULT names the exception, such as StorageTimeout, that every storage call raises; without it all is well.
"""

import os
import runpy
from dataclasses import replace
from functools import cache
from pathlib import Path

from connector import bootstrap, errors

PROJECT = Path(__file__).parents[3]


class Faulty:
    """Passes everything on to what it wraps, unless there is a fault."""

    def __init__(self, wrapped):
        self._wrapped = wrapped

    def __getattr__(self, name):
        found = getattr(self._wrapped, name)
        if not callable(found):
            return Faulty(found)

        def call(*args, **kwargs):
            fault = Path(os.environ["FAULT"])
            if fault.exists():
                raise getattr(errors, fault.read_text())("The storage of this test failed as it was told to.")
            return found(*args, **kwargs)

        return call


real = bootstrap.shared_app
bootstrap.shared_app = cache(lambda: replace(real(), storage=Faulty(real().storage)))

app = runpy.run_path(str(PROJECT / "function_app.py"))["app"]
