"""The audit log: who did what, when and why. JSON lines, a file a day, one hash chain across all of them.

The chain covers everything but the sealed words: those are bound to it by a digest, so that they can be erased
after their own years of keeping (保存年限) without breaking it. No personal text is ever written in the clear.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tsuwaroku.clock import Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.records.retention import day_of
from tsuwaroku.store import durable
from tsuwaroku.store.journal import seal_to
from tsuwaroku.store.keys import DeviceKey, PrivateKey, Recipient, verify_signature

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

DOMAIN_AUDIT = b"tsuwaroku audit 1\0"
NO_HEAD = bytes(32)
CALLS_CLOSED = "calls closed"
"""Entries with this verb have `{"calls": {sequence number: digest}}` as their detail."""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One act. `hash` is over the entry without `hash`, `sig` and `sealed`; `sig` is the device's over `hash`.

    `why_commitment` is SHA-256(salt ‖ why) in hex, null where no reason was given; `sealed` holds
    [recipient id, SealedBox of {salt, why}] pairs, null once erased; `sealed_digest` binds it to the chain.
    """

    number: int
    at: str
    actor: str
    verb: str
    subject: str
    why_commitment: str | None
    sealed: list[tuple[str, str]] | None
    sealed_digest: str | None
    detail: dict[str, Any]
    prev: str
    epoch: int
    hash: str = ""
    sig: str = ""

    def line(self) -> bytes:
        """The entry as it stands in the file, newline included."""
        return msgspec.json.encode(self) + b"\n"

    def computed_hash(self) -> bytes:
        bare = msgspec.structs.replace(self, hash="", sig="", sealed=None)
        return hashlib.sha256(DOMAIN_AUDIT + msgspec.json.encode(bare)).digest()

    def why(self, private: PrivateKey) -> str | None:
        """The words behind the commitment, for a recipient of them; None for anybody else. Raises SecretError."""
        for recipient, box in self.sealed or ():
            if bytes.fromhex(recipient) == private.id:
                opened = msgspec.json.decode(private.open_sealed(base64.b64decode(box)), type=dict[str, str])
                if _commitment(opened["salt"], opened["why"]) == self.why_commitment:
                    return opened["why"]
        return None


