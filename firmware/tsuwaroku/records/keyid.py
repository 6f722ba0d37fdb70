"""What a public key is known by, and whether anything can be sealed to it."""

from __future__ import annotations

import hashlib
from typing import Final

KEY_SIZE = 32  # octets of an X25519 public key
_PRIME: Final = 2**255 - 19
_SMALL_ORDER: Final = frozenset(
    {
        0,
        1,
        _PRIME - 1,
        int.from_bytes(bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"), "little"),
        int.from_bytes(bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"), "little"),
    }
)
"""The points of Curve25519 and its twist whose order divides 8 (RFC 7748, section 6.1): with one of them everybody
shares the same secret, zeros. libsodium refuses to seal to them."""


def key_id(public: bytes) -> bytes:
    """The 16 octets a recipient is known by."""
    return hashlib.blake2b(public, digest_size=32).digest()[:16]


def takes_seals(public: bytes) -> bool:
    """Whether it is a public key that something can be sealed to. The highest bit is ignored, as X25519 does."""
    point = int.from_bytes(public, "little") % 2**255 % _PRIME
    return len(public) == KEY_SIZE and point not in _SMALL_ORDER


def is_key(public: str, known_as: str) -> bool:
    """Whether these are a public key that takes seals and its id, in hex as they are written."""
    try:
        octets = bytes.fromhex(public)
    except ValueError:
        return False
    return (octets.hex(), key_id(octets).hex()) == (public, known_as) and takes_seals(octets)
