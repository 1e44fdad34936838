"""Decrypts any part of a cipher text: AES-CTR, big-endian counter of 128 bits, no padding."""

BLOCK = 16


def decrypt_at(key: bytes, iv: bytes, offset: int, data: bytes) -> bytes:
    """Returns the plain text of `data`, which is at byte `offset` of the cipher text (NIST SP 800-38A section 6.5)."""
    blocks, skip = divmod(offset, BLOCK)
    counter = (int.from_bytes(iv) + blocks) % (1 << 128)
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    decryptor = Cipher(algorithms.AES(key), modes.CTR(counter.to_bytes(BLOCK))).decryptor()
    decryptor.update(bytes(skip))
    return decryptor.update(data) + decryptor.finalize()
