"""A sample of the hostile files through whole publishes: every video ends, and with a reason where it must.

`python -m bench.hostile` publishes all of them.
"""

import pytest

from connector.domain.failures import SENTENCES
from connector.domain.layout import work_container
from connector.domain.video import State
from tests.hostile.corpus import Hostile, written
from tests.support.apps import memory_app
from tests.support.in_process import publish
from tests.support.published import FAST

pytestmark = pytest.mark.media

EVERY = 160
"""Of so many files one is taken, and all of those that are named here."""
SAMPLES = 5
NAMED = (
    "declared-changes-mov",
    "declared-grows-mov",
    "declared-times-backwards-mkv",
    "declared-begin-huge-mkv",
    "declared-ctts-negative-mov",
    "declared-million-seconds-mov",
    "declared-cover-png-bomb-mov",
    "declared-frames-billion-mov",
    "declared-language-odd-mkv",
    "declared-size-1-mov",
    "encrypted-cenc-mp4",
    "disguised-dref-url-file-mov",
    "disguised-m3u8-http-mp4",
    "disguised-dref-alis-file-mov",
)


@pytest.mark.parametrize("which", [*NAMED, *range(SAMPLES)])
def test_a_file_is_published_or_fails_with_a_reason(which: str | int, files: list[Hostile], canaries, tmp_path):
    file = files[which * EVERY] if isinstance(which, int) else next(f for f in files if f.name == which)
    app = memory_app(**FAST)
    canaries.touches()
    video = publish(app, written(file, tmp_path))
    if video.failure:
        assert video.state is State.FAILED
        assert video.failure.code in SENTENCES
        assert video.failure.code not in {"MediaProcessCrashed", "ProcessingFailed", "WorkerLost"}, video.failure
    else:
        assert video.state is State.READY
    assert work_container(video.id) not in app.storage.blobs.containers
    assert canaries.touches() == 0
