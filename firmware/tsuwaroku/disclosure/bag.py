"""The tag files of a BagIt bag (RFC 8493), for payloads that lie on no disk.

The `bagit` library makes a bag of a folder that is there, plaintext and all, by moving it; so these few lines are
written here, and the library is the judge in the tests that what comes out is a bag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ALGORITHM = "sha256"
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MANIFEST, TAG_MANIFEST = f"manifest-{ALGORITHM}.txt", f"tagmanifest-{ALGORITHM}.txt"
_DIGEST = 64


def manifest(digests: Mapping[str, str]) -> bytes:
    """Lines of SHA-256 and name, by name; names with "/" and without the characters that would need %-encoding."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()


def manifest_size(names: Iterable[str]) -> int:
    """Octets of a manifest before any digest is known."""
    return sum(_DIGEST + 3 + len(name.encode()) for name in names)


def info(sizes: Iterable[int], day: str, description: str, more: Mapping[str, str]) -> bytes:
    """bag-info.txt. `sizes` of the payload's files; `day` as 2026-11-23."""
    octets = list(sizes)
    lines = {"Bagging-Date": day, "Payload-Oxum": f"{sum(octets)}.{len(octets)}", "External-Description": description}
    return "".join(f"{name}: {_one_line(value)}\n" for name, value in {**lines, **more}.items()).encode()


def _one_line(value: str) -> str:
    return " ".join(value.split())
