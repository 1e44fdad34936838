"""A sample of the hostile files through whole publishes: every video ends, and with a reason where it must.

`python -m bench.hostile` publishes all of them.
"""

import pytest

from connector.domain.failures import SENTENCES
from connector.domain.layout import work_container
from connector.domain.video import State
from tests.hostile.corpus import Hostile, written
from tests.integration.pipeline import memory_app, publish
from tests.integration.published import FAST

pytestmark = pytest.mark.media

EVERY = 45
"""Of so many files one is taken, and all of those that are named here."""
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


def test_a_sample_is_published_or_fails_with_a_reason(files: list[Hostile], canaries, tmp_path):
    names = {file.name for file in files[::EVERY]}.union(NAMED)
    canaries.touches()
    for file in files:
        if file.name not in names:
            continue
        app = memory_app(**FAST)
        video = publish(app, written(file, tmp_path))
        if video.failure:
            assert video.state is State.FAILED, file.name
            assert video.failure.code in SENTENCES, file.name
            assert video.failure.code != "ProcessingFailed", (file.name, video.failure)
        else:
            assert video.state is State.READY, file.name
        assert work_container(video.id) not in app.storage.blobs.containers, file.name
    assert canaries.touches() == 0
