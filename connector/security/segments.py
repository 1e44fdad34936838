"""Encrypts segments: AES-128-CBC with PKCS7 padding over the whole segment.

RFC 8216 section 4.3.2.4 calls it METHOD=AES-128.
"""

# Cryptography is loaded by the first call that needs it, because loading it takes time from every cold start.

BLOCK = 16


def encrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Encrypts `data` with `key` and `iv` of 16 bytes each. The padding adds 1 to 16 bytes."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    padder = PKCS7(BLOCK * 8).padder()
    encryptor = Cipher(algorithms.AES128(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


def decrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Decrypts what `encrypt` made. Raises ValueError for what it did not make under this key."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    decryptor = Cipher(algorithms.AES128(key), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(BLOCK * 8).unpadder()
    return unpadder.update(decryptor.update(data) + decryptor.finalize()) + unpadder.finalize()


def encrypted_size(size: int) -> int:
    """Returns the number of bytes that `encrypt` makes of `size` bytes."""
    return (size // BLOCK + 1) * BLOCK
