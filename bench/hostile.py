"""Every hostile file through a whole publish: `python -m bench.hostile [part of a name …]`. Takes a while.

Prints what became of them, and each video that did not end as it should; the exit status tells whether there was any.
"""

import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from connector.domain.failures import SENTENCES
from connector.domain.video import FINAL, Video
from tests.hostile.canary import Canaries
from tests.hostile.corpus import hostile, written
from tests.media.corpus import build
from tests.support.apps import memory_app
from tests.support.in_process import publish
from tests.support.published import FAST


def _problem(video: Video) -> str:
    """Why the video did not end as it should; empty when it did."""
    if video.state not in FINAL:
        return f"stuck in {video.state}"
    if video.failure and video.failure.code not in SENTENCES:
        return f"unknown code {video.failure.code}"
    if video.failure and video.failure.code in {"MediaProcessCrashed", "ProcessingFailed", "WorkerLost"}:
        return f"a media process died: {video.failure.message}"
    return ""


def main(wanted: list[str]) -> int:
    logging.disable(logging.ERROR)
    ends: Counter[str] = Counter()
    slowest: list[tuple[float, str]] = []
    wrong = 0
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        canaries = Canaries(folder / "canary.ts", build("ts").read_bytes())
        files = hostile(str(canaries.file.path), canaries.server.url)
        files = [file for file in files if not wanted or any(part in file.name for part in wanted)]
        canaries.touches()
        for file in files:
            begin = time.monotonic()
            video = publish(memory_app(**FAST), written(file, folder))
            slowest.append((time.monotonic() - begin, file.name))
            ends[video.failure.code if video.failure else video.state.value] += 1
            if reason := _problem(video):
                wrong += 1
                print(f"{file.name}: {reason}", flush=True)
        touched = canaries.touches()
        canaries.close()
    print(f"{len(files)} files, {wrong} wrong, canaries touched {touched} times")
    print(", ".join(f"{end} {count}" for end, count in ends.most_common()))
    print("slowest:", ", ".join(f"{name} {seconds:.1f} s" for seconds, name in sorted(slowest)[-5:]))
    return bool(wrong or touched)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
