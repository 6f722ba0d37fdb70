"""The mark of completeness: the list of a copy's files, which says of itself whether it is whole.

Lines of UTF-8, ended by a line feed each:

    tsuwaroku copy 1
    <SHA-256 in hex> <octets> <name>      one line a file, by name
    end <SHA-256 in hex of all lines above>

It proves that the copying came to its end, not who made the copy: it has no signature.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

FIRST = "tsuwaroku copy 1"
_LINE = re.compile(r"([0-9a-f]{64}) (0|[1-9][0-9]*) (.+)")


class CopiedFile(msgspec.Struct, frozen=True):
    """A file of a copy: its name below the copy's folder ("/" between folders), octets, SHA-256 in hex."""

    name: str
    size: int
    sha256: str


def pack_mark(files: tuple[CopiedFile, ...]) -> bytes:
    """The mark of these files, whatever their order."""
    ordered = sorted(files, key=lambda file: file.name)
    lines = [FIRST, *(f"{file.sha256} {file.size} {file.name}" for file in ordered)]
    above = "".join(f"{line}\n" for line in lines).encode()
    return above + f"end {hashlib.sha256(above).hexdigest()}\n".encode()


def unpack_mark(octets: bytes) -> tuple[CopiedFile, ...] | None:
    """The files a mark lists; None for anything but a whole mark."""
    try:
        lines = octets.decode().split("\n")
    except UnicodeDecodeError:
        return None
    found = [_LINE.fullmatch(line) for line in lines[1:-2]]
    files = tuple(CopiedFile(match[3], int(match[2]), match[1]) for match in found if match)
    return files if octets == pack_mark(files) else None
