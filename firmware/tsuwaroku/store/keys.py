"""Keys of people and of the box: the device's signing key, recipients, private key files, recovery keys."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey as BoxKey
from nacl.public import SealedBox
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.signing import SigningKey, VerifyKey

from tsuwaroku.errors import SecretError, StoreError
from tsuwaroku.records.keyid import is_key, takes_seals
from tsuwaroku.records.keyid import key_id as key_id
from tsuwaroku.store.durable import replace_file
from tsuwaroku.store.slot import MAX_WRAPS

KEY_FILE_VERSION = 1
SEED_SIZE = 32
DOMAIN_RECIPIENTS = b"tsuwaroku recipients 1\0"
_MAX_MEMORY = 4 << 30  # a key file that asks for more is not ours
_MAX_PASSES = 64
_PERSON_CHECK = b"tsuwaroku-paper"

Role = Literal["manager", "handler", "recovery", "demonstration"]


class DeviceKey:
    """The box's Ed25519 signing key. `epoch` is its index in the store's list of device keys."""

    def __init__(self, seed: bytes, epoch: int = 0) -> None:
        self._key = SigningKey(seed)
        self.epoch = epoch
        self.public: bytes = bytes(self._key.verify_key)

    @classmethod
    def create(cls, path: Path) -> DeviceKey:
        """A new key, written durably with mode 0600. Raises OSError."""
        seed = secrets.token_bytes(SEED_SIZE)
        replace_file(path, seed, 0o600)
        return cls(seed)

    @classmethod
    def load(cls, path: Path) -> DeviceKey:
        """Raises SecretError: missing, readable by others, or not a key."""
        try:
            mode = path.stat().st_mode
            seed = path.read_bytes()
        except OSError as error:
            raise SecretError(
                f"device key cannot be read ({error.strerror})",
                where=str(path),
                remedy="run as the service's user; if the key is lost, the store stays readable but records no more",
            ) from error
        if mode & 0o077:
            raise SecretError(
                f"device key may be read by others (mode {mode & 0o777:04o})",
                where=str(path),
                remedy=f"chmod 600 {path}",
            )
        if len(seed) != SEED_SIZE:
            raise SecretError("is not a device key", where=str(path), remedy="name the right file in store.device_key")
        return cls(seed)

    def sign(self, domain: bytes, data: bytes) -> bytes:
        """64 octets over `domain ‖ data`."""
        return self._key.sign(domain + data).signature


def verify_signature(public: bytes, domain: bytes, data: bytes, signature: bytes) -> bool:
    """Whether the device key `public` signed `domain ‖ data`."""
    try:
        VerifyKey(public).verify(domain + data, signature)
    except (CryptoError, ValueError, TypeError):
        return False
    return True


def hex_octets(text: str) -> bytes:
    """Its octets; none where it is not hex just as we write it (a case flipped is a change, too)."""
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return b""
    return octets if octets.hex() == text else b""


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody calls are sealed to. `id` and `public_key` are hex, `added` an ISO date or empty; `lines`: ids of the
    only lines whose calls are, left out for all."""

    id: str
    role: Role
    name: str
    public_key: str
    added: str = ""
    lines: tuple[str, ...] | UnsetType = UNSET

    def hears(self, line: str) -> bool:
        """Whether the calls of a line are sealed to this recipient."""
        return self.lines is UNSET or line in self.lines

    @property
    def takes_seals(self) -> bool:
        """Whether anything can be sealed to its key at all."""
        try:
            return takes_seals(bytes.fromhex(self.public_key))
        except ValueError:
            return False


