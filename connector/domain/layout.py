"""Names everything in storage: every container, blob, queue and table of the system, in one place.

A video has one output container, so that deleting a video deletes one container, and access is granted per video:

    master.m3u8   manifest.mpd   smooth.ism/Manifest   download.mp4
    video/{id}/init.mp4, {time}.m4s, media.m3u8, iframes.m3u8
    audio/{id}/init.mp4, {time}.m4s, media.m3u8
    thumbnails/poster.jpg, 0001.jpg …, storyboard.jpg, storyboard.vtt
    thumbnails/frames/{frame}-{height}.jpg|webp|png (made when they are requested)

A protected video has no download.mp4 and no iframes.m3u8; its thumbnails are in its private `stills_container`.

`{id}` is the rendition's nominal bitrate in bit/s (unique within a video), `{time}` the segment's start in ticks of
`TIMESCALE`. A second, private container per video (`work_container`) holds what must never be public.
"""

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from connector.domain.step import TaskId

if TYPE_CHECKING:
    from connector.domain.video import Video

ImageFormat = Literal["jpg", "webp", "png"]

TIMESCALE = 240_000
"""Ticks per second of every track, exact for all common frame rates and for AAC frames at 48 kHz (5120 ticks)."""

UPLOADS = "uploads"
VIDEOS_TABLE = "Videos"
TASKS_TABLE = "Tasks"
KEYS_TABLE = "Keys"
ADVANCE_QUEUE = "advance"
ENCODE_QUEUE = "encode"

MASTER_PLAYLIST = "master.m3u8"
DASH_MANIFEST = "manifest.mpd"
SMOOTH_MANIFEST = "smooth.ism/Manifest"
PROGRESSIVE = "download.mp4"
POSTER = "thumbnails/poster.jpg"
STORYBOARD = "thumbnails/storyboard.jpg"
STORYBOARD_VTT = "thumbnails/storyboard.vtt"


_OUTPUT, _WORK, _STILLS = "video-", "work-", "stills-"
CONTAINER_PREFIXES = (_OUTPUT, _WORK, _STILLS)
"""Prefixes of the names of a video's containers; the video's id follows."""


def output_container(video_id: UUID) -> str:
    return f"{_OUTPUT}{video_id}"


def work_container(video_id: UUID) -> str:
    return f"{_WORK}{video_id}"


def stills_container(video_id: UUID) -> str:
    """Returns the name of the private container for a protected video's stills.

    The output container of such a video may be public, because its content is encrypted.
    """
    return f"{_STILLS}{video_id}"


def stills_of(video: "Video") -> str:
    """Returns the name of the container that holds a video's stills."""
    return output_container(video.id) if video.key_id is None else stills_container(video.id)


def frame_time(frame: int, frame_rate: Fraction) -> int:
    """Returns the tick at which output frame `frame` is shown: frame / frame_rate, rounded half up."""
    return floor(frame * TIMESCALE / frame_rate + Fraction(1, 2))


def init_segment(kind: str, rendition: int) -> str:
    return f"{kind}/{rendition}/init.mp4"


def media_segment(kind: str, rendition: int, time: int) -> str:
    return f"{kind}/{rendition}/{time}.m4s"


def media_playlist(kind: str, rendition: int) -> str:
    return f"{kind}/{rendition}/media.m3u8"


def iframe_playlist(rendition: int) -> str:
    return f"video/{rendition}/iframes.m3u8"


def indexed_thumbnail(index: int) -> str:
    return f"thumbnails/{index:04d}.jpg"


def frame_thumbnail(frame: int, height: int, form: str) -> str:
    """Returns the name of a picture of any output frame, `height` px high; `form` is jpg, webp or png."""
    return f"thumbnails/frames/{frame}-{height}.{form}"


def progressive_block(kind: str, time: int) -> str:
    """Returns the name of the progressive file's block with a segment's samples. All names have the same length."""
    return f"{kind[0]}{time:015d}"


PROGRESSIVE_HEAD = "head".ljust(16, "0")


def piece(number: int) -> str:
    return f"pieces/{number:06d}.nut"


def sample_tables(task: TaskId) -> str:
    return f"samples/{task}"


def tile_strip(chunk: int) -> str:
    return f"tiles/{chunk:06d}.jpg"


def poster_candidate(chunk: int) -> str:
    return f"posters/{chunk:06d}.jpg"


_CONTENT_TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
    "Manifest": "application/vnd.ms-sstr+xml",
    "mp4": "video/mp4",
    "m4s": "video/mp4",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "png": "image/png",
    "vtt": "text/vtt; charset=utf-8",
    "json": "application/json",
}


def content_type(name: str) -> str:
    """Returns the MIME type that a blob of this name is stored with."""
    if name.startswith("audio/") and name.endswith((".m4s", ".mp4")):
        return "audio/mp4"
    return _CONTENT_TYPES.get(name.rpartition("/")[2].rpartition(".")[2], "application/octet-stream")


def cache_control(name: str) -> str:
    """Returns the Cache-Control header of a blob. Media never changes under its name; manifests may."""
    if name.endswith((".m4s", ".jpg", ".webp", ".png", "init.mp4", PROGRESSIVE)):
        return "public, max-age=31536000, immutable"
    return "public, max-age=5"
