"""Which medium is which: serials that prove nothing, tokens that are forged, and what a person is told."""

from __future__ import annotations

import msgspec
import pytest

from tsuwaroku.disclosure.drive import Drive
from tsuwaroku.disclosure.identity import (
    Match,
    Registered,
    is_weak,
    known_as,
    name_in,
    pack_token,
    recognise,
    registered_as,
)

SECRET = bytes(range(32))
DRIVE = Drive(
    device="/dev/sdb",
    insertion=3,
    usb_id="0781:5567",
    vendor="SanDisk",
    model="Cruzer Blade",
    serial="4C530001230415117",
    id_serial="",
    wwid="",
    capacity_octets=16_000_000_000,
)
OTHER = msgspec.structs.replace(DRIVE, serial="4C530001230415118")


@pytest.fixture
def registered() -> Registered:
    return registered_as("R8-01", DRIVE)


def matched(drive: Drive, token: bytes | None, registered: Registered) -> Match:
    found = recognise(drive, token, registered, SECRET)
    assert "R8-01" in found.message
    assert bool(found.remedy) == (found.match is not Match.SAME)
    return found.match


@pytest.mark.parametrize(
    "serial",
    [
        *("", "   ", "1", "0001", "00000000", "000000000000", "FFFFFFFFFFFF", "0000000000001", "1010101010101"),
        *("0123456789ABCDEF", "0123456789abcdef", "123456789012", "FEDCBA9876543210", "0123456789ABCDEF0123"),
        *("12345678", "AA00000000000489", "AA04012700007629", "........", "\ufffd" * 12),
    ],
)
def test_a_serial_that_many_may_have_is_weak(serial: str) -> None:
    assert is_weak(serial)


@pytest.mark.parametrize(
    "serial",
    ["4C530001230415117", "07A40A0F1B2C3D4E", "900047F1C2A95D310", "60A44C413FB3F480A96A0049", "20090815198100000"],
)
def test_a_makers_serial_is_not(serial: str) -> None:
    assert not is_weak(serial)


def test_hardware_and_token_together(registered: Registered) -> None:
    token = pack_token(registered, SECRET)
    assert matched(DRIVE, token, registered) is Match.SAME
    assert matched(DRIVE, None, registered) is Match.NO_TOKEN
    assert matched(DRIVE, b"", registered) is Match.OTHER_TOKEN
    assert matched(DRIVE, pack_token(registered, bytes(32)), registered) is Match.OTHER_TOKEN
    assert matched(DRIVE, pack_token(registered_as("R8-01", DRIVE), SECRET), registered) is Match.OTHER_TOKEN
    assert matched(OTHER, token, registered) is Match.OTHER_HARDWARE
    assert matched(OTHER, None, registered) is Match.OTHER
    assert matched(OTHER, pack_token(registered_as("R8-01", OTHER), SECRET), registered) is Match.OTHER
    other_port = msgspec.structs.replace(DRIVE, device="/dev/sdc", insertion=44, label="X", filesystem="vfat")
    assert matched(other_port, token, registered) is Match.SAME
    for place in (token, None):
        grown = msgspec.structs.replace(DRIVE, capacity_octets=DRIVE.capacity_octets * 2)
        assert matched(grown, place, registered) is Match.OTHER_CAPACITY


def test_each_octet_of_a_token_counts(registered: Registered) -> None:
    token = pack_token(registered, SECRET)
    spoilt = [token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :] for at in range(len(token))]
    spoilt += [token[:at] for at in range(len(token))]
    spoilt += [token + b"\n"]
    assert {matched(DRIVE, one, registered) for one in spoilt} == {Match.OTHER_TOKEN}


def test_without_a_serial_the_token_decides() -> None:
    nameless = msgspec.structs.replace(DRIVE, serial="0123456789ABCDEF")
    registered = registered_as("R8-01", nameless)
    assert matched(nameless, pack_token(registered, SECRET), registered) is Match.SAME
    for token in (None, b"x", pack_token(registered, bytes(32))):
        assert matched(nameless, token, registered) is Match.UNSURE
    assert known_as(nameless, [registered]) is None


def test_a_medium_that_was_ever_registered_is_known_by_its_serial(registered: Registered) -> None:
    assert known_as(DRIVE, [registered_as("R8-02", OTHER), registered]) == registered
    assert known_as(msgspec.structs.replace(DRIVE, capacity_octets=1), [registered]) == registered
    assert known_as(OTHER, [registered]) is None


def test_a_token_says_its_name(registered: Registered) -> None:
    token = pack_token(registered, SECRET)
    assert name_in(token) == "R8-01"
    assert [name_in(octets) for octets in (b"", b"\xff", b"name R8-01\n", token[5:], b"tsuwaroku medium 2\n")] == [
        None
    ] * 5


def test_two_registrations_have_two_numbers() -> None:
    assert len({registered_as("R8-01", DRIVE).nonce for _ in range(20)}) == 20
