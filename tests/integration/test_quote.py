"""What a video was said to take and took, against what is really there: a tiny video, so bounds are generous."""

import pytest

from connector.api.views import actual, estimate
from connector.domain.layout import UPLOADS, output_container
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import PAL, Video, numbered
from tests.support.apps import KEYS, memory_app
from tests.support.in_process import publish

pytestmark = pytest.mark.media

SOURCE = Video(fps=PAL, frames=150, size=(640, 360))
FAST = {"segment_seconds": 1, "chunk_seconds": 3, "encoder_preset": "ultrafast"}


@pytest.fixture(scope="module", params=["clear", "protected"])
def published(request):
    path = cached("quoted.mp4", lambda p: numbered(p, SOURCE, Audio()), repr(SOURCE))
    app = memory_app(**FAST, **KEYS)
    return app, publish(app, path, protected=request.param == "protected")


def test_what_is_kept_is_what_lies_in_storage(published):
    app, video = published
    containers = app.storage.blobs.containers
    names = [output_container(video.id), f"stills-{video.id}"]
    lies = sum(len(blob.data) for name in names if name in containers for blob in containers[name].blobs.values())
    lies += len(containers[UPLOADS].blobs[video.blob_name].data)
    assert video.used.size == pytest.approx(lies, rel=0.15)


def test_what_was_said_is_plausible(published):
    app, video = published
    said, was = estimate(video, app.estimate_parameters), actual(video, app.estimate_parameters)
    assert video.used.executions == len(app.storage.tasks.of(video.id)) + 2
    assert video.used.executions <= was.seconds
    for field in ("seconds", "storage_bytes", "cost", "monthly_cost"):
        assert 0.25 < getattr(said, field) / getattr(was, field) < 4, field
    assert (said.output_minutes, said.currency) == (was.output_minutes, was.currency)
    assert said.output_minutes == pytest.approx(0.1 * (len(video.plan.renditions) + 1), abs=0.001)
