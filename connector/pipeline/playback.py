"""The manifests of a video: stored beside its media, or rendered anew for one viewer."""

from urllib.parse import quote
from uuid import UUID

from connector.domain import layout
from connector.domain.plan import Stills
from connector.domain.planner import sound_segments
from connector.domain.video import State, Video
from connector.errors import NotFound
from connector.manifests import dash, hls, smooth
from connector.manifests.addresses import BESIDE, Addresses
from connector.manifests.presentation import Growth, Presentation, Protection, Storyboard, VideoTrack
from connector.pipeline.app import App, now
from connector.pipeline.assemble import Outputs, growing, presentation
from connector.pipeline.keys import iv
from connector.pipeline.remaining import remaining


def protection_of(app: App, video: Video, token: str = "") -> Protection | None:
    """None for a clear video. With a token, the key's address carries it: native players send no header."""
    if video.key_id is None:
        return None
    return protection(app, video.key_id, token)


def protection(app: App, key_id: UUID, token: str = "") -> Protection:
    query = f"?token={quote(token, safe='')}" if token else ""
    return Protection(app.key_uri(key_id) + query, iv(key_id, "video"), iv(key_id, "audio"))


def storyboard(stills: Stills, size: int) -> Storyboard:
    """`size`: of the picture that holds all tiles, in bytes."""
    return Storyboard(
        columns=stills.columns,
        rows=-(-stills.count // stills.columns),
        width=stills.tile.width,
        height=stills.tile.height,
        count=stills.count,
        interval=stills.interval,
        size=size,
    )


def manifest_names(whole: Presentation) -> list[str]:
    """Blob names of all manifests and playlists, the master playlist last. Smooth Streaming does not grow."""
    names = [layout.media_playlist("video", track.id) for track in whole.video]
    names += [layout.media_playlist("audio", track.id) for track in whole.audio]
    names += [layout.iframe_playlist(track.id) for track in whole.video if track.keyframes]
    smooth_manifest = [] if whole.growth else [layout.SMOOTH_MANIFEST]
    return [*names, layout.DASH_MANIFEST, *smooth_manifest, layout.MASTER_PLAYLIST]


def render(whole: Presentation, name: str, addresses: Addresses = BESIDE) -> str:
    """The manifest of this blob name. Raises NotFound when the video has none of it."""
    match name:
        case layout.MASTER_PLAYLIST:
            return hls.master(whole, addresses)
        case layout.DASH_MANIFEST:
            return dash.mpd(whole, addresses)
        case layout.SMOOTH_MANIFEST if not whole.growth:
            return smooth.manifest(whole, addresses)
    for kind, tracks in (("video", whole.video), ("audio", whole.audio)):
        for track in tracks:
            if name == layout.media_playlist(kind, track.id):
                return hls.media(track, addresses, whole.protection, whole.growth)
            if name == layout.iframe_playlist(track.id) and isinstance(track, VideoTrack) and track.keyframes:
                return hls.iframes(track, addresses)
    raise NotFound("no such manifest")


def rendered(app: App, video: Video, name: str, token: str, key_token: str) -> str:
    """The manifest `name` for the bearer of `token`, with addresses that lead to the media in storage.

    Child playlists are rendered too, under the same token; in private containers each address of media carries an
    expiring SAS for this one container. `key_token` goes into the key's address; if empty, players send their own.
    Raises NotFound when the video has no such manifest (yet).
    """
    container = layout.output_container(video.id)
    addresses = Addresses(
        base=app.storage.blobs.container_uri(container),
        query=app.storage.blobs.container_query(container, app.url_lifetime) if app.signed else "",
        playlist=lambda child: playback_uri(app, video, child, token),
    )
    return render(_current(app, video, name, protection_of(app, video, key_token)), name, addresses)


def _current(app: App, video: Video, name: str, protection: Protection | None) -> Presentation:
    """The whole video, or what is finished of it, as the manifest `name` tells of it."""
    assert video.plan  # noqa: S101 - a video that can be played has one
    tasks = app.storage.tasks.of(video.id)
    outputs = Outputs.of(tasks)
    # The end comes with the last segment: video.js does not notice one that comes alone.
    if remaining(video, tasks):
        whole = so_far(app, video, outputs, protection)
        if whole is None:
            raise NotFound("nothing can be played")
        return whole
    board = None
    ready = video.state is State.READY
    if ready and name == layout.DASH_MANIFEST and video.key_id is None and video.plan.stills is not None:
        size, _ = app.storage.blobs.properties(layout.output_container(video.id), layout.STORYBOARD)
        board = storyboard(video.plan.stills, size)
    return presentation(video.plan, outputs, board, protection)


def so_far(app: App, video: Video, outputs: Outputs, protection: Protection | None) -> Presentation | None:
    """What can be played by now of a video that is still being encoded; None when that is nothing."""
    assert video.plan  # noqa: S101 - a video in ENCODING has one
    plan, moment = video.plan, now()
    _, segment = sound_segments(plan, app.settings.segment_seconds)
    growth = Growth(
        since=video.playable or moment,
        moment=moment,
        segment=round(segment * layout.TIMESCALE),
    )
    return growing(plan, outputs, protection, growth)


def playback_uri(app: App, video: Video, name: str, token: str) -> str:
    """Where the app renders the manifest `name` for the bearer of `token`."""
    base = app.settings.public_url.rstrip("/")
    return f"{base}/Playback/{video.id}/{name}?token={quote(token, safe='')}"
