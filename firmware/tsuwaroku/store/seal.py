"""Call keys and what is sealed with them: slot streams, cards, wraps. libsodium does the cryptography."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import nacl.bindings as sodium
from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox

from tsuwaroku.errors import SecretError
from tsuwaroku.store.slot import FormatError, WrappedKey

if TYPE_CHECKING:
    from tsuwaroku.store.keys import PrivateKey, Recipient, Recipients

KEY_SIZE = 32
NONCE_SIZE = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
CHUNK_OVERHEAD = sodium.crypto_secretstream_xchacha20poly1305_ABYTES
_TAG_MESSAGE = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_TAG_FINAL = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL


class CallKey:
    """The 32 random octets that open one call. `forget` wipes them; it cannot be used afterwards."""

    def __init__(self, octets: bytes) -> None:
        if len(octets) != KEY_SIZE:
            raise FormatError("call key has a wrong length")
        self._octets = bytearray(octets)

    @classmethod
    def random(cls) -> CallKey:
        return cls(secrets.token_bytes(KEY_SIZE))

    def wrap_for(self, recipients: Recipients, call_id: bytes, line: str | None = None) -> tuple[WrappedKey, ...]:
        """`SealedBox(call key ‖ call id)` for each recipient of the line; without one, for those of all lines. Raises
        SecretError."""
        return tuple(self.wrap(r, call_id) for r in recipients.to_wrap(line))

    def wrap(self, recipient: Recipient, call_id: bytes) -> WrappedKey:
        """The same for one. Raises SecretError where nothing can be sealed to the key."""
        return WrappedKey(bytes.fromhex(recipient.id), sealed_box(recipient, bytes(self._held()) + call_id))

    def derive(self, person: bytes, salt: int) -> bytes:
        """BLAKE2b-256 of FORMAT.md, *Keys*."""
        return hashlib.blake2b(
            key=self._held(), digest_size=KEY_SIZE, person=person, salt=salt.to_bytes(8, "little")
        ).digest()

    def forget(self) -> None:
        """Overwrite the key in RAM (as far as Python lets us)."""
        self._octets[:] = bytes(len(self._octets))
        self._octets = bytearray()

    def _held(self) -> bytearray:
        if not self._octets:
            raise ValueError("the call key was forgotten")
        return self._octets


def sealed_box(recipient: Recipient, text: bytes) -> bytes:
    """A SealedBox that only the recipient's private key opens. Raises SecretError where it is no key to seal to."""
    try:
        return SealedBox(PublicKey(bytes.fromhex(recipient.public_key))).encrypt(text)
    except (CryptoError, RuntimeError, ValueError, TypeError) as error:  # libsodium refuses points of small order
        raise SecretError(
            "nothing can be sealed to this public key",
            where=f"{recipient.role} {recipient.name} ({recipient.id})",
            remedy="make a new key, and name it in place of this one",
        ) from error


def seal_to_each(recipients: Iterable[Recipient], text: bytes) -> list[tuple[bytes, bytes]]:
    """(recipient's id, SealedBox) for each that can be sealed to: one that cannot costs the others nothing."""
    boxes = []
    for one in recipients:
        with contextlib.suppress(SecretError):
            boxes.append((bytes.fromhex(one.id), sealed_box(one, text)))
    return boxes


def open_wrapped(
    wraps: Sequence[WrappedKey],
    private: PrivateKey,
    call_id: bytes,
    fits: Callable[[CallKey], bool] | None = None,
) -> CallKey:
    """The call key, from a wrap made for this private key. Raises SecretError.

    There may be several: whoever wraps keys again is believed by nobody (rewrapping.py), and a wrap that does not open,
    or holds another key, must not hide a true one. `fits` says of each, where there are more than one, whether
    something of the call opens with it; where that is so of none, it is the first.
    """
    mine = [wrap for wrap in wraps if wrap.recipient == private.id]
    found: list[CallKey] = []
    refused: SecretError | None = None
    for wrap in mine:
        try:
            key = _opened(wrap, private, call_id)
        except SecretError as error:
            refused = error
            continue
        if len(mine) == 1 or fits is None or fits(key):
            return key
        found.append(key)
    if found:
        return found[0]
    raise refused or SecretError(
        "this key opens no call key here: the call was sealed for others",
        remedy="use the key of the 管理責任者 or 管理取扱者 in office when the call was recorded, or the recovery key",
    )


def card_fits(call_id: bytes, card: bytes) -> Callable[[CallKey], bool]:
    """Whether a key opens the card, for `open_wrapped`."""

    def fits(key: CallKey) -> bool:
        try:
            open_card(key, call_id, card)
        except FormatError:
            return False
        return True

    return fits


def _opened(wrap: WrappedKey, private: PrivateKey, call_id: bytes) -> CallKey:
    try:
        plain = private.open_sealed(wrap.sealed)
    except SecretError as error:
        raise SecretError(
            "what was wrapped for this key does not open with it",
            remedy="have the call wrapped again by whoever can open it (`tsuwaroku keys rewrap --again`)",
        ) from error
    if len(plain) != KEY_SIZE + len(call_id) or plain[KEY_SIZE:] != call_id:
        raise SecretError("the wrapped key belongs to another call", remedy="run `tsuwaroku verify`")
    return CallKey(plain[:KEY_SIZE])


class PartSealer:
    """The secretstream of one slot, sealing side. `header` goes into the slot header."""

    def __init__(self, key: CallKey, part: int) -> None:
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        self.header: bytes = sodium.crypto_secretstream_xchacha20poly1305_init_push(self._state, _slot_key(key, part))

    def push(self, plaintext: bytes, final: bool = False) -> bytes:
        """One sealed chunk, 17 octets longer than its plaintext."""
        tag = _TAG_FINAL if final else _TAG_MESSAGE
        return sodium.crypto_secretstream_xchacha20poly1305_push(self._state, plaintext, tag=tag)


class PartOpener:
    """The secretstream of one slot, opening side. Chunks come in order."""

    def __init__(self, key: CallKey, part: int, header: bytes) -> None:
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, _slot_key(key, part))

    def pull(self, sealed: bytes) -> tuple[bytes, bool]:
        """(plaintext, was it FINAL). Raises FormatError where it was changed, moved or cut."""
        if len(sealed) < CHUNK_OVERHEAD:
            raise FormatError("sealed chunk is cut short")
        try:
            plaintext, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(self._state, sealed)
        except (CryptoError, RuntimeError) as error:  # libsodium's wrapper raises RuntimeError on a bad tag
            raise FormatError("sealed chunk does not open") from error
        return plaintext, tag == _TAG_FINAL


def seal_card(key: CallKey, call_id: bytes, plaintext: bytes) -> bytes:
    """24 octets of nonce ‖ XChaCha20-Poly1305, bound to the call id."""
    nonce = secrets.token_bytes(NONCE_SIZE)
    return nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, call_id, nonce, card_key(key))


def open_card(key: CallKey, call_id: bytes, sealed: bytes) -> bytes:
    """The plaintext of a card. Raises FormatError."""
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed[NONCE_SIZE:], call_id, sealed[:NONCE_SIZE], card_key(key)
        )
    except (CryptoError, ValueError, TypeError) as error:
        raise FormatError("card does not open") from error


def _slot_key(key: CallKey, part: int) -> bytes:
    return key.derive(b"tsuwaroku-part", part)


def card_key(key: CallKey) -> bytes:
    """The key of a call's card alone: what opens with it is the record, never the sound."""
    return key.derive(b"tsuwaroku-card", 0)
