"""Writes the MPEG-DASH media presentation description (ISO/IEC 23009-1), live profile, for CMAF segments.

It is static. While the video is still being encoded it is dynamic, and players read it again until it is static.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from xml.etree.ElementTree import Element, SubElement

from connector.domain import layout
from connector.domain.layout import TIMESCALE
from connector.manifests import sea
from connector.manifests.addresses import BESIDE, Addresses
from connector.manifests.presentation import (
    AudioTrack,
    Presentation,
    Protection,
    Segment,
    Storyboard,
    VideoTrack,
)
from connector.manifests.text import decimal, document, plain, rounded

AHEAD = timedelta(minutes=1)
"""Longest time by which players load segments before they play them."""
LOADING = 5
"""Seconds, at most, that players take to load while the end moves on by the clock.

Players must not begin after 0. Shaka would seek to 0, may miss that it did, and then loads ten seconds and no more.
"""
UPDATE = "PT2S"
"""Interval at which players look for more of a video that is still being encoded."""


def mpd(presentation: Presentation, addresses: Addresses = BESIDE) -> str:
    """Returns the manifest."""
    protection = presentation.protection
    tracks = (*presentation.video, *presentation.audio)
    root = Element(
        "MPD",
        {
            "xmlns": "urn:mpeg:dash:schema:mpd:2011",
            **(sea.NAMESPACE if protection else {}),
            "profiles": "urn:mpeg:dash:profile:isoff-live:2011",
            **_extent(presentation),
            # @bandwidth is measured over whole segments, so one of them must be buffered for it to hold.
            "minBufferTime": _period(max(s.duration for t in tracks for s in t.segments)),
        },
    )
    period = SubElement(root, "Period", {"id": "0", "start": "PT0S"})
    if presentation.video:
        _video(period, presentation, addresses)
    for number, track in enumerate(presentation.audio):
        _audio(period, number, track, presentation, addresses)
    if presentation.storyboard and not protection:
        _thumbnails(period, presentation.storyboard, addresses)
    if presentation.early:
        # This clock is for players whose own clock is wrong. It costs them no request.
        clock = {"schemeIdUri": "urn:mpeg:dash:utc:direct:2014", "value": _moment(presentation.early.moment)}
        SubElement(root, "UTCTiming", clock)
    return document(root)


def _extent(presentation: Presentation) -> dict[str, str]:
    early = presentation.early
    if early is None:
        return {"type": "static", "mediaPresentationDuration": _period(presentation.duration)}
    # There is no duration yet: players would assume that the last segment lasts until then.
    return {
        "type": "dynamic",
        # For players, a segment exists once it would be over by this clock. It runs ahead, because players load ahead.
        "availabilityStartTime": _moment(early.since - AHEAD),
        "publishTime": _moment(early.moment),
        "minimumUpdatePeriod": UPDATE,
        # Players begin this far before the end, which puts them at 0.
        "suggestedPresentationDelay": _period(presentation.duration + LOADING * TIMESCALE),
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _video(period: Element, presentation: Presentation, addresses: Addresses) -> None:
    tracks, protection = presentation.video, presentation.protection
    group = _adaptation_set(period, "video")
    group.set("par", _aspect(tracks[0]))
    group.set("maxWidth", str(max(t.width for t in tracks)))
    group.set("maxHeight", str(max(t.height for t in tracks)))
    group.set("maxFrameRate", str(max(t.frame_rate for t in tracks)))
    _protection(group, "video", protection)
    timelines = [[(s.time, s.duration) for s in t.segments] for t in tracks]
    shared = all(timeline == timelines[0] for timeline in timelines)
    if shared:
        _segments(group, "video", tracks[0].segments, addresses)
    for track in tracks:
        representation = _representation(group, track, presentation)
        representation.set("width", str(track.width))
        representation.set("height", str(track.height))
        representation.set("frameRate", str(track.frame_rate))
        representation.set("sar", "1:1")
        if not shared:
            _segments(representation, "video", track.segments, addresses)


def _audio(period: Element, number: int, track: AudioTrack, presentation: Presentation, addresses: Addresses) -> None:
    group = _adaptation_set(period, "audio")
    group.set("lang", track.language)
    SubElement(
        group,
        "AudioChannelConfiguration",
        {
            "schemeIdUri": "urn:mpeg:mpegB:cicp:ChannelConfiguration",
            "value": str(_channel_configuration(track.channels)),
        },
    )
    _protection(group, "audio", presentation.protection)
    SubElement(group, "Label").text = plain(track.name)
    SubElement(
        group,
        "Role",
        {"schemeIdUri": "urn:mpeg:dash:role:2011", "value": "alternate" if number else "main"},
    )
    _segments(group, "audio", track.segments, addresses)
    _representation(group, track, presentation).set("audioSamplingRate", str(track.sampling_rate))


def _thumbnails(period: Element, storyboard: Storyboard, addresses: Addresses) -> None:
    """Adds one image that holds all tiles (DASH-IF IOP, tile-based thumbnails)."""
    covered = storyboard.columns * storyboard.rows * storyboard.interval
    group = SubElement(
        period, "AdaptationSet", {"id": _next_id(period), "contentType": "image", "mimeType": "image/jpeg"}
    )
    SubElement(
        group,
        "SegmentTemplate",
        {
            "timescale": str(TIMESCALE),
            "duration": str(ceil(covered * TIMESCALE)),
            "startNumber": "1",
            "media": addresses.media(layout.STORYBOARD, layout.DASH_MANIFEST),
        },
    )
    representation = SubElement(
        group,
        "Representation",
        {
            "id": "storyboard",
            "bandwidth": str(ceil(storyboard.size * 8 / covered)),
            "width": str(storyboard.columns * storyboard.width),
            "height": str(storyboard.rows * storyboard.height),
        },
    )
    SubElement(
        representation,
        "EssentialProperty",
        {
            "schemeIdUri": "http://dashif.org/guidelines/thumbnail_tile",
            "value": f"{storyboard.columns}x{storyboard.rows}",
        },
    )


def _adaptation_set(period: Element, kind: str) -> Element:
    return SubElement(
        period,
        "AdaptationSet",
        {
            "id": _next_id(period),
            "contentType": kind,
            "mimeType": f"{kind}/mp4",
            "segmentAlignment": "true",
            "startWithSAP": "1",
        },
    )


def _protection(group: Element, kind: str, protection: Protection | None) -> None:
    if protection:
        sea.describe(SubElement(group, "ContentProtection", {"schemeIdUri": sea.SCHEME}), protection, kind)


def _next_id(period: Element) -> str:
    return str(len(period))


def _segments(parent: Element, kind: str, segments: Sequence[Segment], addresses: Addresses) -> None:
    """Adds the names of `layout` as a template. Equal durations in a row become one `S` with @r."""
    identifier, time = "$RepresentationID$", "$Time$"
    template = SubElement(
        parent,
        "SegmentTemplate",
        {
            "timescale": str(TIMESCALE),
            "initialization": addresses.media(f"{kind}/{identifier}/init.mp4", layout.DASH_MANIFEST),
            "media": addresses.media(f"{kind}/{identifier}/{time}.m4s", layout.DASH_MANIFEST),
        },
    )
    timeline = SubElement(template, "SegmentTimeline")
    end: int | None = None
    repeats = 0
    entry = Element("S")
    for segment in segments:
        if segment.time == end and entry.get("d") == str(segment.duration):
            repeats += 1
            entry.set("r", str(repeats))
        else:
            repeats = 0
            start = {} if segment.time == end else {"t": str(segment.time)}
            entry = SubElement(timeline, "S", {**start, "d": str(segment.duration)})
        end = segment.time + segment.duration


def _representation(group: Element, track: VideoTrack | AudioTrack, presentation: Presentation) -> Element:
    return SubElement(
        group,
        "Representation",
        {"id": str(track.id), "codecs": track.codec, "bandwidth": str(presentation.bandwidth(track))},
    )


def _aspect(track: VideoTrack) -> str:
    shape = Fraction(track.width, track.height)
    return f"{shape.numerator}:{shape.denominator}"


def _channel_configuration(channels: int) -> int:
    """Returns the code of ISO/IEC 23091-3: 1 to 6 are as many channels in the usual order, 7 is 7.1 (as in AAC)."""
    return 7 if channels == 8 else channels


def _period(ticks: int) -> str:
    """Returns an xs:duration in seconds, to the microsecond."""
    return f"PT{decimal(rounded(ticks, 1_000_000), 6)}S"
