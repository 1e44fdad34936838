"""Combines the chunks' strips of tiles into the storyboard sprite."""

import av
from av.video.frame import VideoFrame

from connector.domain.failures import media_error
from connector.domain.job_blobs import StoryboardBlob
from connector.domain.jobs import StoryboardJob
from connector.domain.task import StoryboardOutput
from connector.media.picture import FilterChain
from connector.media.source import RemoteFile
from connector.media.stills import jpeg, tiled
from connector.sandbox.protocol import Channel


class _Untile(FilterChain):
    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def filters(self, frame: VideoFrame) -> str:  # noqa: ARG002 - the same for every shape
        return f"untile=layout={self._count}x1"


def compose(job: StoryboardJob, channel: Channel) -> StoryboardOutput:
    """Writes the sprite to the area of the stills. The strips are the job's files, in order of time."""
    stills = job.plan.stills
    if stills is None or sum(job.tiles) != stills.count:
        raise media_error("IncompleteStoryboard")
    tiles: list[VideoFrame] = []
    for file, count in enumerate(job.tiles):
        untile = _Untile(count)
        untile.push(_decoded(RemoteFile(channel, file).read()))
        while (tile := untile.pull()) is not None:
            tiles.append(tile)
    data = jpeg(tiled(tiles, stills.columns, stills.rows))
    channel.put(StoryboardBlob(), data)
    return StoryboardOutput(size=len(data))


def _decoded(data: bytes) -> VideoFrame:
    context = av.CodecContext.create("mjpeg", "r")
    frames = [*context.decode(av.Packet(data)), *context.decode(None)]
    frame = frames[0]
    assert isinstance(frame, VideoFrame)  # noqa: S101 - a JPEG gives a picture
    return frame
