"""Decides which bytes to fetch when: a cache of cells that fetches more at a time the longer it is read in sequence.

A demuxer jumps to an index, to a keyframe, and from there reads on. In a file whose audio and video lie apart, it reads
on in two places in turn. So the last few places that were read from are remembered (a *run* each). The first fetch is
one cell, and each next one twice as much. From the second on, the following one is fetched while this one is used.

fsspec's `BackgroundBlockCache` is not used. Each of its requests is one block of a fixed size, and it fetches the next
block after every read, even after a jump.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from connector.deadline import carried

CELL = 256 * 1024
"""Bytes of the smallest fetch. Fetches are whole cells of a fixed grid, so that they never overlap."""
LONGEST_RUN = 17
"""Cells of the greatest fetch: 4.25 MiB. For up to 4 MiB, Azurite computes a digest that nobody asked for."""
CACHED_CELLS = 85
"""Number of cached cells: 21 MiB; with one fetch under way, 25 MiB."""
REMEMBERED_RUNS = 4


@dataclass(frozen=True, slots=True)
class _Run:
    first: int
    count: int
    sequential: bool
    """Whether the run before this one was read to its end."""

    @property
    def end(self) -> int:
        return self.first + self.count

    def __contains__(self, cell: int) -> bool:
        return self.first <= cell < self.end


class ReadAhead:
    """Serves the reads of one thread. `fetch(offset, length)` is called from that thread and from one of its own."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._count = -(-size // CELL)
        self._cells: OrderedDict[int, bytes] = OrderedDict()
        self._runs: OrderedDict[int, _Run] = OrderedDict()  # the key is their end
        self._ahead: tuple[_Run, Future[bytes]] | None = None
        self._worker = ThreadPoolExecutor(1, "read-ahead")  # starts its thread at the first use
        self._closed = False

    def read_at(self, offset: int, length: int) -> bytes:
        """Returns the bytes from `offset`, fewer at the end. Raises what `fetch` raises, ValueError when closed."""
        if self._closed:
            raise ValueError("The reader is closed.")
        end = min(offset + length, self._size)
        if offset < 0 or offset >= end:
            return b""
        last = (end - 1) // CELL
        parts = []
        for cell in range(offset // CELL, last + 1):
            base = cell * CELL
            data = self._cell(cell, last - cell + 1)
            parts.append(data[max(offset - base, 0) : end - base])
        return b"".join(parts)

    def close(self) -> None:
        """Closes the cache, and returns when nothing is being fetched any more."""
        self._closed = True
        self._worker.shutdown(cancel_futures=True)
        self._cells.clear()
        self._ahead = None

    def _cell(self, cell: int, wanted: int) -> bytes:
        if cell not in self._cells:
            self._load(cell, wanted)
        self._cells.move_to_end(cell)
        self._read_on(cell)
        return self._cells[cell]

    def _load(self, cell: int, wanted: int) -> None:
        """Brings the cell into the cache, and as many of the `wanted` ones from there as one fetch can take."""
        if self._ahead and cell in self._ahead[0]:
            self._take_ahead()
            return
        before = self._runs.get(cell)
        count = max(wanted, 2 * before.count if before else 1)
        if cell + LONGEST_RUN >= self._count:
            count = LONGEST_RUN  # a reader that jumps to the end, where the index is, reads on to the end
        run = self._next_run(cell, count, sequential=before is not None)
        self._store(run, self._fetch_run(run))

    def _read_on(self, cell: int) -> None:
        """Starts to fetch what follows the run that this cell is in."""
        run = next((run for run in self._runs.values() if run.sequential and cell in run), None)
        if run is None:
            return
        if self._ahead:
            if not self._ahead[1].done():
                return
            if self._ahead[1].exception():
                self._ahead = None  # a read that needs these bytes fetches them again, and raises the error then
            else:
                self._take_ahead()
        following = self._next_run(run.end, 2 * run.count, sequential=True)
        if following.count:
            self._ahead = following, self._worker.submit(carried(self._fetch_run), following)

    def _next_run(self, first: int, count: int, *, sequential: bool) -> _Run:
        """Returns a run no longer than allowed, of cells that exist and are not cached."""
        stop = min(first + min(count, LONGEST_RUN), self._count)
        count = next((cell - first for cell in range(first, stop) if cell in self._cells), max(stop - first, 0))
        return _Run(first, count, sequential)

    def _take_ahead(self) -> None:
        if self._ahead:
            run, future = self._ahead
            self._ahead = None
            self._store(run, future.result())

    def _fetch_run(self, run: _Run) -> bytes:
        offset = run.first * CELL
        return self._fetch(offset, min(run.count * CELL, self._size - offset))

    def _store(self, run: _Run, data: bytes) -> None:
        for i in range(run.count):
            self._cells[run.first + i] = data[i * CELL : (i + 1) * CELL]
        while len(self._cells) > CACHED_CELLS:
            self._cells.popitem(last=False)
        self._runs.pop(run.first, None)  # this one continues that run
        self._runs[run.end] = run
        while len(self._runs) > REMEMBERED_RUNS:
            self._runs.popitem(last=False)
