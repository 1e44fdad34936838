"""Downloads a file from a URL that is good for a while; goes on where the connection broke."""

from collections.abc import Callable
from pathlib import Path

import httpx

from client.errors import ClientError, FileError
from client.transport import TRANSFER, persistently, unreachable


def download(http: httpx.Client, url: str, path: Path, progress: Callable[[int, int], None]) -> None:
    """`progress` hears bytes so far and in all. Raises FileError when there is a file already, or it cannot be written.

    Only a whole file appears at `path`; ClientError and Unreachable leave nothing behind.
    """
    if path.exists():
        raise FileError(f"{path} exists already.", "Name another file, or remove this one.")
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            try:
                _fill(http, url, file.write, progress)
            except BaseException:
                part.unlink()
                raise
        part.rename(path)
    except OSError as error:
        raise FileError(f"{path} cannot be written ({error.strerror}).", "Name another place.") from None


def _fill(http: httpx.Client, url: str, write: Callable[[bytes], object], progress: Callable[[int, int], None]) -> None:
    done, total, etag, vain = 0, None, "", 0
    while total is None or done < total:
        # Bytes of another version must not be joined to these.
        headers = {"Range": f"bytes={done}-", "If-Match": etag} if done else {}
        request = http.build_request("GET", url, headers={"Accept-Encoding": "identity", **headers})
        response = persistently(lambda: http.send(request, stream=True), patience=TRANSFER)  # noqa: B023 - used at once
        vain += 1
        try:
            if response.status_code != (206 if done else 200) or "Content-Length" not in response.headers:
                code = response.headers.get("x-ms-error-code", response.reason_phrase)
                raise ClientError(f"Storage does not give the file ({response.status_code} {code}).", "Try again.")
            total = done + int(response.headers["Content-Length"])
            etag = response.headers.get("ETag", "")
            for piece in response.iter_raw():
                write(piece)
                done, vain = done + len(piece), 0
                progress(done, total)
        except httpx.TransportError as error:
            if vain == TRANSFER.tries:
                raise unreachable(error) from None
        finally:
            response.close()
