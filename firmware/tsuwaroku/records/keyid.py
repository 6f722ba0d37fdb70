"""What a public key is known by."""

from __future__ import annotations

import hashlib

KEY_SIZE = 32  # octets of an X25519 public key


def key_id(public: bytes) -> bytes:
    """The 16 octets a recipient is known by."""
    return hashlib.blake2b(public, digest_size=32).digest()[:16]


def is_key(public: str, known_as: str) -> bool:
    """Whether these are a public key and its id, in hex as they are written."""
    try:
        octets = bytes.fromhex(public)
    except ValueError:
        return False
    return (len(octets), octets.hex(), key_id(octets).hex()) == (KEY_SIZE, public, known_as) and any(octets)