class AuditLog:
    """The log. With a device key it can be appended to, by one process; without, it is read and checked."""

    def __init__(
        self,
        directory: Path,
        device: DeviceKey | None = None,
        *,
        public_keys: Sequence[bytes] = (),
        recipients: Sequence[Recipient] = (),
    ) -> None:
        self._directory = directory
        self._device = device
        self._keys = list(public_keys) or ([device.public] if device is not None else [])
        self._recipients = recipients
        self._fd = -1
        self._path: Path | None = None
        self._number, self._head = 0, NO_HEAD
        self._torn: dict[str, Any] | None = None
        if device is not None:
            self._find_end()

    @classmethod
    def open(cls, store: Store, device: DeviceKey | None = None) -> AuditLog:
        """The log of a store, its words sealed to the store's recipients. Raises StoreError."""
        keys = [bytes.fromhex(key) for key in store.info.device_keys]
        return cls(store.audit_dir, device, public_keys=keys, recipients=store.recipients.to_wrap())

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._path = -1, None

    def head(self) -> bytes:
        """The hash of the last entry, 32 octets; zeros for an empty log."""
        if self._device is not None:
            return self._head
        last = NO_HEAD
        for entry in self.entries():
            last = bytes.fromhex(entry.hash)
        return last

    def append(
        self,
        now: Instant,
        actor: str,
        verb: str,
        subject: str = "",
        why: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> AuditEntry:
        """Write an entry; it is durable on return. `why` is sealed, everything else is in the clear: nothing personal.

        Raises StoreError; the entry was then not written, and the act must not be carried out.
        """
        if self._torn is not None:
            torn, self._torn = self._torn, None
            self.append(now, "tsuwaroku", "audit.torn", detail=torn)
        entry = self._signed(now, actor, verb, subject, why, dict(detail or {}))
        self._write(day_of(now.wall_ns).isoformat(), entry.line())
        self._number, self._head = entry.number, bytes.fromhex(entry.hash)
        return entry

    def entries(self) -> Iterator[AuditEntry]:
        """Every readable entry, oldest first, unchecked (`problems` checks)."""
        for _, line in self._lines():
            try:
                yield msgspec.json.decode(line, type=AuditEntry)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue

    def problems(self) -> list[str]:
        """Edits, deletions, insertions and torn lines; empty for a sound log.

        A cut-off tail does not show here: compare `head` with the one named in the ring (`verify`).
        """
        found: list[str] = []
        number, head = 0, NO_HEAD
        for place, line in self._lines():
            try:
                entry = msgspec.json.decode(line, type=AuditEntry)
            except (msgspec.DecodeError, UnicodeDecodeError):
                found.append(f"audit {place}: not an entry (torn or damaged)")
                continue
            if entry.line() != line:
                found.append(f"audit {place}: not as it was written")
            if entry.number != number + 1 or entry.prev != head.hex():
                found.append(f"audit {place}: entry {entry.number} does not follow entry {number}")
            found += [f"audit {place}: {fault}" for fault in self._faults(entry)]
            number, head = entry.number, entry.computed_hash()
        return found

    def _faults(self, entry: AuditEntry) -> Iterator[str]:
        digest = entry.computed_hash()
        if entry.hash != digest.hex():
            yield f"entry {entry.number} was changed"
        elif not 0 <= entry.epoch < len(self._keys) or not verify_signature(
            self._keys[entry.epoch], DOMAIN_AUDIT, digest, _signature(entry.sig)
        ):
            yield f"the signature of entry {entry.number} is wrong"
        if entry.sealed is not None and _digest_of(entry.sealed) != entry.sealed_digest:
            yield f"the sealed words of entry {entry.number} were changed"

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob("*.jsonl"))

    def _lines(self) -> Iterator[tuple[str, bytes]]:
        for path in self._files():
            try:
                data = path.read_bytes()
            except OSError as error:
                raise _unusable(path, "read", error) from error
            for count, line in enumerate(data.splitlines(keepends=True), 1):
                yield f"{path.name} line {count}", line

    def _signed(
        self, now: Instant, actor: str, verb: str, subject: str, why: str, detail: dict[str, Any]
    ) -> AuditEntry:
        if self._device is None:
            raise StoreError("is open for reading only", where=str(self._directory), remedy="this is a bug")
        commitment, sealed = self._seal(why) if why else (None, None)
        entry = AuditEntry(
            number=self._number + 1,
            at=now.isoformat(),
            actor=actor,
            verb=verb,
            subject=subject,
            why_commitment=commitment,
            sealed=sealed,
            sealed_digest=_digest_of(sealed),
            detail=detail,
            prev=self._head.hex(),
            epoch=self._device.epoch,
        )
        digest = entry.computed_hash()
        signature = self._device.sign(DOMAIN_AUDIT, digest)
        return msgspec.structs.replace(entry, hash=digest.hex(), sig=signature.hex())

    def _seal(self, why: str) -> tuple[str, list[tuple[str, str]]]:
        salt = secrets.token_hex(16)
        text = msgspec.json.encode({"salt": salt, "why": why})
        boxes = [seal_to(recipient, text) for recipient in self._recipients]
        return _commitment(salt, why), [(rid.hex(), base64.b64encode(box).decode()) for rid, box in boxes]

    def _write(self, day: str, line: bytes) -> None:
        # A clock that jumped back must not reorder the chain: files are read by name, so the newest file takes it.
        newest = self._path or next(reversed(self._files()), None)
        path = max(self._directory / f"{day}.jsonl", newest) if newest else self._directory / f"{day}.jsonl"
        try:
            if path != self._path:
                self._open(path)
            self._add(line)
        except OSError as error:
            raise _unusable(path, "written", error) from error

    def _add(self, line: bytes) -> None:
        start = os.fstat(self._fd).st_size
        try:
            if os.write(self._fd, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, start)  # what may not be durable must not stand before the next try
            raise

    def _open(self, path: Path) -> None:
        self.close()
        fresh = not path.exists()
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._path = path
        if fresh:
            durable.sync_directory(self._directory)

    def _find_end(self) -> None:
        """The last whole entry; what a power cut left of one after it is cut off, and noted with the next entry."""
        for path in reversed(self._files()):
            data = path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) != len(data):
                torn = data[len(whole) :]
                self._torn = {"octets": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}
                _cut(path, len(whole))
            for line in reversed(whole.splitlines()):
                try:
                    entry = msgspec.json.decode(line, type=AuditEntry)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue
                self._number, self._head = entry.number, entry.computed_hash()
                return


def closed_calls(log: AuditLog) -> dict[int, str]:
    """Sequence number and digest (hex) of every call the log knows to have been whole."""
    found: dict[int, str] = {}
    for entry in log.entries():
        calls = entry.detail.get("calls") if entry.verb == CALLS_CLOSED else None
        if isinstance(calls, dict):
            found.update({int(number): str(digest) for number, digest in calls.items() if number.isdigit()})
    return found


def _cut(path: Path, length: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, length)
        os.fsync(fd)
    except OSError as error:
        raise _unusable(path, "repaired", error) from error
    finally:
        os.close(fd)


def _commitment(salt: str, why: str) -> str:
    return hashlib.sha256(bytes.fromhex(salt) + why.encode()).hexdigest()


def _digest_of(sealed: list[tuple[str, str]] | None) -> str | None:
    return None if sealed is None else hashlib.sha256(msgspec.json.encode(sealed)).hexdigest()


def _signature(text: str) -> bytes:
    """Its octets; none where it is not hex just as we write it (a case flipped is a change, too)."""
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return b""
    return octets if octets.hex() == text else b""


def _unusable(path: Path, done: str, error: OSError) -> StoreError:
    return StoreError(
        f"cannot be {done} ({error.strerror})", where=str(path), remedy="check the disk; `tsuwaroku doctor` tells more"
    )
