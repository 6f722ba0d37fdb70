"""Octets and keys for the framers: whole frames, damaged frames, and anything else.

Nothing raises; a frame that is taken for whole has a check value that holds by another reckoning; what is not whole
gives no number; what a sequence of keys says is in the keys.
"""

from __future__ import annotations

from tests.fuzz.source import Source, octets, one_of
from tests.signalling.fsksource import crc, jclip, mdmf, parity, sdmf
from tsuwaroku.signalling.callerid import Absence, CallerId
from tsuwaroku.signalling.callerid.bydtmf import LONGEST, DtmfCallerId
from tsuwaroku.signalling.callerid.receiver import read
from tsuwaroku.signalling.uart import BELL202, BITS, V23, Message, Octet

RATE = 8000
MOST = 300  # octets of a message: a frame has 255 and its head
KEYS = "0123456789*#ABCD"
# Kinds and parameters that mean something, and some that do not.
_KINDS = (0x40, 0x41, 0x04, 0x80, 0x82, 0x00)
_PARAMETERS = (1, 2, 3, 4, 7, 8, 9, 21, 0, 255)
_DATA = (b"0312345678", b"P", b"O", b"11231203", b"\x10\x03", b"\x10", b"")


def run(source: Source) -> None:
    """One script."""
    if source.below(4) == 0:
        _keys(source)
        return
    sent = damaged(source, frame(source))
    sure = source.below(3) > 0  # both demodulators agree, and have no doubt
    block = _received(source, sent, sure)
    bits = block if sure else _received(source, damaged(source, sent), sure)
    message = Message(one_of(source, (V23, BELL202)), float(source.below(300)), block, bits)
    for caller, begun_s, over_s in read(message):
        assert 0 <= begun_s < over_s
        check(caller)


def frame(source: Source) -> bytes:
    """A frame of a standard, or octets of none."""
    said = [
        (one_of(source, _PARAMETERS), one_of(source, _DATA) if source.below(2) else octets(source, 40))
        for _ in range(source.below(5))
    ]
    match source.below(4):
        case 0:
            return jclip(said, counted_doubled=source.below(2) == 1, kind=one_of(source, _KINDS))
        case 1:
            return mdmf(said, one_of(source, _KINDS)) if sum(2 + len(data) for _, data in said) < 256 else b"\x80"
        case 2:
            return sdmf(octets(source, 40))
    return octets(source, MOST)


def damaged(source: Source, sent: bytes) -> bytes:
    """The same with octets changed, lost, doubled, or others before it."""
    got = bytearray(sent)
    for _ in range(source.below(4)):
        at = source.below(len(got) + 1)
        match source.below(4):
            case 0:
                got[at : at + 1] = bytes([source.below(256)])
            case 1:
                del got[at : at + 1 + source.below(4)]
            case 2:
                got[at:at] = got[at : at + 1 + source.below(16)]
            case 3:
                got[at:at] = octets(source, 8)
    return bytes(got[:MOST])


def _received(source: Source, sent: bytes, sure: bool) -> list[Octet]:
    """As a demodulator hands them over; it never hands over nothing."""
    doubts = 0 if sure else 1 + source.below(3)
    doubtful = {source.below(MOST) for _ in range(doubts)}
    found = []
    at = 0.1
    for number, value in enumerate(sent or b"\0"):
        doubt = number in doubtful
        idle = float(source.below(30)) if doubt else 0.0
        at += (BITS + idle) / 1200
        margin = source.below(40) / 100 if doubt else 0.9
        found.append(Octet(value, at, idle, not doubt or source.below(2) == 1, margin))
    return found


def _keys(source: Source) -> None:
    """Keys at any times, losses among them."""
    receiver = DtmfCallerId(RATE, bare=source.below(2) == 1)
    at, pressed = 0, ""
    for _ in range(source.below(80)):
        at += source.below(2 * RATE if source.below(8) == 0 else RATE // 4)
        match source.below(16):
            case 0:
                told = receiver.lost(at, source.below(RATE))
            case 1:
                told = receiver.tick(at)
            case _:
                pressed += one_of(source, KEYS)
                told = receiver.digit(pressed[-1], at)
        assert len(receiver._keys) < LONGEST
        for caller in told:
            check(caller)
            assert caller.raw.decode() in pressed
    assert all(caller.raw.decode() in pressed for caller in receiver.flush())
    assert receiver.flush() == []


def check(caller: CallerId) -> None:
    """What holds of every caller ID."""
    assert (caller.number is None) == (caller.absence is not None)
    assert caller.number is None or set(caller.number.removeprefix("+")) <= set("0123456789*#"), caller.number
    if caller.crc_ok is False:
        assert (caller.number, caller.called, caller.name, caller.absence) == (None, None, None, Absence.UNREADABLE)
    if caller.crc_ok and caller.standard == "jclip":
        assert caller.raw[-2:] == crc(_crc_of(caller.raw)).to_bytes(2, "little"), caller.raw.hex()
    elif caller.crc_ok and caller.standard != "fsk":
        assert sum(caller.raw) % 256 == 0, caller.raw.hex()


def _crc_of(raw: bytes) -> bytes:
    """What a JCLIP frame's check value is of: all behind DLE SOH, which may be lost, and before the value itself."""
    return raw[:-2].removeprefix(parity(b"\x10\x01"))
