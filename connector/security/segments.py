"""Segment encryption: AES-128-CBC with PKCS7 padding over the whole segment.

RFC 8216 section 4.3.2.4, METHOD=AES-128.
"""

# Cryptography is loaded by the first call that needs it: it takes time from every cold start.

BLOCK = 16


def encrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """`key` and `iv` of 16 bytes each. Adds 1 to 16 bytes of padding."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    padder = PKCS7(BLOCK * 8).padder()
    encryptor = Cipher(algorithms.AES128(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


def decrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """The inverse of `encrypt`. Raises ValueError for what it did not make under this key."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    decryptor = Cipher(algorithms.AES128(key), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(BLOCK * 8).unpadder()
    return unpadder.update(decryptor.update(data) + decryptor.finalize()) + unpadder.finalize()


def encrypted_size(size: int) -> int:
    """Bytes that `encrypt` makes of `size` bytes."""
    return (size // BLOCK + 1) * BLOCK
