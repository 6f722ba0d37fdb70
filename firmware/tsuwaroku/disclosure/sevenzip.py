"""A 7z archive, AES-256, names hidden too, written front to back: 7-Zip is what the PCs of a city hall have.

No ZIP: WinZip's AES stretches a passphrase with 1,000 rounds of SHA-1 and would be the weak one beside the page's
600,000 of SHA-256. 7z's own stretching is as strong as we make it (`CYCLES`). No library: py7zr seeks back in what it
writes, and takes files from a disk; we have neither. Stored, not compressed: FLAC is already.

Layout: signature header (32 octets) ‖ the files one after another, encrypted ‖ their table, encrypted ‖ how to read
that. Everything's size is known before the first octet is written. (7-Zip, `7zFormat.txt`.)
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from tsuwaroku.disclosure.made import Made
from tsuwaroku.disclosure.sound import Measure

CYCLES = 21
"""2^21 rounds over salt, passphrase and counter: for 12 characters 1.6 million blocks of SHA-256, for a generated
passphrase 2.6 million; 600,000 rounds of PBKDF2 take 1.2 million. 7-Zip's default is 2^19, its limit 2^24."""

_AES = bytes.fromhex("06F10701")
_BLOCK = 16
_SIGNATURE = b"7z\xbc\xaf\x27\x1c" + bytes([0, 4])
_START = struct.Struct("<QQI")
_END, _HEADER, _MAIN, _FILES, _PACK, _UNPACK, _SUBSTREAMS = 0, 1, 4, 5, 6, 7, 8
_SIZE, _CRC, _FOLDER, _CODERS_SIZE, _COUNT, _NAMES, _MTIME, _ENCODED = 9, 10, 11, 12, 13, 17, 20, 23
_ROUNDS_AT_ONCE = 1 << 14
_EPOCH_1601 = 11644473600  # seconds from FILETIME's beginning to Unix's


class Entry(msgspec.Struct, frozen=True):
    """A file of the archive: never empty. `octets` gives exactly what was measured."""

    name: str
    measure: Measure
    octets: Callable[[], Iterable[bytes]]


def archive(entries: list[Entry], passphrase: str, at_ns: int) -> Made:
    """The archive, its files dated `at_ns` (Unix). The passphrase as it is typed into 7-Zip, NFKC already."""
    salt, ivs = secrets.token_bytes(16), (secrets.token_bytes(_BLOCK), secrets.token_bytes(_BLOCK))
    key = stretch(passphrase, salt)
    plain = sum(entry.measure.size for entry in entries)
    table = _table(entries, plain, _properties(salt, ivs[0]), at_ns)
    packed = b"".join(_encrypted([table], key, ivs[1]))
    tail = bytes([_ENCODED]) + _streams(_padded(plain), len(packed), len(table), _properties(salt, ivs[1]))
    tail += bytes([_CRC, 1]) + struct.pack("<I", zlib.crc32(table)) + bytes([_END, _END])
    start = _START.pack(_padded(plain) + len(packed), len(tail), zlib.crc32(tail))

    def make() -> Iterator[bytes]:
        yield _SIGNATURE + struct.pack("<I", zlib.crc32(start)) + start
        yield from _encrypted((piece for entry in entries for piece in entry.octets()), key, ivs[0])
        yield packed + tail

    return Made(32 + _padded(plain) + len(packed) + len(tail), make)


def stretch(passphrase: str, salt: bytes) -> bytes:
    """7z's key of a passphrase."""
    digest, word = hashlib.sha256(), salt + passphrase.encode("utf-16-le")
    for first in range(0, 1 << CYCLES, _ROUNDS_AT_ONCE):
        counters = range(first, first + _ROUNDS_AT_ONCE)
        digest.update(b"".join([word + number.to_bytes(8, "little") for number in counters]))
    return digest.digest()


def _encrypted(pieces: Iterable[bytes], key: bytes, iv: bytes) -> Iterator[bytes]:
    """AES-256-CBC, zeros to a whole block."""
    cipher: CipherContext = Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
    size = 0
    for piece in pieces:
        size += len(piece)
        yield cipher.update(piece)
    yield cipher.update(bytes(-size % _BLOCK)) + cipher.finalize()


def _padded(size: int) -> int:
    return size + -size % _BLOCK


def _properties(salt: bytes, iv: bytes) -> bytes:
    return bytes([CYCLES | 0xC0, (len(salt) - 1) << 4 | (len(iv) - 1)]) + salt + iv


def _number(value: int) -> bytes:
    """7z's: leading ones of the first octet say how many octets follow, little-endian; its other bits are the top."""
    for more in range(8):
        if value < 1 << 7 * (more + 1):
            mark = 0xFF & ~(0xFF >> more)
            return bytes([mark | value >> 8 * more]) + (value & (1 << 8 * more) - 1).to_bytes(more, "little")
    return b"\xff" + value.to_bytes(8, "little")


def _streams(at: int, packed: int, plain: int, properties: bytes) -> bytes:
    """One packed stream and its one coder; what follows is the digest, and the end of this part."""
    coder = bytes([len(_AES) | 0x20]) + _AES + _number(len(properties)) + properties
    pack = bytes([_PACK]) + _number(at) + bytes([1, _SIZE]) + _number(packed) + bytes([_END])
    return pack + bytes([_UNPACK, _FOLDER, 1, 0, 1]) + coder + bytes([_CODERS_SIZE]) + _number(plain)


def _table(entries: list[Entry], plain: int, properties: bytes, at_ns: int) -> bytes:
    names = b"\0" + b"".join(entry.name.encode("utf-16-le") + b"\0\0" for entry in entries)
    ticks = at_ns // 100 + _EPOCH_1601 * 10_000_000
    times = b"\1\0" + struct.pack("<Q", ticks) * len(entries)
    out = bytes([_HEADER, _MAIN]) + _streams(0, _padded(plain), plain, properties) + bytes([_END])
    out += bytes([_SUBSTREAMS, _COUNT]) + _number(len(entries))
    if len(entries) > 1:
        out += bytes([_SIZE]) + b"".join(_number(entry.measure.size) for entry in entries[:-1])
    out += bytes([_CRC, 1]) + b"".join(struct.pack("<I", entry.measure.crc32) for entry in entries)
    out += bytes([_END, _END, _FILES]) + _number(len(entries))
    for kind, octets in ((_NAMES, names), (_MTIME, times)):
        out += bytes([kind]) + _number(len(octets)) + octets
    return out + bytes([_END, _END])
