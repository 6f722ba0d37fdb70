"""Small JSON files that carry their own check: a flipped bit, or the file of another store, is told and not believed.

No signature: whoever can write here and means harm can do worse than lend slots. It is the disk that is not trusted.
"""

from __future__ import annotations

import hashlib
from typing import TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class Unsound(ValueError):
    """Not what was written, or not for this store."""


def sealed(content: msgspec.Struct, store_id: bytes) -> bytes:
    """The file: an object with the fields of `content` and `check`."""
    fields = msgspec.to_builtins(content)
    return msgspec.json.encode(fields | {"check": _check(content, store_id)})


def unsealed(octets: bytes, kind: type[T], store_id: bytes) -> T:
    """What it holds. Raises Unsound."""
    try:
        content = msgspec.json.decode(octets, type=kind)
        check = msgspec.json.decode(octets, type=_Check).check
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unsound(str(error)) from error
    if check != _check(content, store_id):
        raise Unsound("it is not as it was written, or another store's")
    return content


class _Check(msgspec.Struct):
    check: str = ""


def _check(content: msgspec.Struct, store_id: bytes) -> str:
    return hashlib.sha256(b"tsuwaroku check 1\0" + store_id + msgspec.json.encode(content)).hexdigest()
