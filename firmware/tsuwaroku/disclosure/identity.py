"""Which medium this is: its hardware's own identity, and a token that this box wrote on it when it was registered.

The hardware (USB id, vendor, model, serial, capacity) tells one stick from another as far as makers number them. Some
give all of a kind one number or none; such a serial is *weak* and proves nothing, so the token has to be there as well.
The token is a small text file: a random number and an HMAC under this box's own key over it and the hardware. It is no
secret and no right: it says that this box registered this piece of hardware, and copied onto another it is told from
the true one, unless both are of one kind with a weak serial. Wiping or formatting takes it away.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

import msgspec

from tsuwaroku.disclosure.drive import Drive

TOKEN = "tsuwaroku-medium.txt"
TOKEN_MOST = 4096  # octets of a file that may be a token
NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,64}")
_FIRST = "tsuwaroku medium 1"
_NOTE = "通話記録の複製用の媒体です。このファイルを消したり変えたりしないでください。"
_LINE = re.compile(r"name ([^\n]+)\nnonce ([0-9a-f]{32})\nseal ([0-9a-f]{64})\n")
_FEWEST = 8  # characters; USB mass storage is to have 12 (Bulk-Only Transport 1.0, 4.1.1)
_COUNTING = "0123456789ABCDEF"
# On sticks without a name of their own and on counterfeits, seen many times over.
_COMMON = frozenset({"AA00000000000489", "AA04012700007629", "DEADBEEF", "CCCCBBBBAAAA"})


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A medium as the ledger has it: the manager's name for it, its hardware, and the number in its token."""

    name: str
    usb_id: str
    vendor: str
    model: str
    serial: str
    wwid: str
    capacity_octets: int
    nonce: str


class Match(enum.StrEnum):
    """How a medium that is plugged in compares with a registered one."""

    SAME = "same"
    OTHER = "other"
    NO_TOKEN = "no_token"  # its hardware; wiped or formatted since
    OTHER_TOKEN = "other_token"  # its hardware; the token is of another registration or box, or was changed
    OTHER_HARDWARE = "other_hardware"  # its token, on something else
    OTHER_CAPACITY = "other_capacity"  # its serial, and another size
    UNSURE = "unsure"  # a weak serial, and no token to tell


class Recognition(msgspec.Struct, frozen=True):
    """What a person is told of it."""

    match: Match
    message: str
    remedy: str = ""


def is_weak(serial: str) -> bool:
    """Whether many sticks may have this serial: none, a short one, one character or two, or just counting."""
    plain = re.sub(r"[^0-9A-Z]", "", serial.upper())
    if len(plain) < _FEWEST or len(set(plain)) <= 2 or serial.upper() in _COMMON:
        return True
    rows = (_COUNTING, _COUNTING[::-1], "1234567890")
    return any(plain in row * (2 + len(plain) // len(row)) for row in rows)


def registered_as(name: str, drive: Drive) -> Registered:
    """A new registration of this hardware, with a new number for the token."""
    return Registered(
        name=name,
        usb_id=drive.usb_id,
        vendor=drive.vendor,
        model=drive.model,
        serial=drive.serial,
        wwid=drive.wwid,
        capacity_octets=drive.capacity_octets,
        nonce=secrets.token_hex(16),
    )


def pack_token(registered: Registered, secret: bytes) -> bytes:
    """The file for the medium. `secret` is this box's key for tokens, 32 octets that stay the same."""
    lines = (_FIRST, f"name {registered.name}", f"nonce {registered.nonce}", f"seal {_seal(registered, secret)}", _NOTE)
    return "".join(f"{line}\n" for line in lines).encode()


def _seal(registered: Registered, secret: bytes) -> str:
    said = (registered.name, registered.nonce, *_hardware(registered), str(registered.capacity_octets))
    return hmac.new(secret, "\n".join((_FIRST, *said)).encode(), hashlib.sha256).hexdigest()


def recognise(drive: Drive, token: bytes | None, registered: Registered, secret: bytes) -> Recognition:
    """Whether `drive`, with this token on it (None: no such file), is the registered medium."""
    hardware = _hardware(drive) == _hardware(registered)
    if token is not None and hmac.compare_digest(token, pack_token(registered, secret)):
        if hardware and drive.capacity_octets == registered.capacity_octets:
            return Recognition(Match.SAME, f"this is the registered medium {registered.name}")
        if not hardware:
            return Recognition(
                Match.OTHER_HARDWARE,
                f"the token of the medium {registered.name} is on another medium: somebody has copied its files",
                "find out who did, and record it: 9(3) allows no copy without the manager's approval",
            )
    if not hardware:
        return Recognition(Match.OTHER, f"this is not the medium {registered.name}", "plug in the medium that is meant")
    if drive.capacity_octets != registered.capacity_octets:
        return Recognition(
            Match.OTHER_CAPACITY,
            f"this has the serial number of the medium {registered.name}, and another size",
            "do not use it: it fails, or is made to pass for the other; register another medium",
        )
    if is_weak(drive.serial):
        return Recognition(
            Match.UNSURE,
            f"this may be the medium {registered.name}: it has no serial number of its own, and not its token",
            "compare its label with the ledger; it cannot be used for copies any more",
        )
    if token is None:
        return Recognition(
            Match.NO_TOKEN,
            f"this is the medium {registered.name}, and its token is gone: it was wiped or formatted",
            "if no copy was ever handed over on it, prepare it anew; else destroy it",
        )
    return Recognition(
        Match.OTHER_TOKEN,
        f"this is the medium {registered.name}, and its token is not the one that was written on it",
        "find out who changed it; if no copy was ever handed over on it, prepare it anew",
    )


def known_as(drive: Drive, media: Iterable[Registered]) -> Registered | None:
    """The medium that this hardware was ever registered as, by its serial; None where there is none, or the serial is
    weak and cannot tell. For the rule that a used medium is never registered again (9(5): wiped *and* destroyed)."""
    if is_weak(drive.serial):
        return None
    return next((one for one in media if _hardware(one) == _hardware(drive)), None)


def name_in(token: bytes) -> str | None:
    """What medium a token says it is of, proven or not; None for what is no token."""
    try:
        text = token.decode()
    except UnicodeDecodeError:
        return None
    match = _LINE.match(text.removeprefix(f"{_FIRST}\n"))
    return match[1] if match and text.startswith(_FIRST) else None


def _hardware(one: Drive | Registered) -> tuple[str, str, str, str]:
    return one.usb_id, one.vendor, one.model, one.serial