class _RecipientsFile(msgspec.Struct, kw_only=True):
    version: int = 1
    store_id: str
    recipients: list[Recipient]
    epoch: int
    signature: str = ""

    def signed_octets(self) -> bytes:
        return msgspec.json.encode([self.version, self.store_id, self.recipients, self.epoch])

    def written(self) -> bytes:
        """The file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


class Recipients:
    """Whom calls are sealed to. Loaded from a file the device signed for this store. Of those in `list`, one whose key
    takes no seals is passed over everywhere: the others' calls must not be lost with it."""

    def __init__(self, recipients: Iterable[Recipient] = ()) -> None:
        self.list = list(recipients)
        if len(self.list) > MAX_WRAPS:
            raise StoreError(f"more than {MAX_WRAPS} recipients", remedy="withdraw keys nobody uses any more")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipients) and self.list == other.list

    def __bool__(self) -> bool:
        """Whether anything can be sealed to anybody."""
        return any(one.takes_seals for one in self.list)

    @property
    def unusable(self) -> list[Recipient]:
        """Those nothing can be sealed to."""
        return [one for one in self.list if not one.takes_seals]

    def to_wrap(self, line: str | None = None) -> list[Recipient]:
        """Those a call of a line is sealed to; without one, those of all lines: to them words of people are sealed."""
        usable = [one for one in self.list if one.takes_seals]
        return [one for one in usable if (one.lines is UNSET if line is None else one.hears(line))]

    @classmethod
    def load(cls, path: Path, store_id: str, device_keys: list[str]) -> Recipients:
        """Raises StoreError: unreadable, of another store, or not signed by this box."""
        try:
            octets = path.read_bytes()
            file = msgspec.json.decode(octets, type=_RecipientsFile)
        except (OSError, msgspec.DecodeError, ValueError) as error:
            raise StoreError(
                f"list of recipients cannot be read ({error})", where=str(path), remedy="restore keys/recipients.json"
            ) from error
        public = hex_octets(device_keys[file.epoch]) if 0 <= file.epoch < len(device_keys) else b""
        sound = verify_signature(public, DOMAIN_RECIPIENTS, file.signed_octets(), hex_octets(file.signature))
        sound = sound and octets == file.written()  # names of fields stand under no signature
        known = file.version == _version(file.recipients)
        if file.store_id != store_id or not sound or not known or any(not _sound(r) for r in file.recipients):
            raise StoreError(
                "list of recipients was not signed by this box",
                where=str(path),
                remedy="somebody changed it: restore it from a backup and tell the 管理責任者",
            )
        return cls(file.recipients)

    def save(self, path: Path, store_id: str, device: DeviceKey) -> None:
        """Signed and durable on return. Raises OSError."""
        version = _version(self.list)
        file = _RecipientsFile(version=version, store_id=store_id, recipients=self.list, epoch=device.epoch)
        file.signature = device.sign(DOMAIN_RECIPIENTS, file.signed_octets()).hex()
        replace_file(path, file.written(), 0o640)


def _version(recipients: Iterable[Recipient]) -> int:
    """Of the file: a program that knows nothing of lines must not take one with lines for its own."""
    return 1 if all(one.lines is UNSET for one in recipients) else 2


def _sound(recipient: Recipient) -> bool:
    """Whether the key is what the id says. A key that takes no seals makes no list unreadable: `Recipients`."""
    try:
        public = bytes.fromhex(recipient.public_key)
    except ValueError:
        return False
    return len(public) == SEED_SIZE and key_id(public).hex() == recipient.id


class _KeyFile(msgspec.Struct, kw_only=True):
    """A private key file. `box` is base64: SecretBox of the key, or the bare key where `kdf` is "none"."""

    version: int = KEY_FILE_VERSION
    kind: str = "tsuwaroku private key"
    role: Role
    name: str
    id: str
    public_key: str
    kdf: Literal["argon2id", "none"]
    passes: int = 0
    memory: int = 0
    salt: str = ""
    box: str


class PrivateKey:
    """What opens calls. It never belongs on a real box."""

    def __init__(self, seed: bytes, demonstration: bool = False) -> None:
        self._key = BoxKey(seed)
        self.public: bytes = bytes(self._key.public_key)
        self.id: bytes = key_id(self.public)
        self.demonstration = demonstration

    def derive(self, person: bytes, data: bytes) -> bytes:
        """32 octets that only whoever has this key can make of `data`. `person`: at most 16 octets, for what."""
        return hashlib.blake2b(data, digest_size=32, key=bytes(self._key), person=person).digest()

    def open_sealed(self, sealed: bytes) -> bytes:
        """The content of a SealedBox made for this key. Raises SecretError."""
        try:
            return SealedBox(self._key).decrypt(sealed)
        except (CryptoError, ValueError, TypeError) as error:
            raise SecretError(
                "this key does not open it", remedy="use the key it was sealed for, or run `tsuwaroku verify`"
            ) from error

    @classmethod
    def load(cls, path: Path, passphrase: Callable[[], str]) -> PrivateKey:
        """The key in a file; `passphrase` is asked only if the file has one. Raises SecretError."""
        file = _read_key_file(path)
        try:
            seed = base64.b64decode(file.box) if file.kdf == "none" else _open_box(file, passphrase(), path)
        except ValueError as error:
            raise _not_a_key(path) from error
        if len(seed) != SEED_SIZE:
            raise _not_a_key(path)
        key = cls(seed, demonstration=file.role == "demonstration" or file.kdf == "none")
        if key.public.hex() != file.public_key:
            raise _not_a_key(path)
        return key

    @classmethod
    def from_recovery(cls, text: str) -> PrivateKey:
        """The key of a printed recovery sheet; case, spaces, hyphens and 0 1 8 are forgiven. Raises SecretError."""
        letters = unicodedata.normalize("NFKC", text).upper().translate(_FORGIVEN)
        letters = "".join(c for c in letters if not c.isspace() and c not in "-ー‐−–—")
        try:
            seed = base64.b32decode(letters[:_SEED_LETTERS] + "=" * (-_SEED_LETTERS % 8))
        except ValueError:
            seed = b""
        if len(seed) != SEED_SIZE or _recovery_letters(seed) != letters:
            raise SecretError(
                "the recovery key is not right: a group is missing or mistyped",
                remedy="compare all 14 groups of four with the sheet and type them again",
            )
        return cls(seed)


