"""The resources as they go over the wire (PascalCase, in the order of the contract's tables).

The descriptions are part of the public OpenAPI document: each one stands alone, beginning with its noun.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal


class Wire(BaseModel):
    """Base of all resources. Names of fields are written in PascalCase."""

    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True, extra="ignore", defer_build=True)


class UsageModel(Wire):
    """Work and storage that a video costs. Requests of clients and viewers, logs and free grants are not included."""

    seconds: Annotated[float, Field(description="Billed seconds of instances at work.")]
    output_minutes: Annotated[float, Field(description="Minutes of all renditions added up.")]
    storage_bytes: Annotated[int, Field(description="Bytes kept in storage: the upload and everything made from it.")]
    cost: Annotated[float, Field(description="One-off cost of processing at the configured prices.")]
    monthly_cost: Annotated[float, Field(description="Cost of one month of storage at the configured price.")]
    currency: Annotated[str, Field(description="Currency of both costs (ISO 4217).")]


_ESTIMATE = "Expected usage, known once the source has been examined; null before."
_ACTUAL = "Measured usage, known once the video is ready; null before."
_ON_DEMAND = "Usage of the pictures that were made on demand since the video is ready; null when there are none."


class VideoModel(Wire):
    """A video: the upload, how it is protected, what it became, and what its user wrote about it."""

    id: Annotated[str, Field(description="Identifier of the video, a UUID.")]
    upload_uri: Annotated[
        str | None,
        Field(
            description="URL to upload the file to; null when no upload is expected (any more), and for callers who "
            "may only read."
        ),
    ]
    content_protection_mode: Annotated[str, Field(description="Protection of the published media: None or AES128.")]
    content_protection_key_id: Annotated[
        str | None, Field(description="Identifier of the content key; null for a video without protection.")
    ]
    duration: Annotated[int, Field(description="Length of the video in whole seconds; 0 until it is known.")]
    original_file_name: Annotated[str, Field(description="Name of the uploaded file in storage.")]
    input_storage_encryption_mode: Annotated[
        str | None, Field(description="Encryption of the upload: AES256, or null for an upload in the clear.")
    ]
    input_storage_encryption_symmetric_key: Annotated[
        str | None,
        Field(description="Key to encrypt the upload with, in base64; sent only when the video is created."),
    ]
    input_storage_encryption_iv: Annotated[
        str | None,
        Field(description="IV to encrypt the upload with, in base64; sent only when the video is created."),
    ]
    file_name: Annotated[str, Field(description="Name of the file as the client gave it.")]
    created: Annotated[str, Field(description="Time of creation (RFC 3339, UTC).")]
    modified: Annotated[str, Field(description="Time of the last change (RFC 3339, UTC).")]
    status: Annotated[str, Field(description="State of processing: AwaitingUpload, Processing, Completed or Failed.")]
    width: Annotated[int, Field(description="Width of the highest rendition in pixels; 0 until it is known.")]
    height: Annotated[int, Field(description="Height of the highest rendition in pixels; 0 until it is known.")]
    frame_rate: Annotated[float, Field(description="Frames per second of the source; 0 until it is known.")]
    has_audio: Annotated[bool, Field(description="Whether the source has an audio track.")]
    size: Annotated[int, Field(description="Size of the upload in bytes; 0 until it is complete.")]
    title: Annotated[str, Field(description="Title of the video, chosen by its user.")]
    description: Annotated[str, Field(description="Description of the video, written by its user.")]
    tags: Annotated[list[str], Field(description="Tags of the video, chosen by its user.")]
    metadata: Annotated[dict[str, str], Field(description="Names and values that belong to the video.")]
    estimate: Annotated[UsageModel | None, Field(description=_ESTIMATE)]
    actual: Annotated[UsageModel | None, Field(description=_ACTUAL)]


class VideoList(Wire):
    """One page of videos."""

    items: Annotated[list[VideoModel], Field(description="Videos of this page, newest first.")]
    continuation_token: Annotated[
        str | None, Field(description="Token to request the next page with; null on the last page.")
    ]


class ErrorDetail(Wire):
    """Reason why the video failed."""

    code: Annotated[str, Field(description="Stable code of the failure, for programs.")]
    message: Annotated[str, Field(description="Sentence about the failure, for people.")]


class StepModel(Wire):
    """One step of processing, or one encoding task."""

    name: Annotated[
        str, Field(description="Name of the step: Upload, Probe, Encode, Package, or a task such as chunk-000000.")
    ]
    started: Annotated[str, Field(description="Time at which the step started (RFC 3339, UTC).")]
    finished: Annotated[str | None, Field(description="Time at which the step finished; null while it runs.")]
    seconds: Annotated[float, Field(description="Duration of the step in seconds; 0 while it runs.")]
    progress: Annotated[int, Field(description="Progress of the step in percent.")]
    worker: Annotated[str, Field(description="Process that ran the task, as host and process id.")]


class StatusModel(Wire):
    """State of processing, step by step."""

    status_code: Annotated[
        int, Field(description="Code of the status: 0 AwaitingUpload, 1 Processing, 2 Completed, 3 Failed.")
    ]
    status: Annotated[str, Field(description="State of processing: AwaitingUpload, Processing, Completed or Failed.")]
    message: Annotated[str, Field(description="Sentence about the state, for people.")]
    progress: Annotated[int, Field(description="Progress of the whole video in percent.")]
    playable: Annotated[
        bool, Field(description="Whether the video can be played; before it is Completed, with `early=true`.")
    ]
    error: Annotated[ErrorDetail | None, Field(description="Reason of a failure; null for any other status.")]
    chunks: Annotated[
        int,
        Field(description="Number of tasks that encode the picture, each a step `chunk-…`; 0 until it is known."),
    ]
    audio_tracks: Annotated[
        int, Field(description="Number of audio tracks, each a step `audio-…`; 0 until it is known.")
    ]
    steps: Annotated[list[StepModel], Field(description="Steps that have started, and the encoding tasks.")]
    estimate: Annotated[UsageModel | None, Field(description=_ESTIMATE)]
    actual: Annotated[UsageModel | None, Field(description=_ACTUAL)]
    on_demand: Annotated[UsageModel | None, Field(description=_ON_DEMAND)]


class TokenModel(Wire):
    """An authorization token for one content key."""

    value: str = Field(alias="value", description="Token as the old service wrote it: `Bearer=` and the token.")
    token: Annotated[str, Field(description="The token alone, a JWT.")]
    expires_on: Annotated[int, Field(description="Time at which the token expires, in epoch seconds.")]


class PlaybackModel(Wire):
    """The address of a manifest, or of the MP4 file."""

    type: Annotated[str, Field(description="Kind of the endpoint: Streaming, HLS, DASH or Progressive.")]
    playback_url: Annotated[str, Field(description="URL to give to the player.")]


class ThumbnailModel(Wire):
    """An image of the video."""

    kind: Annotated[str, Field(description="Kind of the image: Poster, Indexed or Timed.")]
    id: str = Field(alias="ID", description="Identifier of the image: the video's id and the index.")
    video_id: Annotated[str, Field(description="Identifier of the video, a UUID.")]
    height: Annotated[int, Field(description="Height of the image in pixels.")]
    width: Annotated[int, Field(description="Width of the image in pixels.")]
    index: Annotated[int, Field(description="Number of an Indexed image, from 1 on; 0 for any other kind.")]
    time: Annotated[int, Field(description="Moment of a Timed image in whole seconds; 0 for any other kind.")]
    url: Annotated[str, Field(description="URL of the image, valid for a limited time.")]


class AddressModel(Wire):
    """The URL that a redirect would lead to."""

    url: Annotated[str, Field(description="URL of the file, valid for a limited time.")]


class FormatModel(Wire):
    """A file format that can be uploaded."""

    extension: Annotated[str, Field(description="Extension of the file name, without a dot.")]
    mime_type: Annotated[str, Field(description="MIME type of the format.")]


class MasterKeyModel(Wire):
    """The master key that the answering instance wraps new keys under."""

    id: Annotated[str, Field(description="Identifier of the key, as in the setting MASTER_KEYS.")]
    fingerprint: Annotated[
        str, Field(description="Fingerprint of the key, which tells it from another key of the same id.")
    ]


class HealthModel(Wire):
    """State of the service."""

    status: Annotated[str, Field(description="Healthy when the service and its storage work.")]
    confinement: Annotated[str, Field(description="What confines the processes that decode uploaded media.")]
    master_key: Annotated[
        MasterKeyModel | None, Field(description="Master key of the answering instance; null when none is configured.")
    ]


class FieldError(BaseModel):
    """What is wrong with one field or parameter."""

    field: Annotated[str, Field(description="Name of the field or parameter.")]
    message: Annotated[str, Field(description="Sentence about what is wrong, without its subject.")]


class Error(BaseModel):
    """The body of every error. `status`, `source` and `message` are as the old service wrote them."""

    model_config = ConfigDict(defer_build=True)

    status: Annotated[int, Field(description="HTTP status of the response.")]
    source: Annotated[str, Field(description="Address of the request without its query.")]
    message: Annotated[str, Field(description="Sentence about the error, for people.")]
    code: Annotated[str, Field(description="Stable code of the error, for programs.")]
    request_id: str = Field(alias="requestId", description="Identifier of the request, to be found in the log.")
    errors: Annotated[
        list[FieldError], Field(description="Errors by field; empty unless the code is InvalidRequest.")
    ] = []
