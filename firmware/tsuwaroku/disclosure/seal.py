"""What vouches for a copy outside the box: the recorder's own signatures over what it committed while it recorded.

A call's last commit carries, besides its manifest, the *card*: its record under a key of the card's own. Commit, chain
digest and signature of it, and that one key, let anybody check that the record, and through its `pcm_sha256` the sound,
is what the box signed when the call ended (store/FORMAT.md, *Extent*). The key opens the card alone, which is in the
copy anyway. A call that was cut off has no card; for it, and for the request beside it, the box signs a *statement*:
the SHA-256 of every file of the copy.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

import msgspec

STATEMENT_DOMAIN = b"tsuwaroku copy 1\0"
HEADER = 208  # octets of an extent's header up to the end of its signature

Sign = Callable[[bytes, bytes], bytes]
"""(domain, octets) -> the device key's Ed25519 signature over `domain ‖ octets`."""


class SealedExtent(msgspec.Struct, frozen=True):
    """A commit of a call: its header's first 208 octets, and its payload, b"" where it is left out."""

    header: bytes
    payload: bytes = b""


class CallSeal(msgspec.Struct, frozen=True):
    """`extents` in order of their index; the last two of a call are enough, the last one with its payload. A chain is
    checked from an extent to the next. `card_key`: 32 octets, b"" for a call without a card."""

    store_id: bytes
    call_id: bytes
    sequence: int
    extents: tuple[SealedExtent, ...]
    card_key: bytes = b""


class Origin(msgspec.Struct, frozen=True):
    """The box: its public device key, and what signs with the private one (None: no statement is signed)."""

    device_key: bytes
    sign: Sign | None = None


def pack_seal(
    origin: Origin, seals: Mapping[str, CallSeal], digests: Mapping[str, str], about: Mapping[str, str]
) -> bytes:
    """seal.json. `seals` by folder of the call, `digests` (SHA-256) by name of every other file of the payload,
    `about`: what the copy is for. Raises ValueError for a header of another length."""
    for seal in seals.values():
        if any(len(extent.header) != HEADER for extent in seal.extents):
            raise ValueError("an extent's header has another length")
    statement = msgspec.json.encode({"version": 1, **about, "files": dict(sorted(digests.items()))})
    signature = origin.sign(STATEMENT_DOMAIN, statement).hex() if origin.sign is not None else None
    packed = {
        "version": 1,
        "device_key": origin.device_key.hex(),
        "statement": statement.decode(),
        "signature": signature,
        "calls": {folder: _packed(seal) for folder, seal in seals.items()},
    }
    return msgspec.json.format(msgspec.json.encode(packed), indent=1)


def _packed(seal: CallSeal) -> dict[str, object]:
    return {
        "store_id": seal.store_id.hex(),
        "call_id": seal.call_id.hex(),
        "sequence": seal.sequence,
        "card_key": seal.card_key.hex(),
        "extents": [
            {"header": base64.b64encode(extent.header).decode(), "payload": base64.b64encode(extent.payload).decode()}
            for extent in seal.extents
        ],
    }
