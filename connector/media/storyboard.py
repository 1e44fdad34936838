"""Puts the chunks' strips of tiles together to the storyboard sprite."""

import av
from av.video.frame import VideoFrame

from connector.domain import layout
from connector.domain.failures import refused
from connector.domain.task import StoryboardOutput
from connector.media.channel import Channel
from connector.media.jobs import StoryboardJob
from connector.media.picture import FilterChain
from connector.media.source import RemoteFile
from connector.media.stills import jpeg, tiled


class _Untile(FilterChain):
    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def filters(self, frame: VideoFrame) -> str:  # noqa: ARG002 - the same for every shape
        return f"untile=layout={self._count}x1"


def compose(job: StoryboardJob, channel: Channel) -> StoryboardOutput:
    """Writes the sprite to the stills' area; the strips are the job's files, in order of time."""
    stills = job.plan.stills
    if stills is None or sum(job.tiles) != stills.count:
        raise refused("IncompleteStoryboard")
    tiles: list[VideoFrame] = []
    for file, count in enumerate(job.tiles):
        untile = _Untile(count)
        untile.push(_decoded(RemoteFile(channel, file).read()))
        while (tile := untile.pull()) is not None:
            tiles.append(tile)
    rows = -(-stills.count // stills.columns)
    data = jpeg(tiled(tiles, stills.columns, rows))
    channel.put("stills", layout.STORYBOARD, data)
    return StoryboardOutput(size=len(data))


def _decoded(data: bytes) -> VideoFrame:
    context = av.CodecContext.create("mjpeg", "r")
    frames = [*context.decode(av.Packet(data)), *context.decode(None)]
    frame = frames[0]
    assert isinstance(frame, VideoFrame)  # noqa: S101 - a JPEG gives a picture
    return frame
