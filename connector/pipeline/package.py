"""The step from ENCODING through PACKAGING to READY: writes the manifests from the rows of the tasks.

No segment is read again.
"""

from functools import partial

from connector.domain import layout
from connector.domain.estimate import spent
from connector.domain.jobs import StoryboardJob
from connector.domain.messages import Message
from connector.domain.missing_tasks import missing_tasks
from connector.domain.plan import Plan
from connector.domain.step import Step, TaskId
from connector.domain.video import State, Video
from connector.errors import BrokenOutput
from connector.isobmff import progressive
from connector.isobmff.samples import SampleTable
from connector.manifests import webvtt
from connector.manifests.presentation import Storyboard
from connector.pipeline import measures
from connector.pipeline.assemble import Outputs, inits, presentation
from connector.pipeline.concurrency import run_concurrently
from connector.pipeline.context import Pipeline
from connector.pipeline.media_task import run_job
from connector.pipeline.playback import manifest_names, protection_of, render, storyboard
from connector.pipeline.protect import protector
from connector.pipeline.sources import in_memory_source


def package(app: Pipeline, video: Video, message: Message) -> list[Message]:  # noqa: ARG001 - one shape for all steps
    """Publishes a video whose tasks are all done. Returns the messages that come next.

    Raises BrokenOutput when the outputs of the tasks do not fit together.
    """
    if video.state not in {State.ENCODING, State.PACKAGING}:
        return []
    begun = app.clock.now()
    tasks = app.storage.tasks.of(video.id)
    if missing := missing_tasks(video, tasks):
        return missing  # the message came too early
    if video.state is State.ENCODING:
        video = app.storage.videos.save(video.to(State.PACKAGING, app.clock.now()))
    _write(app, video, Outputs.of(tasks))
    used = spent(video, tasks, app.clock.now() - begun)
    measures.record_published(app, app.storage.videos.save(video.to(State.READY, app.clock.now(), used=used)))
    app.storage.blobs.delete_container(layout.work_container(video.id))
    return []


def _write(app: Pipeline, video: Video, outputs: Outputs) -> None:
    plan, blobs, output = video.planned().plan, app.storage.blobs, layout.output_container(video.id)
    threads = app.options.pace.storage_calls
    board = _stills(app, video, plan, outputs)
    # The stills of a protected video are private, so no manifest can name them.
    whole = presentation(plan, outputs, None if video.key_id else board, protection_of(app, video))
    protect = protector(app, video)
    found = {layout.init_segment(kind, rendition): init for (kind, rendition), init in inits(outputs).items()}
    writes = [partial(blobs.put, output, name, protect.segment(name, init)) for name, init in found.items()]
    run_concurrently(writes, threads)
    if whole.protection is None:
        _write_progressive(app, video, plan, outputs)
    # The master playlist comes last, because players find all others through it.
    *others, master = manifest_names(whole)
    run_concurrently([partial(blobs.put, output, name, render(whole, name).encode()) for name in others], threads)
    blobs.put(output, master, render(whole, master).encode())


def _stills(app: Pipeline, video: Video, plan: Plan, outputs: Outputs) -> Storyboard | None:
    """Writes the poster and the storyboard."""
    if plan.stills is None:
        return None
    blobs, stills, work = app.storage.blobs, layout.stills_of(video), layout.work_container(video.id)
    posters = [(number, c.poster) for number, c in enumerate(outputs.chunks) if c.poster]
    best, _ = max(posters, key=lambda numbered: numbered[1].score)
    candidate = layout.poster_candidate(best)
    clear = protector(app, video).clear_intermediate
    blobs.put(stills, layout.POSTER, clear(candidate, blobs.get(work, candidate)))

    strips = {i: c.tiles for i, c in enumerate(outputs.chunks) if c.tiles}
    job = StoryboardJob(limits=app.options.jobs.task, plan=plan, tiles=tuple(strips.values()))
    names = [layout.tile_strip(i) for i in strips]
    read = run_concurrently([partial(blobs.get, work, name) for name in names], app.options.pace.storage_calls)
    sources = [in_memory_source(clear(name, strip)) for name, strip in zip(names, read, strict=True)]
    sprite = run_job(app, video, job, sources)
    board = storyboard(plan.stills, sprite.size)
    vtt = webvtt.storyboard(board, round(plan.duration * layout.TIMESCALE))
    blobs.put(stills, layout.STORYBOARD_VTT, vtt.encode())
    return board


def _write_progressive(app: Pipeline, video: Video, plan: Plan, outputs: Outputs) -> None:
    """Completes the progressive file. The tasks have staged its samples as blocks; only the head and the list are
    missing. Raises BrokenOutput when the sample tables do not fit together.
    """
    blobs, output, work = app.storage.blobs, layout.output_container(video.id), layout.work_container(video.id)
    init = inits(outputs)
    kinds: list[str] = []
    tracks: list[progressive.Track] = []
    if outputs.chunks:
        # Where two tasks share the first segment, only one of them made this rendition.
        made = [i for i, c in enumerate(outputs.chunks) if any(r.id == plan.progressive for r in c.renditions)]
        tables = [partial(blobs.get, work, layout.sample_tables(TaskId(Step.CHUNK, i))) for i in made]
        packed = b"".join(run_concurrently(tables, app.options.pace.storage_calls))
        kinds.append("video")
        tracks.append(_progressive_track(init["video", plan.progressive], packed))
    if outputs.audio:
        packed = blobs.get(work, layout.sample_tables(TaskId(Step.AUDIO)))
        kinds.append("audio")
        tracks.append(_progressive_track(init["audio", plan.audio[0].id], packed))
    order = progressive.interleave(tracks)
    try:
        head = progressive.head(tracks, order)
    except ValueError as error:
        raise BrokenOutput(f"the sample tables do not fit together: {error}") from None
    blobs.stage(output, layout.PROGRESSIVE, layout.PROGRESSIVE_HEAD, head)
    blocks = [layout.progressive_block(kinds[t], tracks[t].segments[s].time) for t, s in order]
    blobs.commit(output, layout.PROGRESSIVE, [layout.PROGRESSIVE_HEAD, *blocks])


def _progressive_track(init: bytes, packed: bytes) -> progressive.Track:
    try:
        return progressive.Track(init, SampleTable.unpack(packed))
    except ValueError as error:
        raise BrokenOutput(f"a sample table cannot be read: {error}") from None
