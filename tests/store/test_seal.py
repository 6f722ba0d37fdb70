from __future__ import annotations

import hashlib

import msgspec
import nacl.bindings as sodium
import pytest

from tsuwaroku.errors import SecretError
from tsuwaroku.store.keys import PrivateKey, Recipient, Recipients, key_id
from tsuwaroku.store.seal import (
    CallKey,
    PartOpener,
    PartSealer,
    card_fits,
    open_card,
    open_wrapped,
    seal_card,
    seal_to_each,
)
from tsuwaroku.store.slot import FormatError, WrappedKey

CALL = b"c" * 16


def recipient(private: PrivateKey) -> Recipient:
    return Recipient(id=private.id.hex(), role="manager", name="", public_key=private.public.hex())


def test_each_recipient_opens_the_call_key_and_nobody_else() -> None:
    first, second, stranger = (PrivateKey(bytes([n]) * 32) for n in (1, 2, 3))
    key = CallKey.random()
    wraps = key.wrap_for(Recipients([recipient(first), recipient(second)]), CALL)
    assert [(w.recipient, len(w.sealed)) for w in wraps] == [(first.id, 96), (second.id, 96)]
    want = key.derive(b"tsuwaroku-part", 7)
    assert [open_wrapped(wraps, p, CALL).derive(b"tsuwaroku-part", 7) for p in (first, second)] == [want, want]
    with pytest.raises(SecretError, match="opens no call key"):
        open_wrapped(wraps, stranger, CALL)
    with pytest.raises(SecretError, match="another call"):
        open_wrapped(wraps, first, b"d" * 16)
    with pytest.raises(SecretError):
        open_wrapped([WrappedKey(first.id, wraps[1].sealed)], first, CALL)


def test_a_wrap_that_does_not_open_or_does_not_fit_hides_no_true_one() -> None:
    private, key, other = PrivateKey(b"\1" * 32), CallKey.random(), CallKey.random()
    true, false = key.wrap(recipient(private), CALL), other.wrap(recipient(private), CALL)
    card = seal_card(key, CALL, b"card")
    odd = [WrappedKey(private.id, b"s" * 96), key.wrap(recipient(private), b"d" * 16), false]
    for wraps in ([*odd, true], [true, *odd], [true], [*odd, true, *odd]):
        opened = open_wrapped(wraps, private, CALL, card_fits(CALL, card))
        assert open_card(opened, CALL, card) == b"card"
    first = open_wrapped([false, true], private, CALL, card_fits(CALL, b"lost" * 10))
    assert first.derive(b"x", 0) == other.derive(b"x", 0)
    with pytest.raises(SecretError, match="what was wrapped for this key does not open") as error:
        open_wrapped(odd[:1], private, CALL)
    assert "--again" in error.value.remedy


LOW_ORDER = b"\1" + bytes(31)


def test_a_key_that_takes_no_seals_is_an_error_with_a_remedy_and_costs_the_others_nothing() -> None:
    private = PrivateKey(b"\1" * 32)
    bad = Recipient(id=key_id(LOW_ORDER).hex(), role="handler", name="", public_key=LOW_ORDER.hex())
    for odd in (bad, msgspec.structs.replace(bad, public_key="ab"), msgspec.structs.replace(bad, public_key="no hex")):
        with pytest.raises(SecretError, match="nothing can be sealed to this public key") as error:
            CallKey.random().wrap(odd, CALL)
        assert error.value.remedy
        assert [name for name, _ in seal_to_each([odd, recipient(private)], b"x")] == [private.id]
        both = Recipients([odd, recipient(private)])
        assert both
        assert both.to_wrap() == both.to_wrap("1") == [recipient(private)]
        assert both.unusable == [odd]
        assert not Recipients([odd])


def test_keys_are_derived_as_documented() -> None:
    octets = bytes(range(32))
    want = hashlib.blake2b(key=octets, digest_size=32, person=b"tsuwaroku-part", salt=(5).to_bytes(8, "little"))
    assert CallKey(octets).derive(b"tsuwaroku-part", 5) == want.digest()
    assert key_id(b"p" * 32) == hashlib.blake2b(b"p" * 32, digest_size=32).digest()[:16]
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    sealer = PartSealer(CallKey(octets), 5)
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, sealer.header, want.digest())
    assert sodium.crypto_secretstream_xchacha20poly1305_pull(state, sealer.push(b"x", final=True)) == (b"x", 3)


def test_a_forgotten_key_is_of_no_use() -> None:
    key = CallKey.random()
    octets = key._octets
    key.forget()
    assert bytes(octets) == bytes(32)
    with pytest.raises(ValueError, match="forgotten"):
        key.derive(b"x", 0)
    with pytest.raises(FormatError):
        CallKey(b"short")


def test_chunks_open_in_their_order_part_and_key_alone() -> None:
    key = CallKey.random()
    sealer = PartSealer(key, 1)
    sealed = [sealer.push(b"one"), sealer.push(b""), sealer.push(b"three", final=True)]
    assert [len(s) for s in sealed] == [20, 17, 22]
    opener = PartOpener(key, 1, sealer.header)
    assert [opener.pull(s) for s in sealed] == [(b"one", False), (b"", False), (b"three", True)]
    for opener in (
        PartOpener(key, 2, sealer.header),
        PartOpener(CallKey.random(), 1, sealer.header),
        PartOpener(key, 1, b"h" * 24),
    ):
        with pytest.raises(FormatError):
            opener.pull(sealed[0])
    for wrong in (sealed[1], sealed[0][:-1], sealed[0][:16], b"", sealed[0][:-1] + b"\0"):
        if wrong != sealed[0]:
            with pytest.raises(FormatError):
                PartOpener(key, 1, sealer.header).pull(wrong)


def test_cards_are_bound_to_key_and_call() -> None:
    key = CallKey.random()
    card = seal_card(key, CALL, b"0312345678")
    assert open_card(key, CALL, card) == b"0312345678"
    assert len(card) == 24 + 10 + 16
    assert seal_card(key, CALL, b"0312345678") != card
    for other, call, octets in (
        (CallKey.random(), CALL, card),
        (key, b"d" * 16, card),
        (key, CALL, card[:-1]),
        (key, CALL, card[:10]),
        (key, CALL, b""),
    ):
        with pytest.raises(FormatError):
            open_card(other, call, octets)
