"""Downloads a file from a URL that is valid for a limited time, and continues after an interrupted connection."""

from collections.abc import Callable
from pathlib import Path

import httpx

from client.errors import ClientError, FileError
from client.transport import TRANSFER_RETRIES, send_with_retries, unreachable_error


def download(http: httpx.Client, url: str, path: Path, progress: Callable[[int, int], None]) -> None:
    """Downloads the file to `path`. `progress` is called with the bytes received so far and in total.

    A file appears at `path` only when it is complete. Raises FileError when it exists already or cannot be written,
    and ClientError or Unreachable when the download fails.
    """
    if path.exists():
        raise FileError(f"{path} exists already.", "Choose another file name, or remove this file.")
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            try:
                _download_into(file.write, http, url, progress)
            except BaseException:
                part.unlink()
                raise
        part.rename(path)
    except OSError as error:
        raise FileError(f"{path} cannot be written ({error.strerror}).", "Choose another folder.") from None


def _download_into(
    write: Callable[[bytes], object], http: httpx.Client, url: str, progress: Callable[[int, int], None]
) -> None:
    done, total, etag, failures = 0, None, "", 0
    while total is None or done < total:
        # The condition prevents that bytes of two versions are mixed.
        headers = {"Range": f"bytes={done}-", "If-Match": etag} if done else {}
        request = http.build_request("GET", url, headers={"Accept-Encoding": "identity", **headers})
        response = send_with_retries(
            lambda: http.send(request, stream=True),  # noqa: B023 - the request is sent at once
            retries=TRANSFER_RETRIES,
        )
        failures += 1
        try:
            if response.status_code != (206 if done else 200) or "Content-Length" not in response.headers:
                code = response.headers.get("x-ms-error-code", response.reason_phrase)
                raise ClientError(f"Storage refused the download ({response.status_code} {code}).", "Try again.")
            total = done + int(response.headers["Content-Length"])
            etag = response.headers.get("ETag", "")
            for piece in response.iter_raw():
                write(piece)
                done, failures = done + len(piece), 0
                progress(done, total)
        except httpx.TransportError as error:
            if failures == TRANSFER_RETRIES.tries:
                raise unreachable_error(error) from None
        finally:
            response.close()
