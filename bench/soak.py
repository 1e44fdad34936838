"""`make soak`: publishes a long 4K video on the real local stack and watches what each worker takes.

Fails when one worker together with the media processes that it started is resident in more than 1.75 GiB, or when the
stack writes more than 600 MB of temporary files: on one small instance of Azure Functions there are 2 GiB, of which the
Functions host and the system need the rest.
What Azurite stores stands for Blob Storage and is counted apart.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.pipeline import run_ffmpeg
from bench.processes import descendants
from client import Client
from local.stack import Stack

PROJECT = Path(__file__).parent.parent
MEMORY_LIMIT = 7 << 28
DISK_LIMIT = 600_000_000
EVERY = 0.2
"""Seconds between two looks."""
ENCODERS = 2
MINUTE = 60


def make_source(path: Path, minutes: int) -> Path:
    """4K with sound at about 20 Mbit/s, enough for the whole ladder. One minute is encoded, and repeated as it is."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    one, draft = path.with_name("soak-minute.mp4"), path.with_name("draft.mp4")
    picture = f"testsrc2=size=3840x2160:rate=25:duration={MINUTE}"
    sound = f"sine=frequency=440:sample_rate=48000:duration={MINUTE}"
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "20M", "-g", "50", "-pix_fmt", "yuv420p"]
    run_ffmpeg(["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *codecs, "-c:a", "aac", str(one)])
    run_ffmpeg(["-stream_loop", str(minutes - 1), "-i", str(one), "-c", "copy", str(draft)])
    one.unlink()
    return draft.replace(path)


class Watch:
    """Looks at the stack's processes, and all they started, until the context is left."""

    def __init__(self, stack: Stack, temporary: Path) -> None:
        self._stack, self._temporary = stack, temporary
        self.memory: dict[str, int] = defaultdict(int)
        """Peak of the resident bytes of each worker with its children; what they share counts once."""
        self.single: dict[str, int] = defaultdict(int)
        """Peak resident bytes of one process among them, as the kernel kept it."""
        self.disk = 0
        """Peak bytes of temporary files."""
        self.failure: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self.failure is not None and error is None:
            raise self.failure

    def _run(self) -> None:
        try:
            while not self._stop.wait(EVERY):
                self._look()
        except Exception as error:  # noqa: BLE001 - raised again in the main thread
            self.failure = error

    def _look(self) -> None:
        for name, root in self._stack.pids.items():
            if name == "supervisor":
                continue  # the parent of all the others
            family = [root, *descendants(root)]
            # Children share pages with their fork server; each counts its part of them.
            self.memory[name] = max(self.memory[name], sum(_bytes(pid, "smaps_rollup", "Pss") for pid in family))
            self.single[name] = max(self.single[name], *(_bytes(pid, "status", "VmHWM") for pid in family))
        self.disk = max(self.disk, folder_size(self._temporary))


def _bytes(pid: int, file: str, field: str) -> int:
    """0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def folder_size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except OSError:
            continue  # it was removed meanwhile
    return total


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("minutes", type=int, nargs="?", default=10, help="length of the source (default: 10)")
    minutes = parser.parse_args().minutes
    data = PROJECT / ".data" / "bench"
    source = make_source(data / f"soak-{minutes}.mp4", minutes)
    print(f"source: {minutes} min of 4K, {source.stat().st_size / 1e6:.0f} MB", flush=True)
    with tempfile.TemporaryDirectory(dir=data) as folder:
        temporary = Path(folder) / "tmp"
        temporary.mkdir()
        # Azurite's own data lies in the stack's folder; whatever a worker writes to disk must go here.
        with (
            Stack(
                PROJECT,
                Path(folder) / "stack",
                encoders=ENCODERS,
                in_memory=False,
                env={"TMPDIR": str(temporary)},
            ) as stack,
            Client(stack.api) as client,
            Watch(stack, temporary) as watch,
        ):
            begin = time.monotonic()
            video = client.create(source.name)
            client.upload(video, source)
            client.mark_complete(video.id)
            final = None
            for final in client.watch(video.id, every=5):
                print(f"{time.monotonic() - begin:6.0f} s  {final.status} {final.progress} %", flush=True)
            stored = folder_size(stack.data_dir)
    return report(watch, final.status if final else "nothing", final.message if final else "", stored)


def report(watch: Watch, status: str, message: str, stored: int) -> int:
    """Prints the table; the exit status."""
    print(f"\n{'worker':<12}{'peak with children':>20}{'largest process':>18}   (MiB resident)")
    for name in sorted(watch.memory):
        print(f"{name:<12}{watch.memory[name] / 2**20:>20.0f}{watch.single[name] / 2**20:>18.0f}")
    print(f"temporary files: {watch.disk / 1e6:.0f} MB at most; stored by Azurite at the end: {stored / 1e6:.0f} MB")
    # Azurite stands for a service of Azure's.
    over = [n for n, peak in watch.memory.items() if n != "azurite" and peak > MEMORY_LIMIT]
    problems = [f"{name} took more than {MEMORY_LIMIT >> 20} MiB" for name in over]
    if watch.disk > DISK_LIMIT:
        problems.append(f"more than {DISK_LIMIT // 1_000_000} MB of temporary files")
    if status != "Completed":
        problems.append(f"the video is {status}: {message}")
    print("\n".join(f"FAILED: {p}" for p in problems) or "ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