def make_private_key(
    path: Path,
    passphrase: str,
    role: Role,
    name: str,
    *,
    added: str = "",
    passes: int = argon2id.OPSLIMIT_MODERATE,
    memory: int = argon2id.MEMLIMIT_MODERATE,
) -> Recipient:
    """A new private key in a file protected by a passphrase; returns its public side. Raises SecretError."""
    if not passphrase:
        raise SecretError("an empty passphrase protects nothing", where=str(path), remedy="choose a passphrase")
    key = BoxKey.generate()
    salt = secrets.token_bytes(argon2id.SALTBYTES)
    box = SecretBox(_stretch(passphrase, salt, passes, memory)).encrypt(bytes(key))
    recipient = _recipient(bytes(key.public_key), role, name, added)
    file = _KeyFile(
        role=role,
        name=name,
        id=recipient.id,
        public_key=recipient.public_key,
        kdf="argon2id",
        passes=passes,
        memory=memory,
        salt=_b64(salt),
        box=_b64(box),
    )
    _write_key_file(path, file)
    return recipient


def public_side(path: Path) -> Recipient:
    """Whose key a file is: a private key file, or its public side alone. Asks for no passphrase. Raises SecretError."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Recipient)
    except OSError as error:
        raise SecretError(
            f"key file cannot be read ({error.strerror})", where=str(path), remedy="name it with --key FILE"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_a_key(path) from error
    if not is_key(found.public_key, found.id):
        raise _not_a_key(path)
    return found


def make_demo_key(path: Path) -> Recipient:
    """A key without a passphrase for a demonstration store; every real store refuses it. Raises SecretError."""
    key = BoxKey.generate()
    recipient = _recipient(bytes(key.public_key), "demonstration", "demonstration", "")
    _write_key_file(
        path,
        _KeyFile(
            role="demonstration",
            name=recipient.name,
            id=recipient.id,
            public_key=recipient.public_key,
            kdf="none",
            box=_b64(bytes(key)),
        ),
    )
    return recipient


def make_recovery_key(added: str = "") -> tuple[str, Recipient]:
    """(text to print: 13 groups of four letters and one of checksum, the recipient)."""
    seed = secrets.token_bytes(SEED_SIZE)
    letters = _recovery_letters(seed)
    text = "-".join(letters[i : i + 4] for i in range(0, len(letters), 4))
    return text, _recipient(bytes(BoxKey(seed).public_key), "recovery", "recovery", added)


_SEED_LETTERS = 52  # 256 bits in base32
_FORGIVEN = str.maketrans("018", "OIB")


def _recovery_letters(seed: bytes) -> str:
    check = hashlib.blake2b(seed, digest_size=5, person=_PERSON_CHECK).digest()
    return base64.b32encode(seed).decode().rstrip("=") + base64.b32encode(check).decode()[:4]


def _recipient(public: bytes, role: Role, name: str, added: str) -> Recipient:
    return Recipient(id=key_id(public).hex(), role=role, name=name, public_key=public.hex(), added=added)


def _stretch(passphrase: str, salt: bytes, passes: int, memory: int) -> bytes:
    # NFKC: the same passphrase typed with another input method gives the same key
    octets = unicodedata.normalize("NFKC", passphrase).encode()
    return argon2id.kdf(SecretBox.KEY_SIZE, octets, salt, opslimit=passes, memlimit=memory)


def _open_box(file: _KeyFile, passphrase: str, path: Path) -> bytes:
    if not (1 <= file.passes <= _MAX_PASSES and 0 < file.memory <= _MAX_MEMORY):
        raise _not_a_key(path)
    try:
        secret = _stretch(passphrase, base64.b64decode(file.salt), file.passes, file.memory)
        return SecretBox(secret).decrypt(base64.b64decode(file.box))
    except CryptoError as error:
        raise SecretError(
            "wrong passphrase",
            where=str(path),
            remedy="type it again; if it is lost, type the printed recovery key into a file and name that instead",
        ) from error
    except ValueError as error:
        raise _not_a_key(path) from error


def _read_key_file(path: Path) -> _KeyFile:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_KeyFile)
    except OSError as error:
        raise SecretError(
            f"key file cannot be read ({error.strerror})", where=str(path), remedy="name it with --key FILE"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_a_key(path) from error
    if file.version != KEY_FILE_VERSION:
        raise SecretError(
            f"key file of version {file.version}", where=str(path), remedy="use the program version that made it"
        )
    return file


def _write_key_file(path: Path, file: _KeyFile) -> None:
    if os.path.lexists(path):
        raise SecretError("exists already", where=str(path), remedy="keep it; choose another name for the new key")
    try:
        replace_file(path, msgspec.json.format(msgspec.json.encode(file), indent=2), 0o600)
    except OSError as error:
        raise SecretError(
            f"key file cannot be written ({error.strerror})", where=str(path), remedy="choose another place"
        ) from error


def _not_a_key(path: Path) -> SecretError:
    return SecretError("is not a private key file, or is damaged", where=str(path), remedy="name it with --key FILE")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
