"""Azurite as it is with Microsoft Entra ID: over HTTPS with a certificate of its own, and tokens in place of keys."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import jwt
import pytest
from azure.core.credentials import AccessToken
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connector.storage.identity import Identity
from local.azurite import ACCOUNT, Azurite

ISSUER = "https://sts.windows.net/tenant/"
_DELEGATION = Path(__file__).with_name("delegation.cjs")


class FakeCredential:
    """Tokens with the claims that Azurite looks at. It does not check who signed them."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.tokens: list[str] = []

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "https://storage.azure.com", "oid": "object", "tid": "tenant"}
        claims |= {"iat": now, "nbf": now - 60, "exp": now + 3600}
        assert scopes == ("https://storage.azure.com/.default",)
        token = jwt.encode(claims, bytes(32))
        self.tokens.append(token)
        return AccessToken(token, now + 3600)


@dataclass(frozen=True)
class EntraAccount:
    """`certificate`: the file that clients must trust."""

    blob_uri: str
    table_uri: str
    certificate: Path

    def identity(self, credential: FakeCredential) -> Identity:
        return Identity(self.blob_uri, self.table_uri, lambda _: credential)


@contextmanager
def entra_account(directory: Path) -> Iterator[EntraAccount]:
    """While it runs, the SDKs trust its certificate."""
    certificate, key = _certificate(directory)
    options = ["--oauth", "basic", "--cert", str(certificate), "--key", str(key)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NODE_OPTIONS", f"--require={_DELEGATION}")
        patch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with Azurite(options=options) as azurite:
            yield _account(azurite, certificate)


def _account(azurite: Azurite, certificate: Path) -> EntraAccount:
    at, ports = "https://127.0.0.1", azurite.ports
    return EntraAccount(f"{at}:{ports.blob}/{ACCOUNT}", f"{at}:{ports.table}/{ACCOUNT}", certificate)


def _certificate(directory: Path) -> tuple[Path, Path]:
    """(certificate, private key), for this machine only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Azurite")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = directory / "certificate.pem", directory / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
