"""Its owner may write the upload's blob again as long as the URL is valid: what was complete is what counts."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.api.app import App
from connector.domain.layout import UPLOADS, output_container
from connector.domain.messages import Message
from connector.domain.types import BlobVersion
from connector.domain.video import State, Video
from connector.pipeline.complete import complete_by_name, complete_upload
from connector.pipeline.create import create
from connector.pipeline.steps import run_step
from tests.media.corpus import build
from tests.support.apps import memory_app
from tests.support.in_process import drive
from tests.support.published import FAST

pytestmark = pytest.mark.media


@pytest.fixture
def app() -> App:
    return memory_app(**FAST)


def _complete(app: App) -> tuple[Video, list[Message]]:
    video = create(app, "video.mp4").video
    app.storage.blobs.put(UPLOADS, video.blob_name, build("mp4").read_bytes())
    return video, complete_upload(app, video.id)


def _overwrite(app: App, video: Video) -> list[Message]:
    """With another video; the storage's event comes, too."""
    app.storage.blobs.put(UPLOADS, video.blob_name, build("3gp").read_bytes())
    return complete_by_name(app, f"{UPLOADS}/{video.blob_name}")


def _output(app: App, video: Video) -> dict[str, bytes]:
    return {name: blob.data for name, blob in app.storage.blobs.containers[output_container(video.id)].blobs.items()}


def test_overwriting_the_upload_of_a_published_video_changes_nothing(app):
    video, messages = _complete(app)
    ready = drive(app, messages, video)
    assert ready.state is State.READY
    before = _output(app, video)
    assert drive(app, _overwrite(app, video), video) == ready
    assert _output(app, video) == before


def _before(step: str) -> Callable[[App, Video], Callable[[App, Message], list[Message]]]:
    """Overwrites just before the first message of that step is delivered."""

    def make(app: App, video: Video) -> Callable[[App, Message], list[Message]]:
        done = []

        def deliver(app: App, message: Message) -> list[Message]:
            also = []
            if message.step == step and not done:
                done.append(step)
                also = _overwrite(app, video)
            return run_step(app, message) + also

        return deliver

    return make


@pytest.mark.parametrize("step", ["probe", "chunk", "audio", "package"])
def test_overwriting_the_upload_before_it_was_read_changes_nothing_either(app, step):
    video, messages = _complete(app)
    end = drive(app, messages, video, _before(step)(app, video))
    assert (end.state, end.size) == (State.READY, build("mp4").stat().st_size)
    other, messages = _complete(app)
    assert drive(app, messages, other).state is State.READY
    assert _output(app, video).keys() == _output(app, other).keys()
    segments = {name: data for name, data in _output(app, other).items() if name.endswith(".m4s")}
    assert segments
    assert {name: data for name, data in _output(app, video).items() if name.endswith(".m4s")} == segments


@pytest.mark.parametrize("step", ["probe", "chunk", "audio"])
def test_without_a_snapshot_a_video_whose_upload_is_overwritten_fails_with_the_reason(app, step):
    video, messages = _complete(app)
    app.storage.videos.save(replace(app.storage.videos.get(video.id), snapshot=None))
    end = drive(app, messages, video, _before(step)(app, video))
    assert (end.state, end.failure.code) == (State.FAILED, "UploadChanged")
    assert output_container(video.id) not in app.storage.blobs.containers


def test_a_video_whose_upload_goes_while_it_is_read_fails_with_the_reason(app, monkeypatch):
    video, messages = _complete(app)
    blobs, real = app.storage.blobs, app.storage.blobs.open

    def opened(container: str, name: str, version: BlobVersion | None = None) -> object:
        reader = real(container, name, version)
        if container == UPLOADS:
            blobs.delete_upload(video.id)
        return reader

    monkeypatch.setattr(blobs, "open", opened)
    end = drive(app, messages, video)
    assert (end.state, end.failure.code) == (State.FAILED, "UploadChanged")
