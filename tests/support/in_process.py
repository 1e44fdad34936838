"""Runs the real pipeline in this process: real media child processes, storage as given, messages delivered by hand."""

from collections import deque
from collections.abc import Callable
from pathlib import Path

from connector.api.app import App
from connector.domain.layout import UPLOADS, output_container
from connector.domain.messages import Message
from connector.domain.video import Video
from connector.errors import ConnectorError
from connector.pipeline.attempts import fail_or_wait
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.pipeline.keys import UploadKey
from connector.pipeline.steps import run_step

MAX_DEQUEUE = 5


def publish(
    app: App,
    path: Path,
    file_name: str | None = None,
    *,
    protected: bool = False,
    encrypt: Callable[[UploadKey, Path], bytes] | None = None,
) -> Video:
    """The video in its final state, whichever that is. `encrypt` makes of the file what is uploaded."""
    made = create(app, file_name or path.name, protected=protected, encrypted_upload=encrypt is not None)
    if encrypt is None:
        data = path.read_bytes()
    else:
        assert made.upload_key
        data = encrypt(made.upload_key, path)
    app.storage.blobs.put(UPLOADS, made.video.blob_name, data)
    return drive(app, complete_upload(app, made.video.id), made.video)


def drive(
    app: App, messages: list[Message], video: Video, step: Callable[[App, Message], list[Message]] = run_step
) -> Video:
    """Delivers messages, and all that follow from them, as the queues do: again after a failure, at last as poison."""
    queue = deque((message, 1) for message in messages)
    while queue:
        message, count = queue.popleft()
        try:
            queue.extend((following, 1) for following in step(app, message))
        except ConnectorError:
            if count < MAX_DEQUEUE:
                queue.append((message, count + 1))
            else:
                fail_or_wait(app, message)
    return app.storage.videos.get(video.id)


def download(app: App, video: Video, directory: Path) -> Path:
    """All of a published video's output as files, so that players of files can play it. In-memory storage only."""
    container = app.storage.blobs.containers[output_container(video.id)]  # type: ignore[attr-defined]
    for name, blob in container.blobs.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob.data)
    return directory
