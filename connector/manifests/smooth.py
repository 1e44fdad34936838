"""Writes the Microsoft Smooth Streaming client manifest ([MS-SSTR] section 2.2.2) for the same CMAF segments.

Players replace `{bitrate}` by a quality level's Bitrate and `{start time}` by a chunk's time. So Bitrate is the
rendition's id, which names its folder. Old clients do not know `c/@r`, so each chunk is written out.

A protected manifest has no `Protection` element, because dash.js takes that for PlayReady. Key and IV are in each
`StreamIndex` as in DASH, for `portal/protection.js`. Clients without it skip the elements and fail to decode, as they
must.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from connector.domain import layout
from connector.domain.layout import TIMESCALE
from connector.manifests import sea
from connector.manifests.addresses import BESIDE, Addresses
from connector.manifests.presentation import AudioTrack, Presentation, VideoTrack
from connector.manifests.text import document, plain

_START_CODE = b"\0\0\0\1"


def manifest(presentation: Presentation, addresses: Addresses = BESIDE) -> str:
    """Returns the manifest.

    Raises ValueError when the video renditions are cut differently, because all quality levels share one chunk list.
    """
    root = Element(
        "SmoothStreamingMedia",
        {
            "MajorVersion": "2",
            "MinorVersion": "0",
            "TimeScale": str(TIMESCALE),
            "Duration": str(presentation.duration),
            **(sea.NAMESPACE if presentation.protection else {}),
        },
    )
    if presentation.video:
        _video(root, presentation.video, addresses)
    for track in presentation.audio:
        _audio(root, track, addresses)
    if presentation.protection:
        for stream in root:
            sea.describe(stream, presentation.protection, stream.attrib["Type"])
    return document(root)


def _video(root: Element, tracks: Sequence[VideoTrack], addresses: Addresses) -> None:
    if any(_chunk_list(track) != _chunk_list(tracks[0]) for track in tracks):
        raise ValueError("video renditions have different segments")
    width, height = str(max(t.width for t in tracks)), str(max(t.height for t in tracks))
    stream = _stream(root, "video", "video", tracks, addresses)
    for name in ("MaxWidth", "DisplayWidth"):
        stream.set(name, width)
    for name in ("MaxHeight", "DisplayHeight"):
        stream.set(name, height)
    for index, track in enumerate(tracks):
        SubElement(
            stream,
            "QualityLevel",
            {
                "Index": str(index),
                "Bitrate": str(track.id),
                "FourCC": "H264",
                "MaxWidth": str(track.width),
                "MaxHeight": str(track.height),
                "CodecPrivateData": _hex(_START_CODE + track.sps + _START_CODE + track.pps),
            },
        )
    _chunks(stream, tracks[0])


def _audio(root: Element, track: AudioTrack, addresses: Addresses) -> None:
    stream = _stream(root, "audio", plain(track.name), (track,), addresses)
    stream.set("Language", track.language)
    SubElement(
        stream,
        "QualityLevel",
        {
            "Index": "0",
            "Bitrate": str(track.id),
            "FourCC": "AACL",
            "SamplingRate": str(track.sampling_rate),
            "Channels": str(track.channels),
            "BitsPerSample": "16",
            "PacketSize": str(2 * track.channels),
            "AudioTag": "255",
            "CodecPrivateData": _hex(track.config),
        },
    )
    _chunks(stream, track)


def _stream(
    root: Element,
    kind: str,
    name: str,
    tracks: Sequence[VideoTrack | AudioTrack],
    addresses: Addresses,
) -> Element:
    return SubElement(
        root,
        "StreamIndex",
        {
            "Type": kind,
            "Name": name,
            "TimeScale": str(TIMESCALE),
            "Chunks": str(len(tracks[0].segments)),
            "QualityLevels": str(len(tracks)),
            "Url": addresses.media(f"{kind}/{{bitrate}}/{{start time}}.m4s", layout.SMOOTH_MANIFEST),
        },
    )


def _chunks(stream: Element, track: VideoTrack | AudioTrack) -> None:
    for time, duration in _chunk_list(track):
        SubElement(stream, "c", {"t": str(time), "d": str(duration)})


def _chunk_list(track: VideoTrack | AudioTrack) -> list[tuple[int, int]]:
    return [(s.time, s.duration) for s in track.segments]


def _hex(data: bytes) -> str:
    return data.hex().upper()
