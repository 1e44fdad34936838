"""The manifests of a video, which are stored beside its media or rendered for one viewer."""

from urllib.parse import quote
from uuid import UUID

from connector.domain import layout
from connector.domain.missing_tasks import missing_tasks
from connector.domain.plan import Stills
from connector.domain.planner import sound_segments
from connector.domain.video import State, Video
from connector.errors import NotFound
from connector.manifests import dash, hls, smooth
from connector.manifests.addresses import BESIDE, Addresses
from connector.manifests.presentation import EarlyTimeline, Presentation, Protection, Storyboard, VideoTrack
from connector.pipeline.assemble import Outputs, early_presentation, presentation
from connector.pipeline.context import Pipeline
from connector.pipeline.keys import iv


def protection_of(app: Pipeline, video: Video, token: str = "") -> Protection | None:
    """Returns how the video is protected; None for a clear video.

    With a token, the address of the key carries it, because native players send no header.
    """
    if video.key_id is None:
        return None
    return protection(app, video.key_id, token)


def protection(app: Pipeline, key_id: UUID, token: str = "") -> Protection:
    query = f"?token={quote(token, safe='')}" if token else ""
    return Protection(app.options.playback.key_uri(key_id) + query, iv(key_id, "video"), iv(key_id, "audio"))


def storyboard(stills: Stills, size: int) -> Storyboard:
    """Returns the storyboard. `size` is that of the image with all tiles, in bytes."""
    return Storyboard(
        columns=stills.columns,
        rows=stills.rows,
        width=stills.tile.width,
        height=stills.tile.height,
        count=stills.count,
        interval=stills.interval,
        size=size,
    )


def manifest_names(whole: Presentation) -> list[str]:
    """Returns the blob names of all manifests and playlists, the master playlist last. Early playback has no Smooth
    manifest.
    """
    names = [layout.media_playlist("video", track.id) for track in whole.video]
    names += [layout.media_playlist("audio", track.id) for track in whole.audio]
    names += [layout.iframe_playlist(track.id) for track in whole.video if track.keyframes]
    smooth_manifest = [] if whole.early else [layout.SMOOTH_MANIFEST]
    return [*names, layout.DASH_MANIFEST, *smooth_manifest, layout.MASTER_PLAYLIST]


def render(whole: Presentation, name: str, addresses: Addresses = BESIDE) -> str:
    """Renders the manifest of this blob name. Raises NotFound when the video has no such manifest."""
    match name:
        case layout.MASTER_PLAYLIST:
            return hls.master(whole, addresses)
        case layout.DASH_MANIFEST:
            return dash.mpd(whole, addresses)
        case layout.SMOOTH_MANIFEST if not whole.early:
            return smooth.manifest(whole, addresses)
    for kind, tracks in (("video", whole.video), ("audio", whole.audio)):
        for track in tracks:
            if name == layout.media_playlist(kind, track.id):
                return hls.media(track, addresses, whole.protection, whole.early)
            if name == layout.iframe_playlist(track.id) and isinstance(track, VideoTrack) and track.keyframes:
                return hls.iframes(track, addresses)
    raise NotFound("no such manifest")


def rendered(app: Pipeline, video: Video, name: str, token: str, key_token: str) -> str:
    """The manifest `name` for the bearer of `token`, with addresses that lead to the media in storage.

    Child playlists are rendered too, under the same token; in private containers each address of media carries an
    expiring SAS for this one container. `key_token` goes into the key's address; if empty, players send their own.
    Raises NotFound when the video has no such manifest (yet).
    """
    container = layout.output_container(video.id)
    addresses = Addresses(
        base=app.storage.blobs.container_uri(container),
        query=app.storage.blobs.container_query(container, app.options.playback.url_lifetime)
        if app.options.playback.signed
        else "",
        playlist=lambda child: playback_uri(app, video, child, token),
    )
    return render(_current(app, video, name, protection_of(app, video, key_token)), name, addresses)


def _current(app: Pipeline, video: Video, name: str, protection: Protection | None) -> Presentation:
    """Returns the presentation that the manifest `name` needs: the whole video, or what is finished of it."""
    plan = video.planned().plan
    tasks = app.storage.tasks.of(video.id)
    outputs = Outputs.of(tasks)
    # The end must come with the last segment, because video.js does not notice an end that comes alone.
    if missing_tasks(video, tasks):
        whole = so_far(app, video, outputs, protection)
        if whole is None:
            raise NotFound("nothing can be played")
        return whole
    board = None
    ready = video.state is State.READY
    if ready and name == layout.DASH_MANIFEST and video.key_id is None and plan.stills is not None:
        board = storyboard(
            plan.stills, app.storage.blobs.properties(layout.output_container(video.id), layout.STORYBOARD).size
        )
    return presentation(plan, outputs, board, protection)


def so_far(app: Pipeline, video: Video, outputs: Outputs, protection: Protection | None) -> Presentation | None:
    """Returns what can be played so far of a video that is still encoded; None when that is nothing."""
    plan, moment = video.planned().plan, app.clock.now()
    _, segment = sound_segments(plan, app.options.plan.segment_seconds)
    early = EarlyTimeline(
        since=video.playable or moment,
        moment=moment,
        segment=round(segment * layout.TIMESCALE),
    )
    return early_presentation(plan, outputs, protection, early)


def playback_uri(app: Pipeline, video: Video, name: str, token: str) -> str:
    """Returns the URL at which the app renders the manifest `name` for the bearer of `token`."""
    return f"{app.options.playback.public_url}/Playback/{video.id}/{name}?token={quote(token, safe='')}"
