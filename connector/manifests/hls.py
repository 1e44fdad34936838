"""Writes HTTP Live Streaming playlists, version 7 (RFC 8216), for CMAF segments."""

from collections.abc import Iterable

from connector.domain import layout
from connector.domain.layout import TIMESCALE
from connector.manifests.addresses import BESIDE, Addresses
from connector.manifests.presentation import (
    AudioTrack,
    EarlyTimeline,
    Presentation,
    Protection,
    VideoTrack,
    peak_bitrate,
)
from connector.manifests.text import decimal, plain, rounded

_VERSION = "#EXT-X-VERSION:7"
_AUDIO_GROUP = "audio"
_MICRO = 1_000_000
_FROM_THE_BEGINNING = "#EXT-X-START:TIME-OFFSET=0.0005"
"""Tag for a playlist without end, which players would otherwise begin near its end.

Shaka takes 0 for no value, and would seek to a millisecond or more.
"""
_START_BITRATE = 2_000_000
"""Bitrate of the first variant, with which players begin: about 2 Mbit/s by Apple's authoring specification."""


def master(presentation: Presentation, addresses: Addresses = BESIDE) -> str:
    """Returns the master playlist."""
    video, audio = presentation.video, presentation.audio
    lines = ["#EXTM3U", _VERSION, "#EXT-X-INDEPENDENT-SEGMENTS"]
    grouped = bool(audio) and (bool(video) or len(audio) > 1)
    if grouped:
        lines += _audio_group(audio, addresses)
    peak = max((presentation.bandwidth(t) for t in audio), default=0)
    mean = max((t.mean_bitrate for t in audio), default=0)
    averages = presentation.early is None
    codecs = list(dict.fromkeys(t.codec for t in audio))
    for track in _start_first(video):
        lines += [
            "#EXT-X-STREAM-INF:"
            + _attributes(
                ("BANDWIDTH", presentation.bandwidth(track) + peak),
                ("AVERAGE-BANDWIDTH", track.mean_bitrate + mean if averages else None),
                ("CODECS", _quoted(",".join([track.codec, *codecs]))),
                ("RESOLUTION", f"{track.width}x{track.height}"),
                ("FRAME-RATE", _frame_rate(track)),
                ("AUDIO", _quoted(_AUDIO_GROUP) if grouped else None),
            ),
            addresses.child(layout.media_playlist("video", track.id), layout.MASTER_PLAYLIST),
        ]
    if not video:
        lines += [
            "#EXT-X-STREAM-INF:"
            + _attributes(
                ("BANDWIDTH", peak),
                ("AVERAGE-BANDWIDTH", mean if averages else None),
                ("CODECS", _quoted(",".join(codecs))),
                ("AUDIO", _quoted(_AUDIO_GROUP) if grouped else None),
            ),
            addresses.child(layout.media_playlist("audio", audio[0].id), layout.MASTER_PLAYLIST),
        ]
    if not presentation.protection:
        lines += [_iframe_stream(track, addresses) for track in video if track.keyframes]
    return _text(lines)


def media(
    track: VideoTrack | AudioTrack,
    addresses: Addresses = BESIDE,
    protection: Protection | None = None,
    early: EarlyTimeline | None = None,
) -> str:
    """Returns one rendition's media playlist. With `early`, segments will be added to it (EVENT)."""
    playlist = layout.media_playlist(_kind(track), track.id)
    lines = _media_head(track, early)
    if protection:
        # The key comes before EXT-X-MAP: the init segment is encrypted too (RFC 8216 section 4.3.2.5).
        key = ("URI", _quoted(protection.key_uri)), ("IV", f"0x{protection.iv(_kind(track)).hex()}")
        lines.append("#EXT-X-KEY:" + _attributes(("METHOD", "AES-128"), *key))
    lines.append(_map(track, playlist, addresses))
    for segment, duration in zip(track.segments, _durations(track), strict=True):
        lines += [f"#EXTINF:{duration},", _segment(track, segment.time, playlist, addresses)]
    return _text(lines if early else [*lines, "#EXT-X-ENDLIST"])


def iframes(track: VideoTrack, addresses: Addresses = BESIDE) -> str:
    """Returns the I-frame playlist of an unencrypted rendition with `keyframes`: the first frame of each segment."""
    playlist = layout.iframe_playlist(track.id)
    lines = [*_media_head(track, None, "#EXT-X-I-FRAMES-ONLY"), _map(track, playlist, addresses)]
    for segment, (offset, length), duration in zip(track.segments, track.keyframes, _durations(track), strict=True):
        lines += [
            f"#EXTINF:{duration},",
            f"#EXT-X-BYTERANGE:{length}@{offset}",
            _segment(track, segment.time, playlist, addresses),
        ]
    return _text([*lines, "#EXT-X-ENDLIST"])


