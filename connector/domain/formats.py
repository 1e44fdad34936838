"""Lists the formats that can be uploaded. A test publishes a real file of each format."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    extension: str
    mime_type: str


_BY_TYPE = {
    "audio/aiff": "aif aifc aiff",
    "audio/basic": "au",
    "video/x-msvideo": "avi",
    "video/x-dv": "dif dv",
    "audio/mp4": "m4a m4b m4p",
    "video/mp4": "m4v mp4 f4v",
    "video/quicktime": "mov movie qt",
    "audio/mpeg": "mp2 mp3 mpga",
    "video/mpeg": "mpe mpeg mpg vob",
    "audio/vnd.rn-realaudio": "ra",
    "audio/wav": "wav",
    "video/x-ms-asf": "asf",
    "audio/x-ms-wma": "wma",
    "video/x-ms-wmv": "wmv",
    "video/x-ms-wm": "wm",
    "video/x-matroska": "mkv",
    "video/webm": "webm",
    "application/mxf": "mxf",
    "video/mp2t": "ts m2ts mts",
    "video/3gpp": "3gp",
    "video/3gpp2": "3g2",
    "video/x-flv": "flv",
    "video/ogg": "ogv",
    "audio/ogg": "ogg oga opus",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "video/x-ms-wtv": "wtv",
    "image/gif": "gif",
}

FORMATS = tuple(
    sorted(
        (Format(e, mime) for mime, extensions in _BY_TYPE.items() for e in extensions.split()),
        key=lambda f: f.extension,
    )
)

EXTENSIONS = frozenset(f.extension for f in FORMATS)


def extension(file_name: str) -> str:
    """Returns the lower-case extension without its dot, or an empty string when there is none."""
    return file_name.rpartition(".")[2].lower() if "." in file_name else ""
