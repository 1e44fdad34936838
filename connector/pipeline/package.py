"""ENCODING → PACKAGING → READY: manifests from the rows that the tasks left. No segment is read again."""

from functools import partial

from connector.domain import layout
from connector.domain.estimate import spent
from connector.domain.messages import Message
from connector.domain.plan import Plan
from connector.domain.task import StoryboardOutput
from connector.domain.video import State, Video
from connector.isobmff import progressive
from connector.isobmff.samples import SampleTable
from connector.manifests import webvtt
from connector.manifests.presentation import Storyboard
from connector.media.jobs import StoryboardJob
from connector.pipeline import measures
from connector.pipeline.app import App, now
from connector.pipeline.assemble import Outputs, inits, presentation
from connector.pipeline.playback import manifest_names, protection_of, render, storyboard
from connector.pipeline.protect import protector
from connector.pipeline.remaining import remaining
from connector.pipeline.run import held, run_job
from connector.pipeline.together import together


def package(app: App, video: Video, message: Message) -> list[Message]:  # noqa: ARG001 - one shape for all steps
    """Answers the messages that come next. Raises BrokenOutput when the tasks' outputs do not fit together."""
    if video.state not in {State.ENCODING, State.PACKAGING}:
        return []
    begun = now()
    tasks = app.storage.tasks.of(video.id)
    if missing := remaining(video, tasks):
        return missing  # somebody was too quick
    if video.state is State.ENCODING:
        video = app.storage.videos.save(video.to(State.PACKAGING, now()))
    _write(app, video, Outputs.of(tasks))
    used = spent(video, tasks, now() - begun)
    measures.published(app, app.storage.videos.save(video.to(State.READY, now(), used=used)))
    app.storage.blobs.delete_container(layout.work_container(video.id))
    return []


def _write(app: App, video: Video, outputs: Outputs) -> None:
    assert video.plan  # noqa: S101 - a video in PACKAGING has one
    plan, blobs, output = video.plan, app.storage.blobs, layout.output_container(video.id)
    board = _stills(app, video, plan, outputs)
    # The stills of a protected video are private: no manifest can name them.
    whole = presentation(plan, outputs, None if video.key_id else board, protection_of(app, video))
    protect = protector(app, video)
    found = {layout.init_segment(kind, rendition): init for (kind, rendition), init in inits(outputs).items()}
    together(partial(blobs.put, output, name, protect.segment(name, init)) for name, init in found.items())
    if whole.protection is None:
        _write_progressive(app, video, plan, outputs)
    # The master playlist comes last: it is what a player finds the others by.
    *others, master = manifest_names(whole)
    together(partial(blobs.put, output, name, render(whole, name).encode()) for name in others)
    blobs.put(output, master, render(whole, master).encode())


def _stills(app: App, video: Video, plan: Plan, outputs: Outputs) -> Storyboard | None:
    """Writes poster and storyboard."""
    if plan.stills is None:
        return None
    blobs, stills, work = app.storage.blobs, layout.stills_of(video), layout.work_container(video.id)
    best = max((c.poster for c in outputs.chunks if c.poster), key=lambda p: p.score)
    candidate = blobs.get(work, best.name)
    # What encrypts a blob of the work container decrypts it, too.
    clear = protector(app, video).intermediate
    blobs.put(stills, layout.POSTER, clear(best.name, candidate))

    strips = {i: c.tiles for i, c in enumerate(outputs.chunks) if c.tiles}
    job = StoryboardJob(limits=app.task_limits, plan=plan, tiles=tuple(strips.values()))
    names = [layout.tile_strip(i) for i in strips]
    read = together(partial(blobs.get, work, name) for name in names)
    sources = [held(clear(name, strip)) for name, strip in zip(names, read, strict=True)]
    made = StoryboardOutput.model_validate(run_job(app, video, job, sources))
    board = storyboard(plan.stills, made.size)
    vtt = webvtt.storyboard(board, round(plan.duration * layout.TIMESCALE))
    blobs.put(stills, layout.STORYBOARD_VTT, vtt.encode())
    return board


def _write_progressive(app: App, video: Video, plan: Plan, outputs: Outputs) -> None:
    """The tasks staged the samples as blocks: only the head is missing, then the list of blocks makes the file."""
    blobs, output, work = app.storage.blobs, layout.output_container(video.id), layout.work_container(video.id)
    init = inits(outputs)
    kinds: list[str] = []
    tracks: list[progressive.Track] = []
    if outputs.chunks:
        # Of the tasks that share a segment, one made the rendition.
        made = [i for i, c in enumerate(outputs.chunks) if any(r.id == plan.progressive for r in c.renditions)]
        packed = b"".join(together(partial(blobs.get, work, layout.sample_tables("chunk", i)) for i in made))
        kinds.append("video")
        tracks.append(progressive.Track(init["video", plan.progressive], SampleTable.unpack(packed)))
    if outputs.audio:
        packed = blobs.get(work, layout.sample_tables("audio", 0))
        kinds.append("audio")
        tracks.append(progressive.Track(init["audio", plan.audio[0].id], SampleTable.unpack(packed)))
    order = progressive.interleave(tracks)
    blobs.stage(output, layout.PROGRESSIVE, layout.PROGRESSIVE_HEAD, progressive.head(tracks, order))
    blocks = [layout.progressive_block(kinds[t], tracks[t].segments[s].time) for t, s in order]
    blobs.commit(output, layout.PROGRESSIVE, [layout.PROGRESSIVE_HEAD, *blocks])
