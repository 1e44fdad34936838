"""What is no media, or only names some: text, archives, programs and playlists that point at the canaries."""

import io
import zipfile
import zlib
from collections.abc import Iterator

from tests.hostile.boxes import SELF, Movie, box, claiming, full, picture, u32

EXTENSIONS = ("mp4", "ts", "mkv")


def files(path: str, url: str) -> Iterator[tuple[str, str, bytes]]:
    """(name, extension, content). `path` is a file's, `url` a server's, neither of which may be opened."""
    targets = {"file": path, "file-url": f"file://{path}", "http": url}
    for target, address in targets.items():
        for kind, text in _playlists(address).items():
            for extension in EXTENSIONS:
                yield f"{kind}-{target}", extension, text.encode()
        for kind, data in _references(address).items():
            yield f"{kind}-{target}", "mov", data
    for kind, data in _other().items():
        for extension in EXTENSIONS[:2]:
            yield kind, extension, data


def _playlists(to: str) -> dict[str, str]:
    hls = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n"
    return {
        "m3u8": f"{hls}#EXTINF:4,\n{to}\n#EXT-X-ENDLIST\n",
        "m3u8-master": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{to}\n",
        "m3u8-key": f'{hls}#EXT-X-KEY:METHOD=AES-128,URI="{to}"\n#EXTINF:4,\n{to}\n#EXT-X-ENDLIST\n',
        "m3u8-map": f'{hls}#EXT-X-MAP:URI="{to}"\n#EXTINF:4,\n{to}\n#EXT-X-ENDLIST\n',
        "m3u8-concat": f"{hls}#EXTINF:4,\nconcat:{to}|{to}\n#EXT-X-ENDLIST\n",
        "m3u8-subfile": f"{hls}#EXTINF:4,\nsubfile,,start,0,end,64,,:{to}\n#EXT-X-ENDLIST\n",
        "ffconcat": f"ffconcat version 1.0\nfile '{to}'\n",
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\na=control:{to}\n"
        "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "mpd": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        f'mediaPresentationDuration="PT4S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
        f'bandwidth="1"><BaseURL>{to}</BaseURL></Representation></AdaptationSet></Period></MPD>',
        "pls": f"[playlist]\nNumberOfEntries=1\nFile1={to}\n",
        "asx": f'<asx version="3.0"><entry><ref href="{to}"/></entry></asx>',
        "asf-reference": f"[Reference]\nRef1={to}\nRef2={to}\n",
        "smil": f'<smil><body><video src="{to}"/></body></smil>',
        "xspf": f'<playlist xmlns="http://xspf.org/ns/0/"><trackList><track><location>{to}</location></track></trackList>'
        "</playlist>",
        "ism": f'<SmoothStreamingMedia MajorVersion="2" Duration="1"><StreamIndex Type="video" Url="{to}"/>'
        "</SmoothStreamingMedia>",
        "rtsptext": f"rtsptext{to}\n",
        "avisynth": f'DirectShowSource("{to}")\n',
        "vapoursynth": f'import vapoursynth\nvapoursynth.core.ffms2.Source("{to}")\n',
        "cue": f'FILE "{to}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{to}"/></svg>',
        "xxe": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "{to}">]><MPD>&y;</MPD>',
        "address": f"{to}\n",
    }


def _references(to: str) -> dict[str, bytes]:
    """MOV files whose media is said to lie elsewhere."""
    name = to.encode()
    alias = bytes(46) + bytes([len(name[:27])]) + name[:27].ljust(27, b"\0") + bytes(68)
    alias += (18).to_bytes(2) + len(name).to_bytes(2) + name + b"\0" * (len(name) % 2) + b"\xff\xff\0\0"
    rdrf = full(b"rdrf", 0, 0, SELF, u32(len(name) + 1), name + b"\0")
    return {
        "dref-url": bytes(Movie(dref=full(SELF, 0, 0, name + b"\0"))),
        "dref-urn": bytes(Movie(dref=full(b"urn ", 0, 0, b"x\0" + name + b"\0"))),
        "dref-alis": bytes(Movie(dref=full(b"alis", 0, 0, alias))),
        "dref-without-media": Movie(dref=full(SELF, 0, 0, name + b"\0")).head,
        "rmra": box(b"ftyp", b"qt  ", u32(0)) + box(b"moov", box(b"rmra", box(b"rmda", rdrf))),
        "rmra-and-tracks": bytes(Movie(in_moov=box(b"rmra", box(b"rmda", rdrf)))),
    }


def _other() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo("video.mp4"), bytes(Movie()))
    return {
        "nothing": b"",
        "one-byte": b"\0",
        "zeros": bytes(100_000),
        "ones": b"\xff" * 100_000,
        "text": b"This is not a video.\n" * 200,
        "utf-16": ("\ufeff" + "This is not a video.\n" * 200).encode("utf-16-le"),
        "html": b"<!DOCTYPE html><html><body><video src=x></video></body></html>",
        "json": b'{"OriginalFileName": "video.mp4"}',
        "zip": archive.getvalue(),
        "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + zlib.compress(bytes(Movie()))[2:],
        "elf": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0" + bytes(4000),
        "pe": b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + bytes(4000),
        "shell": b"#!/bin/sh\nexit 0\n",
        "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n",
        "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "jpeg": picture(),
        "jpeg-65500": claiming(picture(), 65500, 65500),
        "srt": b"1\n00:00:00,000 --> 00:00:04,000\nHello\n",
        "vtt": b"WEBVTT\n\n00:00.000 --> 00:04.000\nHello\n",
        "ass": b"[Script Info]\n[Events]\nDialogue: 0,0:00:00.00,0:00:04.00,Default,,0,0,0,,Hello\n",
        "midi": b"MThd" + u32(6) + b"\0\0\0\1\0\x60MTrk" + u32(4) + b"\0\xff\x2f\0",
        "moov-of-text": box(b"ftyp", b"isom", u32(0)) + box(b"moov", b"text" * 100),
    }
