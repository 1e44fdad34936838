"""What the client makes of answers that no API of ours gives."""

import httpx
import pytest

from client import ApiError, Client, Status, UploadKey, Usage
from client.api import EARLY_ENDPOINTS
from client.models import Video
from client.transport import RetryPolicy

FOUND = {
    "Id": "1",
    "UploadUri": "https://storage.example/a?sig=SECRET",
    "FileName": "a.mp4",
    "Duration": 0,
    "Width": 0,
    "Height": 0,
    "Size": 0,
    "Status": "AwaitingUpload",
    "ContentProtectionKeyId": None,
    "InputStorageEncryptionMode": "AES256",
    "InputStorageEncryptionSymmetricKey": "U0VDUkVUU0VDUkVUU0VDUkVUU0VDUkVUU0VDUkVUMTI=",
    "InputStorageEncryptionIv": "U0VDUkVUU0VDUkVUMTIzNA==",
}


def test_secrets_of_a_video_are_not_shown():
    video = Video.read(FOUND)
    assert video.encryption == UploadKey(b"SECRETSECRETSECRETSECRETSECRET12", b"SECRETSECRET1234")
    assert "SECRET" not in repr(video)
    assert set(video.public) == set(FOUND) - {
        "UploadUri",
        "InputStorageEncryptionSymmetricKey",
        "InputStorageEncryptionIv",
    }


def test_what_a_video_takes_is_read_and_may_be_missing():
    taken = {
        "Seconds": 1.5,
        "OutputMinutes": 2.0,
        "StorageBytes": 3,
        "Cost": 4.0,
        "MonthlyCost": 5.0,
        "Currency": "EUR",
    }
    assert Video.read(FOUND).estimate is None
    video = Video.read({**FOUND, "Estimate": taken, "Actual": None})
    assert video.estimate == Usage(1.5, 2.0, 3, 4.0, 5.0, "EUR")
    assert video.actual is None
    found = {
        "Status": "Completed",
        "Message": "",
        "Progress": 100,
        "Playable": True,
        "Error": None,
        "Estimate": taken,
        "Actual": taken,
    }
    assert Status.read(found).actual == video.estimate


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (httpx.Response(200, text="<html>Welcome</html>"), 404, "is not this API"),
        (httpx.Response(401), 401, "The API answered 401 Unauthorized."),
        (httpx.Response(502, text="<html>Bad gateway</html>"), 502, "The API answered 502 Bad Gateway."),
        (httpx.Response(404, json=["no"]), 404, "The API answered 404 Not Found."),
    ],
    ids=["a-page", "no-body", "a-gateway", "another-shape"],
)
def test_whatever_answers_is_told_in_words(monkeypatch, answer, status, message):
    monkeypatch.setattr(RetryPolicy, "delay", lambda *_: 0.0)
    with Client("https://api.example/api") as client:
        client._api = httpx.Client(base_url=client.base, transport=httpx.MockTransport(lambda _: answer))
        with pytest.raises(ApiError, match=message) as failed:
            client.formats()
    assert failed.value.status == status
    assert failed.value.advice


def test_early_addresses_are_asked_for_by_name():
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json={"Type": "HLS", "PlaybackUrl": "https://media.example/x"})

    with Client("https://api.example/api") as client:
        client._api = httpx.Client(base_url=client.base, transport=httpx.MockTransport(answer))
        client.playback_urls("1", EARLY_ENDPOINTS, early=True)
        client.playback_urls("1", ("HLS",), token="abc")
    assert asked == [
        {"endpointType": "HLS", "early": "true"},
        {"endpointType": "DASH", "early": "true"},
        {"endpointType": "HLS", "token": "abc"},
    ]
