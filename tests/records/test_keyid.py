from __future__ import annotations

import secrets

import pytest
from nacl.public import PublicKey, SealedBox

from tsuwaroku.records.keyid import is_key, key_id, takes_seals

PRIME = 2**255 - 19
LOW = {
    "zero": bytes(32),
    "one": (1).to_bytes(32, "little"),
    "order 8": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    "order 8, the other": bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    "p - 1": (PRIME - 1).to_bytes(32, "little"),
    "p": PRIME.to_bytes(32, "little"),
    "p + 1": (PRIME + 1).to_bytes(32, "little"),
}


def libsodium_seals(public: bytes) -> bool:
    try:
        SealedBox(PublicKey(public)).encrypt(b"probe")
    except Exception:
        return False
    return True


@pytest.mark.parametrize("name", LOW)
@pytest.mark.parametrize("highest_bit", [0, 0x80])
def test_points_of_small_order_take_no_seals_as_libsodium_has_it(name: str, highest_bit: int) -> None:
    public = LOW[name][:31] + bytes([LOW[name][31] | highest_bit])
    assert not libsodium_seals(public)
    assert not takes_seals(public)
    assert not is_key(public.hex(), key_id(public).hex())


def test_every_other_key_does() -> None:
    near = [number.to_bytes(32, "little") for number in (2, 3, PRIME - 2, PRIME + 2)]
    for public in [*near, *(secrets.token_bytes(32) for _ in range(50))]:
        assert takes_seals(public) is libsodium_seals(public) is is_key(public.hex(), key_id(public).hex()) is True


def test_what_is_no_key_takes_none() -> None:
    good = secrets.token_bytes(32)
    assert not any(takes_seals(octets) for octets in (b"", good[:31], good + b"\0"))
    for public, known in (("  " + good.hex(), key_id(good).hex()), ("no hex", ""), (good.hex(), "00" * 16)):
        assert not is_key(public, known)
