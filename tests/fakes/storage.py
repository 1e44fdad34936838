"""`Storage` in memory: the fake of `storage/azure.py`, held to the same contract tests."""

from tests.fakes.blobs import MemoryBlobs
from tests.fakes.keys import MemoryKeys
from tests.fakes.tasks import MemoryTasks
from tests.fakes.videos import MemoryVideos


class MemoryStorage:
    def __init__(self) -> None:
        self.videos = MemoryVideos()
        self.tasks = MemoryTasks()
        self.keys = MemoryKeys()
        self.blobs = MemoryBlobs()
