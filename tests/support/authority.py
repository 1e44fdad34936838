"""An issuer of tokens on this machine: it signs, and publishes its keys over HTTP as Microsoft Entra does."""

import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

ISSUER, AUDIENCE = "https://login.example/tenant/v2.0", "client-id-of-the-api"


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def public_jwk(name: str) -> dict:
    return json.loads(RSAAlgorithm.to_jwk(rsa_key(name).public_key()))


def seconds_from_now(seconds: int) -> int:
    return int(datetime.now(UTC).timestamp()) + seconds


def token(key: object = None, algorithm: str = "RS256", kid: str | None = "a", **changes: object) -> str:
    """A good one, but for the changes; a claim that becomes None is left out."""
    standing = {"iss": ISSUER, "aud": AUDIENCE, "azp": "client-id-of-the-caller"}
    claims = {**standing, "exp": seconds_from_now(600), "nbf": seconds_from_now(-5), **changes}
    present = {name: value for name, value in claims.items() if value is not None}
    headers = {"kid": kid} if kid else None
    return jwt.encode(present, rsa_key("a") if key is None else key, algorithm=algorithm, headers=headers)


def signed_with_public_key(of: str, kid: str = "a", **changes: object) -> str:
    """An HS256 token whose secret is a public key's PEM. By hand: PyJWT refuses to sign so."""
    public = rsa_key(of).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": seconds_from_now(600), **changes}
    parts = ({"alg": "HS256", "kid": kid}, claims)
    signed = b".".join(base64url_encode(json.dumps(part).encode()) for part in parts)
    return b".".join([signed, base64url_encode(hmac.digest(pem, signed, "sha256"))]).decode()


class Authority:
    """What is published now, and how often it was read. Tests change it as they like."""

    def __init__(self) -> None:
        self.keys: dict[str, dict] = {"a": public_jwk("a")}
        self.answer: bytes | None = None
        """In place of the keys."""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.reads = 0
        self.url = ""
        self.answering = Event()
        """While it is not set, requests are taken and not answered."""
        self.answering.set()

    def document(self) -> bytes:
        listed = [{**key, "kid": kid, "use": "sig"} for kid, key in self.keys.items()]
        return json.dumps({"keys": listed}).encode() if self.answer is None else self.answer


@contextmanager
def authority() -> Iterator[Authority]:
    published = Authority()

    class Answerer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            published.reads += 1
            published.answering.wait()
            with suppress(ConnectionError):  # who asked may have read enough
                self.send_response(published.status)
                for name, value in published.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(published.document())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answerer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        published.url = f"http://127.0.0.1:{server.server_port}/keys"
        try:
            yield published
        finally:
            published.answering.set()
            server.shutdown()
            thread.join()


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
