"""A client of 2015: PascalCase, paths in any letter case, trailing slashes, explicit content types.

It knows the original fields and answers only, and fails on whatever a client of that time would have failed on.
"""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ORIGINAL_FIELDS = [
    "Id",
    "UploadUri",
    "ContentProtectionMode",
    "ContentProtectionKeyId",
    "Duration",
    "OriginalFileName",
    "InputStorageEncryptionMode",
    "InputStorageEncryptionSymmetricKey",
    "InputStorageEncryptionIv",
]


class OldClient:
    """`base` is the service's address, without the prefix `api`."""

    def __init__(self, base: str) -> None:
        self._base = base

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        """(status, headers, JSON or None)."""
        sent = {"Accept": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = None
        if body is not None:
            sent["Content-Type"] = "application/json; charset=utf-8"
            data = json.dumps(body).encode()
        elif method == "POST":
            data = b""
        request = Request(f"{self._base}/{path}", data, sent, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, dict(answer.headers), _json(answer)
        except HTTPError as error:
            return error.code, dict(error.headers), _json(error)

    def upload(self, uri: str, data: bytes) -> None:
        """One Put Blob, as the storage client of that time did for small files."""
        headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2015-02-21", "Content-Type": "video/mp4"}
        with urlopen(Request(uri, data, headers, method="PUT"), timeout=60) as answer:
            assert answer.status == 201


def _json(answer: Any) -> Any:
    content = answer.read()
    if not content:
        return None
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    return json.loads(content)
