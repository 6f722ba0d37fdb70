"""Which file names every medium can hold, and every PC of a city hall can open."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from tsuwaroku.errors import RefusedError

MOST_UNITS = 255  # of UTF-16 in a part of a name: FAT's and exFAT's limit
MOST_OCTETS = 255  # of UTF-8: ext4's and f2fs's
FORBIDDEN = frozenset('<>:"\\|?*')
# Windows opens a device under these names, whatever follows a dot (Microsoft, "Naming Files, Paths, and Namespaces").
DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


def check_names(names: Iterable[str]) -> None:
    """Names with "/" between folders. Raises RefusedError for one that some medium cannot hold, for two that are one
    name where case does not count, and for a file where another name needs a folder."""
    taken: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        parts = name.split("/")
        fault = next(filter(None, map(_wrong_with, parts)), "")
        if fault:
            raise RefusedError(
                f"{name!r} is no name for a file on a medium: {fault}", remedy="give the file another name"
            )
        folded = [_folded(part) for part in parts]
        twin = taken.setdefault("/".join(folded), name)
        if twin != name:
            raise _clash(twin, name)
        for depth in range(1, len(parts)):
            written = "/".join(parts[:depth])
            twin = folders.setdefault("/".join(folded[:depth]), written)
            if twin != written:
                raise _clash(twin, written)
    for name in sorted(taken.keys() & folders.keys()):
        raise _clash(taken[name], f"{folders[name]}/")


def _clash(one: str, other: str) -> RefusedError:
    return RefusedError(
        f"{one!r} and {other!r} would be one name on a medium", remedy="give one of the two another name"
    )


def _folded(part: str) -> str:
    return unicodedata.normalize("NFC", part).casefold()


def _wrong_with(part: str) -> str:
    if part in ("", ".", ".."):
        return "a part of it is empty or made of dots"
    if FORBIDDEN & set(part) or any(unicodedata.category(character) in ("Cc", "Cs") for character in part):
        return "it has a control character, or a sign that Windows does not allow"
    if part[0] == " " or part[-1] in " .":
        return "a part of it begins with a space, or ends with a space or a dot"
    if len(part.encode("utf-16-le")) // 2 > MOST_UNITS or len(part.encode()) > MOST_OCTETS:
        return f"a part of it is longer than {MOST_OCTETS} octets"
    if part.split(".")[0].rstrip().casefold() in DEVICES:
        return "Windows has a device of that name"
    return ""
