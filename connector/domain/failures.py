"""Defines every failure of a video: `Error.Code` for programs, a sentence for people. The README shows this table."""

from string import Formatter
from typing import Annotated, Literal

from pydantic import Field

from connector.domain.types import Whole
from connector.errors import MediaError

Fact = Whole | Annotated[float, Field(ge=0, le=2**53, allow_inf_nan=False)] | Literal["video", "audio"]
Facts = dict[str, Fact]
"""What a media process may say about a failure, by the name of the value in its sentence: numbers, or a kind of stream.
"""

SENTENCES: dict[str, str] = {
    "EmptyFile": "The uploaded file is empty.",
    "UnreadableMedia": "The file is not a video or audio file that can be read. It may be damaged or cut off.",
    "TooComplex": "The file declares more tracks, or larger tables, than can be read. It may be damaged.",
    "NoMedia": "The file holds neither picture nor sound.",
    "UnsupportedCodec": "The {kind} codec of this file is not supported, or the file is copy-protected.",
    "EncryptedMedia": "The file is encrypted. Upload one without protection.",
    "UndecodableVideo": "No picture of the video could be decoded. The file may be damaged.",
    "UndecodableAudio": "The sound of the file could not be decoded. The file may be damaged.",
    "PictureTooLarge": "The picture has {width}×{height} pixels; at most {most:,} pixels are accepted.",
    "FrameRateTooHigh": "The video has {found:g} frames per second; at most {most:g} are accepted.",
    "TooLong": "The file lasts {found:,} minutes; at most {most:,} are accepted.",
    "TooManyTracks": "The file has {found} audio tracks; at most {most} are accepted.",
    "TooMuchOutput": "The video would be encoded to {found:,} minutes, all renditions added up; at most {most:,} are "
    "allowed for one video.",
    "UploadTooLarge": "The uploaded file has {found:,} bytes; at most {most:,} are accepted.",
    "UploadExpired": "Nothing was uploaded before the upload URL expired.",
    "UploadChanged": "The uploaded file was replaced or removed after it was complete. Create a new "
    "video for another file.",
    "UndecryptableUpload": "The upload could not be decrypted or read: it must be encrypted with AES-256-CTR and the "
    "key and IV that were given when the video was created. {reason}",
    "IncompleteStoryboard": "The small pictures of the storyboard are not complete.",
    "Deleted": "The video was deleted; what is left of it is being removed.",
    "StorageRefused": "Storage refuses what publishing this video needs: {reason}. Whoever runs this service has to "
    "change its storage account or its settings.",
    "ProcessingFailed": "Processing was tried several times and failed while {doing}: {reason}. "
    "Upload the file again; if that fails too, convert it with another program first.",
    "MediaProcessCrashed": "The process that decodes the file crashed, or ran over a limit, each time while {doing}: "
    "{reason}. The file may be damaged. Convert it with another program, and upload the result.",
    "WorkerLost": "Processing was interrupted each time while {doing}: workers were stopped, or ran out of memory. "
    "The file is probably good. Try the same file again later; if that fails too, tell whoever runs this service.",
    "ConfinementUnavailable": "Nothing was decoded while {doing}: this service decodes files only in confined "
    "processes, and the machine could not confine them. The file is probably good. Whoever runs this service has to "
    "change the machine or its settings.",
}
"""Sentences for people, by code. The values in braces are filled in for each failure."""

REPORTED = frozenset(
    {
        *("EmptyFile", "UnreadableMedia", "TooComplex", "NoMedia", "UnsupportedCodec", "EncryptedMedia"),
        *("UndecodableVideo", "UndecodableAudio", "PictureTooLarge", "FrameRateTooHigh", "TooManyTracks"),
        "IncompleteStoryboard",
    }
)
"""Codes of the failures that a media process can find. Only this process finds the others."""


def media_error(code: str, **facts: object) -> MediaError:
    """Returns the failure with this code, to be raised. Raises KeyError for an unknown code or a missing fact."""
    return MediaError(code, SENTENCES[code].format(**facts), facts)


def reported(code: str, facts: Facts) -> MediaError:
    """Returns the failure that a media process reports, to be raised.

    Raises ValueError for a code that no media process reports, and for facts that do not fit its sentence.
    """
    if code not in REPORTED or set(facts) != {name for _, name, _, _ in Formatter().parse(SENTENCES[code]) if name}:
        raise ValueError("no media process reports this")
    return media_error(code, **facts)
