"""Learns what an upload is from its head and tail, without reading all of it. It refuses early what exceeds a limit."""

from av.audio.stream import AudioStream as AvAudio
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream as AvVideo

from connector.domain.failures import media_error
from connector.domain.jobs import ProbeJob
from connector.domain.limits import SourceLimits
from connector.domain.media_info import Access, MediaInfo
from connector.media.decoders import is_allowed
from connector.media.describe import audio_stream, cadence_of, video_stream
from connector.media.detail import with_detail
from connector.media.source import RemoteFile, open_container
from connector.media.survey import SCAN_BYTES, SCAN_SECONDS, Survey
from connector.sandbox.protocol import Channel

SCAN_LONGEST = 512 * 1024 * 1024
"""Size in bytes up to which a short file that cannot be sought is read through."""


def probe(job: ProbeJob, channel: Channel) -> MediaInfo:
    """Returns the facts of the source.

    Raises MediaError when there is nothing in the file that can be published, or more than is accepted.
    """
    file = RemoteFile(channel, 0)
    if file.size == 0:
        raise media_error("EmptyFile")
    with open_container(file, most_pixels=job.accepted.pixels) as container:
        video, audio = _choose(container, job.accepted)
        survey = Survey(file, container, video, audio)
        survey.read(container, whole=file.size <= SCAN_BYTES)
        if video and not survey.first_frames:
            raise media_error("UndecodableVideo")
        access = _access(survey, file, channel)
        info = _info(survey, access, job.accepted, file.size)
        return with_detail(info, survey, file) if access is Access.SEEK else info


def _choose(container: InputContainer, accepted: SourceLimits) -> tuple[AvVideo | None, list[AvAudio]]:
    video = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    audio = list(container.streams.audio)
    playable_video = [s for s in video if is_allowed(s) and s.codec_context.width]
    playable_audio = [s for s in audio if is_allowed(s) and s.codec_context.sample_rate]
    if video and not playable_video:
        raise media_error("UnsupportedCodec", kind="video")
    # Without any sound that can be decoded, the video would be published silent.
    if not playable_audio and any(not is_allowed(s) for s in audio):
        raise media_error("UnsupportedCodec", kind="audio")
    if not playable_video and not playable_audio:
        raise media_error("UnsupportedCodec", kind="audio") if audio else media_error("NoMedia")
    accepted.sound(len(playable_audio))
    best = max(playable_video, key=lambda s: s.width * s.height, default=None)
    if best is not None:
        accepted.picture(best.width, best.height)
        # The picture may turn out larger than the container says.
        best.codec_context.options |= {"max_pixels": str(accepted.pixels)}
    return best, playable_audio


def _access(survey: Survey, file: RemoteFile, channel: Channel) -> Access:
    seekable = survey.indexed and survey.has_index()
    seekable = seekable and (survey.complete or survey.knows_end() or survey.read_tail())
    short = survey.duration() <= SCAN_SECONDS and file.size <= SCAN_LONGEST
    if not seekable and not survey.complete and short:
        # A new container reads from the beginning: without an index, seeking back may end anywhere.
        with open_container(RemoteFile(channel, 0)) as again:
            survey.read(again, whole=True)
    if seekable:
        return Access.SEEK
    if survey.complete and survey.duration() <= SCAN_SECONDS:
        return Access.START
    return Access.PIECES


def _info(survey: Survey, access: Access, accepted: SourceLimits, size: int) -> MediaInfo:
    video = None
    if survey.video is not None:
        beat = cadence_of(survey, survey.video)
        accepted.rate(beat.source)
        video = video_stream(survey, survey.video, beat)
        accepted.picture(video.width, video.height)
    return MediaInfo(
        container=survey.container.format.name,
        access=access,
        video=video,
        audio=tuple(audio_stream(survey, a) for a in survey.audio),
        size=size,
    )
