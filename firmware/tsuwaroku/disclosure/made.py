"""Octets that are made while they are written: for what is too large for memory and must never lie on a disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

import msgspec


class Made(msgspec.Struct, frozen=True):
    """A file whose octets `make` gives piece by piece, exactly `size` of them, the same ones each time it is asked.

    What `make` raises ends the copy: TsuwarokuErrors, which say what to do. An OSError would be taken for the medium's.
    """

    size: int
    make: Callable[[], Iterable[bytes]]

    def pieces(self) -> Iterator[bytes]:
        """From the beginning. Raises ValueError where it is not `size` octets: a fault of the program."""
        left = self.size
        for piece in self.make():
            left -= len(piece)
            yield piece
        if left:
            raise ValueError(f"{self.size - left} octets were made instead of {self.size}")


class Digested:
    """SHA-256 of sources as they go by, for manifests that are written after what they list."""

    def __init__(self) -> None:
        self._sources: dict[str, Made] = {}
        self._known: dict[str, str] = {}

    def watch(self, name: str, source: Made | bytes) -> Made:
        """The same source; its digest is known once it was read to its end."""
        made = source if isinstance(source, Made) else Made(len(source), lambda: [source])
        self._sources[name] = made
        return Made(made.size, lambda: self._through(name))

    def sha256(self, name: str) -> str:
        """In hex; what was not read yet is read now."""
        if name not in self._known:
            for _ in self._through(name):
                pass
        return self._known[name]

    def _through(self, name: str) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for piece in self._sources[name].pieces():
            digest.update(piece)
            yield piece
        self._known[name] = digest.hexdigest()
