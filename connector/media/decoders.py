"""Lists the decoders of FFmpeg that may be opened: those of the codecs that uploads usually have, all in software.

FFmpeg has over 500 decoders, and a file says which of them it wants. Rare ones are where memory is corrupted most
often, and those in hardware run outside the limits of the process. The README shows the names of the codecs.
"""

from av.container import InputContainer
from av.stream import Stream

VIDEO = {
    "H.264": ("h264",),
    "HEVC": ("hevc",),
    "AV1": ("libdav1d",),
    "VP8": ("vp8",),
    "VP9": ("vp9",),
    "MPEG-1": ("mpeg1video",),
    "MPEG-2": ("mpeg2video",),
    "MPEG-4 Part 2": ("mpeg4",),
    "MS-MPEG-4": ("msmpeg4v1", "msmpeg4v2", "msmpeg4"),
    "H.263": ("h263",),
    "FLV1": ("flv",),
    "WMV and VC-1": ("wmv1", "wmv2", "wmv3", "vc1"),
    "Theora": ("theora",),
    "ProRes": ("prores",),
    "DNxHD": ("dnxhd",),
    "DV": ("dvvideo",),
    "Motion JPEG": ("mjpeg",),
    "FFV1": ("ffv1",),
    "uncompressed": ("rawvideo", "v210"),
    "GIF": ("gif",),
}
"""Decoders by the name of their codec."""
AUDIO = {
    "AAC": ("aac", "aac_latm"),
    "MP2": ("mp2",),
    "MP3": ("mp3float",),
    "AC-3": ("ac3",),
    "E-AC-3": ("eac3",),
    "DTS": ("dca",),
    "Opus": ("opus",),
    "Vorbis": ("vorbis",),
    "FLAC": ("flac",),
    "ALAC": ("alac",),
    "PCM": (
        *("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
        *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw", "pcm_bluray"),
    ),
    "ADPCM": ("adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms"),
    "AMR": ("amrnb", "amrwb"),
    "WMA": ("wmav1", "wmav2", "wmapro"),
    "RealAudio 14.4": ("real_144",),
}
"""Decoders by the name of their codec."""

DECODERS = tuple(name for codecs in (VIDEO, AUDIO) for names in codecs.values() for name in names)
WHITELIST = ",".join(DECODERS)
"""Value of FFmpeg's option `codec_whitelist`."""


def is_allowed(stream: Stream) -> bool:
    """Returns whether the stream's decoder is on the list. A stream whose codec is unknown has none."""
    return stream.codec_context is not None and stream.codec_context.name in DECODERS


def allow_listed_decoders(container: InputContainer) -> None:
    """Makes FFmpeg refuse to open any other decoder for the container's streams."""
    for stream in container.streams:
        if stream.codec_context is not None:
            stream.codec_context.options |= {"codec_whitelist": WHITELIST}
