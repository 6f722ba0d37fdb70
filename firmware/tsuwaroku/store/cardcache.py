"""Opened cards, kept on the PC of whoever has the key: opening 36,000 takes seconds, reading them again does not.

A card is part of the 通話記録: a copy of it must be readable by nobody else, and must die with the call (Article 8(1),
8(3)). So each day's cards are one box, whose key is made of the private key and of the catalogue's file of that day.
Without the private key a box is noise; and when the day's calls were erased and their file rewritten, the private key
opens it no more either, wherever a copy of the box was left. Nothing is kept in the clear, and the box is only as new
as the file: a call listed or erased since makes it anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Collection
from pathlib import Path

import msgspec
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from tsuwaroku.records.call import CallRecord
from tsuwaroku.store.keys import PrivateKey

_NONCE = 24
_SUFFIX = ".box"


class CardCache:
    """One store's boxes for one key. What cannot be kept or read is opened from the catalogue: nothing here raises."""

    def __init__(self, directory: Path, store_id: bytes, private: PrivateKey) -> None:
        self._directory = directory / store_id.hex() / private.id.hex()
        self._store_id = store_id
        self._private = private

    def get(self, day: str, file: bytes) -> list[CallRecord] | None:
        """The day's records as they were when its file was these octets; None where there are none."""
        return decoded(self.open(day, file))

    def open(self, day: str, file: bytes) -> bytes | None:
        """The same, not yet decoded: all of this may be done by many threads at once."""
        try:
            box = self._path(day).read_bytes()
            key = self._key(day, file)
            return crypto_aead_xchacha20poly1305_ietf_decrypt(box[_NONCE:], day.encode(), box[:_NONCE], key)
        except (OSError, CryptoError, ValueError):
            return None

    def put(self, day: str, file: bytes, records: list[CallRecord]) -> None:
        """Keep them, readable by this user alone even as ciphertext."""
        nonce, path = secrets.token_bytes(_NONCE), self._path(day)
        box = crypto_aead_xchacha20poly1305_ietf_encrypt(
            msgspec.msgpack.encode(records), day.encode(), nonce, self._key(day, file)
        )
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as stream:
                stream.write(nonce + box)
            temporary.replace(path)

    def sweep(self, days: Collection[str]) -> None:
        """Remove the boxes of other days: their calls are no more."""
        with contextlib.suppress(OSError):
            for path in self._directory.glob(f"*{_SUFFIX}"):
                if path.name.removesuffix(_SUFFIX) not in days:
                    path.unlink()

    def _path(self, day: str) -> Path:
        return self._directory / f"{day}{_SUFFIX}"

    def _key(self, day: str, file: bytes) -> bytes:
        return self._private.derive(b"tsuwaroku-cards", self._store_id + day.encode() + hashlib.sha256(file).digest())


def decoded(plain: bytes | None) -> list[CallRecord] | None:
    """What a box holds; None where it is of another version."""
    try:
        return None if plain is None else msgspec.msgpack.decode(plain, type=list[CallRecord])
    except msgspec.DecodeError:
        return None


def cache_directory() -> Path:
    """Where programs of this user keep what can be made again."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "tsuwaroku" / "cards"
