"""What a line says of a call's numbers, whatever the standard it says it by."""

from __future__ import annotations

import enum

import msgspec


class Absence(enum.StrEnum):
    """Why there is no caller's number. Never two of them for one: each means another thing to whoever asks."""

    WITHHELD = "withheld"  # P: the caller did not want it shown
    PAYPHONE = "payphone"  # C
    UNAVAILABLE = "unavailable"  # O: the caller's network has none to give
    SERVICE_CONFLICT = "service_conflict"  # S
    UNREADABLE = "unreadable"  # something was sent, and it could not be read for certain
    NOT_OFFERED = "not_offered"  # nothing was sent, or not of this


REASONS = {
    "P": Absence.WITHHELD,
    "C": Absence.PAYPHONE,
    "O": Absence.UNAVAILABLE,
    "S": Absence.SERVICE_CONFLICT,
}
DIGITS = frozenset("0123456789*#")


class CallerId(msgspec.Struct, frozen=True, gc=False):
    """One transmission of the exchange's, from the stream's `first_sample` on.

    `number` is null exactly where `absence` says why. `called`: the number that was called (ダイヤルイン), `name` as it
    was sent. `raw`: the octets of the frame as they were received, or the keys. `crc_ok`: the frame's check value held;
    null for DTMF, which has none. Where it did not hold there are no numbers and no name.
    """

    number: str | None
    called: str | None
    name: str | None
    absence: Absence | None
    standard: str  # jclip, sdmf, mdmf, etsi, dtmf; or fsk: octets of none of them
    raw: bytes
    crc_ok: bool | None
    first_sample: int = 0


class Found(msgspec.Struct, frozen=True, gc=False):
    """A frame in a message: which octets, and what it says. `caller` is null where it is whole and no caller ID."""

    begin: int
    end: int
    caller: CallerId | None

    @property
    def certain(self) -> bool:
        """The check value held, and so the octets are those that were sent."""
        return self.caller is None or self.caller.crc_ok is True


class Malformed(Exception):
    """The octets are those that were sent, and make no sense. It does not leave this package."""


def unreadable(standard: str, raw: bytes, crc_ok: bool | None = False) -> CallerId:
    """Something was sent."""
    return CallerId(None, None, None, Absence.UNREADABLE, standard, raw, crc_ok)


def number_of(octets: bytes) -> str | None:
    """A number as it was sent; None for an empty one. Raises Malformed for what is none."""
    number = octets.decode("latin-1")
    if not DIGITS.issuperset(number.removeprefix("+")) or number == "+":
        raise Malformed
    return number or None


def name_of(octets: bytes | None) -> str | None:
    """A name in plain letters, or None: what else it could be in is not known for certain, and `raw` has it."""
    name = (octets or b"").decode("latin-1").strip()
    return name if name and name.isascii() and name.isprintable() else None


def absence_of(number: str | None, reason: bytes | None) -> Absence | None:
    """Why there is no number. A reason that nobody has heard of still says that the network had none to give."""
    if number is not None:
        return None
    if not reason:
        return Absence.NOT_OFFERED
    return REASONS.get(reason.decode("latin-1"), Absence.UNAVAILABLE)


def parameters(octets: bytes) -> dict[int, bytes]:
    """{type, length, data}… by type, unknown ones too. Raises Malformed unless they fill the octets exactly."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(octets):
        end = at + 2 + octets[at + 1] if at + 1 < len(octets) else len(octets) + 1
        if end > len(octets) or found.setdefault(octets[at], octets[at + 2 : end]) != octets[at + 2 : end]:
            raise Malformed  # cut short, or the same thing said twice and differently
        at = end
    return found