def _audio_group(audio: tuple[AudioTrack, ...], addresses: Addresses) -> list[str]:
    lines = []
    languages: set[str] = set()
    for number, track in enumerate(audio):
        # Two automatic choices for one language are forbidden (RFC 8216 section 4.3.4.1.1).
        automatic = track.language not in languages
        languages.add(track.language)
        lines.append(
            "#EXT-X-MEDIA:"
            + _attributes(
                ("TYPE", "AUDIO"),
                ("GROUP-ID", _quoted(_AUDIO_GROUP)),
                ("LANGUAGE", None if track.language == "und" else _quoted(track.language)),
                ("NAME", _quoted(track.name)),
                ("DEFAULT", "NO" if number else "YES"),
                ("AUTOSELECT", "YES" if automatic else "NO"),
                ("CHANNELS", _quoted(str(track.channels))),
                ("URI", _quoted(addresses.child(layout.media_playlist("audio", track.id), layout.MASTER_PLAYLIST))),
            )
        )
    return lines


def _start_first(video: tuple[VideoTrack, ...]) -> list[VideoTrack]:
    start = next((t for t in video if t.mean_bitrate <= _START_BITRATE), video[-1] if video else None)
    return sorted(video, key=lambda track: track is not start)


def _iframe_stream(track: VideoTrack, addresses: Addresses) -> str:
    sizes = [length for _, length in track.keyframes]
    peak = peak_bitrate([(size, s.duration) for size, s in zip(sizes, track.segments, strict=True)])
    return "#EXT-X-I-FRAME-STREAM-INF:" + _attributes(
        ("BANDWIDTH", peak),
        ("AVERAGE-BANDWIDTH", -(-sum(sizes) * 8 * TIMESCALE // sum(s.duration for s in track.segments))),
        ("CODECS", _quoted(track.codec)),
        ("RESOLUTION", f"{track.width}x{track.height}"),
        ("URI", _quoted(addresses.child(layout.iframe_playlist(track.id), layout.MASTER_PLAYLIST))),
    )


def _media_head(track: VideoTrack | AudioTrack, early: EarlyTimeline | None, *extra: str) -> list[str]:
    # No EXTINF, rounded to the nearest integer, may exceed the target (RFC 8216 section 4.3.3.1). The target must not
    # change while the playlist grows (section 6.2.1).
    target = max(1, rounded(early.segment, 1) if early else 0, *(rounded(s.duration, 1) for s in track.segments))
    return [
        "#EXTM3U",
        _VERSION,
        f"#EXT-X-TARGETDURATION:{target}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        *(("#EXT-X-PLAYLIST-TYPE:EVENT", _FROM_THE_BEGINNING) if early else ("#EXT-X-PLAYLIST-TYPE:VOD",)),
        *extra,
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]


def _map(track: VideoTrack | AudioTrack, playlist: str, addresses: Addresses) -> str:
    init = addresses.media(layout.init_segment(_kind(track), track.id), playlist)
    return "#EXT-X-MAP:" + _attributes(("URI", _quoted(init)))


def _durations(track: VideoTrack | AudioTrack) -> list[str]:
    """Returns seconds with microseconds, as differences of rounded times, so that they add up without drift."""
    return [decimal(rounded(s.time + s.duration, _MICRO) - rounded(s.time, _MICRO), 6) for s in track.segments]


def _segment(track: VideoTrack | AudioTrack, time: int, playlist: str, addresses: Addresses) -> str:
    return addresses.media(layout.media_segment(_kind(track), track.id, time), playlist)


def _kind(track: VideoTrack | AudioTrack) -> str:
    return "video" if isinstance(track, VideoTrack) else "audio"


def _frame_rate(track: VideoTrack) -> str:
    rate = track.frame_rate
    return decimal((2000 * rate.numerator + rate.denominator) // (2 * rate.denominator), 3)


def _attributes(*pairs: tuple[str, object | None]) -> str:
    return ",".join(f"{name}={value}" for name, value in pairs if value is not None)


def _quoted(text: str) -> str:
    """Returns a quoted-string, which can hold neither quotes nor line breaks and has no escapes (section 4.2)."""
    return '"' + plain(text).replace('"', "'") + '"'


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
