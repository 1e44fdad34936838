"""A small protected presentation of numbered pictures, and a site that delivers it and its key."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs
from uuid import uuid4

import av

from connector.domain import layout
from connector.domain.layout import frame_time
from connector.isobmff.fragment import media_segment
from connector.isobmff.h264 import parameter_sets, to_length_prefixed
from connector.isobmff.init import parse_init, video_init
from connector.isobmff.samples import video_samples
from connector.manifests import dash, hls, smooth
from connector.manifests.addresses import BESIDE, Addresses
from connector.manifests.presentation import AudioTrack, Presentation, Protection, Segment, VideoTrack
from connector.security import segments
from tests.media.frame_numbers import draw
from tests.support.encoded import Encoded, encode_audio

FPS = Fraction(25)
GOP = 25
FRAMES = 100
MANIFESTS = {"HLS": layout.MASTER_PLAYLIST, "DASH": layout.DASH_MANIFEST, "Streaming": layout.SMOOTH_MANIFEST}
QUERY = "sv=2025-01-05&sig=a%2Bb%2Fc%3D&se=2030-01-01T00%3A00%3A00Z"
"""As a SAS: what signed media demand."""


@dataclass
class Site:
    """`/public` has manifests and media; `/signed` has manifests of the media in `/private`, which need `QUERY`."""

    origin: str
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key_path: str = field(default_factory=lambda: f"/api/Keys/{uuid4()}")
    files: dict[str, bytes] = field(default_factory=dict)
    keys_handed_out: int = 0
    keys_refused: int = 0
    strays: list[str] = field(default_factory=list)
    """Paths other than the key's that got to see a token."""

    def url(self, endpoint: str, *, signed: bool = False) -> str:
        return f"{self.origin}/{'signed' if signed else 'public'}/{MANIFESTS[endpoint]}"


def _answerer(site: Site) -> type[BaseHTTPRequestHandler]:
    class Answerer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            authorization = self.headers.get("Authorization")
            if path == site.key_path:
                allowed = authorization == f"Bearer {site.token}"
                site.keys_handed_out += allowed
                site.keys_refused += not allowed
                self._answer(200, site.key) if allowed else self._answer(401)
                return
            if authorization is not None:
                site.strays.append(path)
            if path.startswith("/private/") and parse_qs(query) != parse_qs(QUERY):
                self._answer(403)
            elif path in site.files:
                self._answer(200, site.files[path])
            else:
                self._answer(404)

        def do_OPTIONS(self) -> None:
            if self.path != site.key_path:
                site.strays.append(self.path)
            self._answer(204)

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Headers", "Authorization")
            self.send_header("Cache-Control", "no-store")
            if status != 204:
                self.send_header("Content-Type", layout.content_type(self.path.partition("?")[0]))
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Requests are seen from the browser's side."""

    return Answerer


@contextmanager
def serve() -> Iterator[Site]:
    """The site, while it is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        site = Site(f"http://127.0.0.1:{server.server_port}")
        server.RequestHandlerClass = _answerer(site)
        server.daemon_threads = True
        _publish(site)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


def _publish(site: Site) -> None:
    protection = Protection(site.origin + site.key_path, secrets.token_bytes(16), secrets.token_bytes(16))
    video = (_video(site, protection, 300_000, (320, 180)), _video(site, protection, 100_000, (160, 90)))
    presentation = Presentation(video, (_audio(site, protection, 96_000),), protection=protection)
    _describe(site, "/public", presentation, BESIDE)
    signed = Addresses(f"{site.origin}/private/", QUERY, lambda name: f"{site.origin}/signed/{name}")
    _describe(site, "/signed", presentation, signed)


def _describe(site: Site, root: str, presentation: Presentation, addresses: Addresses) -> None:
    manifests = {
        layout.MASTER_PLAYLIST: hls.master(presentation, addresses),
        layout.DASH_MANIFEST: dash.mpd(presentation, addresses),
        layout.SMOOTH_MANIFEST: smooth.manifest(presentation, addresses),
    }
    for kind, tracks in (("video", presentation.video), ("audio", presentation.audio)):
        for track in tracks:
            manifests[layout.media_playlist(kind, track.id)] = hls.media(track, addresses, presentation.protection)
    site.files |= {f"{root}/{name}": text.encode() for name, text in manifests.items()}


def _store(site: Site, protection: Protection, name: str, clear: bytes) -> int:
    """Bytes stored."""
    data = segments.encrypt(site.key, protection.iv(name.partition("/")[0]), clear)
    site.files |= {f"/public/{name}": data, f"/private/{name}": data}
    return len(data)


@cache
def _encoded(size: tuple[int, int]) -> tuple[bytes, list[av.Packet]]:
    """Parameter sets, and the packets in decode order."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.framerate, encoder.time_base = "yuv420p", FPS, 1 / FPS
    encoder.thread_count, encoder.gop_size = 1, GOP
    encoder.flags |= av.codec.context.Flags.global_header | av.codec.context.Flags.closed_gop
    encoder.options = {"preset": "ultrafast", "keyint_min": str(GOP), "sc_threshold": "0"}
    packets: list[av.Packet] = []
    for n in range(FRAMES):
        frame = draw(n, *size).reformat(format="yuv420p", threads=1)
        frame.pts = n
        packets += encoder.encode(frame)
    return encoder.extradata, [*packets, *encoder.encode(None)]


def _video(site: Site, protection: Protection, bitrate: int, size: tuple[int, int]) -> VideoTrack:
    parameters, packets = _encoded(size)
    init = video_init(*parameter_sets(parameters), *size)
    cut = []
    for number, first in enumerate(range(0, FRAMES, GOP)):
        frames = [(p.pts, to_length_prefixed(bytes(p)), p.is_keyframe) for p in packets[first : first + GOP]]
        time, end = frame_time(first, FPS), frame_time(first + GOP, FPS)
        data = media_segment("video", number + 1, time, video_samples(first, FPS, frames))
        stored = _store(site, protection, layout.media_segment("video", bitrate, time), data)
        cut.append(Segment(time, end - time, stored))
    facts = parse_init(init)
    return VideoTrack(
        id=bitrate,
        codec=facts.codec,
        init_size=_store(site, protection, layout.init_segment("video", bitrate), init),
        segments=tuple(cut),
        width=facts.width,
        height=facts.height,
        frame_rate=FPS,
        sps=facts.sps,
        pps=facts.pps,
    )


@cache
def _sound() -> Encoded:
    return encode_audio(float(FRAMES / FPS), 47)


def _audio(site: Site, protection: Protection, bitrate: int) -> AudioTrack:
    encoded = _sound()
    facts = parse_init(encoded.init)
    cut = []
    for table, data in zip(encoded.tables, encoded.segments, strict=True):
        stored = _store(site, protection, layout.media_segment("audio", bitrate, table.time), data)
        cut.append(Segment(table.time, table.duration, stored))
    return AudioTrack(
        id=bitrate,
        codec=facts.codec,
        init_size=_store(site, protection, layout.init_segment("audio", bitrate), encoded.init),
        segments=tuple(cut),
        sampling_rate=facts.sampling_rate,
        channels=facts.channels,
        config=facts.config,
        language="en",
        name="English",
    )
