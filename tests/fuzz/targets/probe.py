"""What the probe says of a file, up to the plan that is made of it and the Video that callers see."""

from collections.abc import Iterator
from fractions import Fraction

from connector.api.views import status_model, video_model
from connector.domain.media_info import Access
from connector.domain.video import State
from connector.errors import TaskCrashed
from connector.pipeline.complete import complete_upload
from connector.pipeline.steps import run_step
from tests.fakes.media import INFO, PICTURE, SOUND
from tests.fuzz.said import result_line, sandbox
from tests.fuzz.target import Target
from tests.support.apps import quick_app
from tests.support.world import uploaded


def _run(data: bytes) -> None:
    app = quick_app(media=sandbox(result_line(data)))
    video = uploaded(app)
    for message in complete_upload(app, video.id):
        run_step(app, message)
    video = app.storage.videos.get(video.id)
    assert video.state in {State.QUEUED, State.ENCODING, State.FAILED}  # QUEUED: to be split first
    assert video.plan is None or len(video.plan.chunks) <= 20_000
    video_model(video, None, app.estimate_parameters).model_dump_json()
    status_model(video, [], app.estimate_parameters).model_dump_json()


def _seeds() -> Iterator[bytes]:
    longer = PICTURE.model_copy(update={"end": Fraction(4000), "frame_rate": Fraction(30000, 1001), "rotation": 90})
    later = SOUND.model_copy(update={"start": Fraction(-1, 3), "end": Fraction(4001), "title": "Commentary"})
    for info in (
        INFO,
        INFO.model_copy(update={"video": None}),
        INFO.model_copy(update={"video": longer, "audio": (SOUND, later, later), "size": 1 << 30}),
        INFO.model_copy(update={"access": Access.PIECES}),
    ):
        yield info.model_dump_json().encode()


TARGET = Target(_run, _seeds, (TaskCrashed,), (b"1/0", b"1e999", b"30000/1001"), json=True)
