"""The audit log: who did what, when and why. JSON lines, a file a day, one hash chain across all of them.

The chain covers everything but the sealed words: those are bound to it by a digest, so that they can be erased
after their own years of keeping (保存年限) without breaking it. No personal text is ever written in the clear.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import io
import os
import re
import secrets
from collections.abc import Container, Iterator, Mapping, Sequence, Set
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from tsuwaroku.clock import Instant
from tsuwaroku.errors import RefusedError, StoreError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.retention import day_of
from tsuwaroku.store import durable, scrub
from tsuwaroku.store.keys import DeviceKey, PrivateKey, Recipient
from tsuwaroku.store.seal import seal_to_each

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

DOMAIN_AUDIT = b"tsuwaroku audit 1\0"
NO_HEAD = bytes(32)
KEEPER = "keeper"
"""The actor of what the box itself does."""
CALLS_ERASED = "calls erased"
"""Entries of the keeper's with this verb have `{"calls": {sequence number: [day it ended, last day, why]}}`."""
CALLS_CLOSED = "calls closed"
"""Entries with this verb have `{"calls": {sequence number: digest}}` as their detail."""
LONGEST = 16 << 20
"""Octets of a line at the most: 36,000 calls closed at once, a month without a keeper, are 3 MB."""
LONGEST_WHY = 64 << 10
"""Octets of the words of a person's entry, before they are sealed to each recipient."""
LONGEST_DETAIL = 1 << 20
"""Octets of subject and detail of a person's entry: a copy of 1,000 calls names each of its files."""
ENDLESS = 32 * LONGEST
"""Octets without the end of a line, after which nothing of that file is looked for any more."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d\.jsonl")
_LARGEST = 4 * LONGEST  # octets of a file that is read whole, and of a last line that an older version wrote
_ESCAPED = 6  # octets that one octet of words becomes at the most where they are quoted, to be sealed again
_TAIL = 64 * 1024  # read at once, from the end backwards


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One act. `clock`: how good the time `at` is (`ClockQuality`). `hash` is over the entry without `hash`, `sig` and
    `sealed`; `sig` is the device's over `hash`.

    `why_commitment` is SHA-256(salt ‖ why) in hex, null where no reason was given; `sealed` holds
    [recipient id, SealedBox of {salt, why}] pairs, null once erased; `sealed_digest` binds it to the chain.
    """

    number: int
    at: str
    clock: str
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

    @property
    def words_gone(self) -> bool:
        """Whether it had sealed words that were erased since."""
        return self.why_commitment is not None and self.sealed is None

    def line(self) -> bytes:
        """The entry as it stands in the file, newline included."""
        return msgspec.json.encode(self) + b"\n"

    def computed_hash(self) -> bytes:
        bare = msgspec.structs.replace(self, hash="", sig="", sealed=None)
        return hashlib.sha256(DOMAIN_AUDIT + msgspec.json.encode(bare)).digest()

    def why(self, private: PrivateKey) -> str | None:
        """The words behind the commitment, for a recipient of them; None for anybody else. Raises SecretError."""
        opened = self.opened(private)
        return None if opened is None else opened[1]

    def opened(self, private: PrivateKey) -> tuple[str, str] | None:
        """The same with the salt (hex) before them, for who seals them again. Raises SecretError."""
        for recipient, box in self.sealed or ():
            if recipient == private.id.hex():
                try:
                    said = msgspec.json.decode(private.open_sealed(base64.b64decode(box)), type=_Sealed)
                except (ValueError, msgspec.DecodeError):  # no base64; nothing this program sealed
                    continue
                if self.committed(said.salt, said.why):
                    return said.salt, said.why
        return None

    def committed(self, salt: str, why: str) -> bool:
        """Whether these are the words the chain knows of. `salt` in hex."""
        try:
            return _commitment(salt, why) == self.why_commitment
        except ValueError:
            return False


class _Sealed(msgspec.Struct, frozen=True):
    salt: str
    why: str


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
        self._begun = False  # the file that is open ends with a line of this log's own
        self._unsure = False  # what the last write left is not known
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

    def seal_to(self, recipients: Sequence[Recipient]) -> None:
        """Words of entries from now on are for these."""
        self._recipients = recipients

    @property
    def directory(self) -> Path:
        """Where its files are."""
        return self._directory

    @property
    def keys(self) -> Sequence[bytes]:
        """The device's public keys, by epoch."""
        return self._keys

    def head(self) -> bytes:
        """The hash of the last entry, 32 octets; zeros for an empty log. Reads no more than the log's end."""
        if self._device is not None and not self._unsure:
            return self._head
        last = self._last()
        return NO_HEAD if last is None else last.computed_hash()

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

        Raises StoreError, and RefusedError where it would be longer than an entry may be (`LONGEST_WHY` and
        `LONGEST_DETAIL` of a person's, a line of `LONGEST` in any case); the entry was then not written, and the act
        must not be carried out.
        """
        if actor != KEEPER:
            _refuse_long(verb, subject, why, detail or {})
        if self._unsure:
            self._find_end()
        if self._torn is not None:
            torn, self._torn = self._torn, None
            self.append(now, "tsuwaroku", "audit.torn", detail=torn)
        entry = self._signed(now, actor, verb, subject, why, dict(detail or {}))
        if len(line := entry.line()) > LONGEST:
            raise _too_long(verb)
        self._write(day_of(now.wall_ns).isoformat(), line)
        self._number, self._head = entry.number, bytes.fromhex(entry.hash)
        return entry

    def entries(self) -> Iterator[AuditEntry]:
        """Every readable entry, oldest first, unchecked (`auditcheck` checks). Raises StoreError."""
        for _, _, line in self.lines():
            entry = entry_in(line)
            if entry is not None:
                yield entry

    def files(self) -> list[Path]:
        """The files of days, in the order of the chain."""
        return sorted(path for path in self._directory.glob("*.jsonl") if _DAY.fullmatch(path.name))

    def strays(self) -> list[str]:
        """Names of what lies among the days' files and is none; what a cut may leave of one that was replaced is of
        its own day."""
        try:
            names = {path.name for path in self._directory.iterdir()}
        except OSError as error:
            raise _unusable(self._directory, "read", error) from error
        return sorted(
            name for name in names - {path.name for path in self.files()} if not _DAY.fullmatch(scrub.replaced(name))
        )

    def lines(self, days: Container[str] | None = None) -> Iterator[tuple[Path, int, bytes]]:
        """Every line with its end: file, number from 1, octets; of all files, or of those of these days. Of one longer
        than `LONGEST` its beginning; after one of `ENDLESS` octets nothing more of that file. Raises StoreError."""
        for path in self.files():
            if days is not None and path.stem not in days:
                continue
            try:
                with _opened(path) as file:
                    for count, line in enumerate(iter(lambda: file.readline(LONGEST + 1), b""), 1):
                        yield path, count, line
                        if len(line) > LONGEST and not _passed_over(file, line):
                            break
            except FileNotFoundError:  # an empty one, which its writer has just taken away
                continue
            except OSError as error:
                raise _unusable(path, "read", error) from error

    def forget_words(self, path: Path, numbers: Set[int]) -> list[int]:
        """Take the sealed words out of these entries of a file, and overwrite what held them; the chain, which covers
        their digest alone, stays as it is. Those whose words are there afterwards all the same: lines that are not as
        this program wrote them, in which nothing is changed. Durable on return. Raises StoreError, OSError."""
        if path == self._path:
            self.close()  # what is appended goes to the new file
        octets = scrub.read_whole(path)
        lines = octets.split(b"\n")
        left = []
        for at, line in enumerate(lines):
            entry = entry_in(line)
            if entry is None or entry.number not in numbers or entry.sealed is None:
                continue
            if entry.line() == line + b"\n":
                lines[at] = msgspec.structs.replace(entry, sealed=None).line()[:-1]
            else:
                left.append(entry.number)
        if (data := b"\n".join(lines)) != octets:
            scrub.replace(path, data, 0o600)
        return left

    def _signed(
        self, now: Instant, actor: str, verb: str, subject: str, why: str, detail: dict[str, Any]
    ) -> AuditEntry:
        if self._device is None:
            raise StoreError("is open for reading only", where=str(self._directory), remedy="this is a bug")
        commitment, sealed = self._seal(why) if why else (None, None)
        entry = AuditEntry(
            number=self._number + 1,
            at=now.isoformat(),
            clock=now.quality.value,
            actor=actor,
            verb=verb,
            subject=subject,
            why_commitment=commitment,
            sealed=sealed,
            sealed_digest=words_digest(sealed),
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
        boxes = seal_to_each(self._recipients, text)
        return _commitment(salt, why), [(rid.hex(), base64.b64encode(box).decode()) for rid, box in boxes]

    def _write(self, day: str, line: bytes) -> None:
        # A clock that jumped back must not reorder the chain: files are read by name, so the newest file takes it.
        newest = self._path or next(reversed(self.files()), None)
        path = max(self._directory / f"{day}.jsonl", newest) if newest else self._directory / f"{day}.jsonl"
        try:
            if path != self._path:
                self._open(path)
            self._add(line)
        except OSError as error:
            raise _unusable(path, "written", error) from error

    def _add(self, line: bytes) -> None:
        start = os.fstat(self._fd).st_size
        if start and not self._begun and os.pread(self._fd, 1, start - 1) != b"\n":
            line = b"\n" + line  # nothing of ours stands there, and it must not swallow the entry
        self._begun = True
        try:
            if os.write(self._fd, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            durable.sync_data(self._fd)
        except OSError:
            self._unsure = True  # what is there after this, the next try finds out
            os.ftruncate(self._fd, start)  # what may not be durable must not stand before the next try
            raise

    def _open(self, path: Path) -> None:
        self.close()
        fresh = not path.exists()
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._path, self._begun = path, False
        if fresh:
            durable.sync_directory(self._directory)

    def _find_end(self) -> None:
        """The last whole entry. What a power cut left of one after it is cut off, and noted with the next entry; so is
        a file without an entry: each begins with one of its own day."""
        self.close()
        while files := self.files():
            path = files[-1]
            try:
                torn = _torn_tail(path)
                if torn:
                    self._torn = {"octets": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}
                    _cut(path, path.stat().st_size - len(torn))
                if path.stat().st_size:
                    break
                path.unlink()
                durable.sync_directory(self._directory)
                if torn:
                    break
            except OSError as error:
                raise _unusable(path, "repaired", error) from error
        last = self._last()
        if last is None and self.files():  # a second chain beside the one that was there would hide it
            raise StoreError(
                "no entry of the audit log can be read, and none is begun beside it",
                where=str(self._directory),
                remedy="check the disk; `tsuwaroku verify` tells what is damaged. "
                "Keep these files, move them elsewhere, and start again",
            )
        self._number, self._head = (0, NO_HEAD) if last is None else (last.number, last.computed_hash())
        self._unsure = False

    def _last(self) -> AuditEntry | None:
        """The last readable entry, found from the end, though an older version wrote it longer than `LONGEST`."""
        for path in reversed(self.files()):
            try:
                for line in _backwards(path):
                    entry = entry_in(line)
                    if entry is not None:
                        return entry
            except OSError as error:
                raise _unusable(path, "read", error) from error
        return None


def closed_in(entry: AuditEntry) -> dict[int, str]:
    """Sequence number and digest (hex) of the calls that an entry knows to have been whole."""
    calls = entry.detail.get("calls") if entry.verb == CALLS_CLOSED else None
    return {int(n): str(digest) for n, digest in calls.items() if _is_number(n)} if isinstance(calls, dict) else {}


def erased_in(entry: AuditEntry) -> dict[int, tuple[date, date, str]]:
    """Of the calls that an entry of the keeper's says were erased, by sequence number: the day each ended, its last
    day, and why it went. What says no such thing is passed over."""
    calls = entry.detail.get("calls") if entry.verb == CALLS_ERASED and entry.actor == KEEPER else None
    found: dict[int, tuple[date, date, str]] = {}
    for number, told in calls.items() if isinstance(calls, dict) else ():
        with contextlib.suppress(msgspec.ValidationError):
            if _is_number(number):
                found[int(number)] = msgspec.convert(told, tuple[date, date, str])
    return found


def journal_in(entry: AuditEntry) -> int:
    """How many records the keeper's journal had when an entry was made, as far as it says."""
    records = entry.detail.get("journal") if entry.actor == KEEPER else None
    return records if isinstance(records, int) else 0


def entry_in(line: bytes) -> AuditEntry | None:
    """What a line says; None where that is no entry."""
    try:
        return msgspec.json.decode(line, type=AuditEntry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _opened(path: Path) -> IO[bytes]:
    """A day's file as it was at one moment: it may be replaced meanwhile, and the old one overwritten. Raises
    OSError."""
    if path.stat().st_size > _LARGEST:  # none of ours
        return path.open("rb")
    return io.BytesIO(scrub.read_whole(path))


def _is_number(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 16


def words_digest(sealed: list[tuple[str, str]] | None) -> str | None:
    """What binds sealed words to the chain, hex; None where there are none."""
    return None if sealed is None else hashlib.sha256(msgspec.json.encode(sealed)).hexdigest()


def _backwards(path: Path) -> Iterator[bytes]:
    """The lines of a file, last one first, without their ends; of a line longer than `_LARGEST` its end, and no more.

    Raises OSError; StoreError after `ENDLESS` octets without the end of a line.
    """
    with path.open("rb") as file:
        at = end = file.seek(0, os.SEEK_END)
        pieces: list[bytes] = []  # of one line, last one first
        while at:
            size = min(_TAIL, at)
            at -= size
            file.seek(at)
            first, *lines = file.read(size).split(b"\n")
            if lines:
                yield lines[-1] + b"".join(reversed(pieces))
                yield from reversed(lines[:-1])
                pieces, end = [], at + len(first)
            if end - at > ENDLESS:
                raise StoreError(
                    "the end of the audit log cannot be found in it",
                    where=str(path),
                    remedy="check the disk; `tsuwaroku verify` tells what is damaged",
                )
            if end - at <= _LARGEST:
                pieces.append(first)
        yield b"".join(reversed(pieces))


def _passed_over(file: IO[bytes], line: bytes) -> bool:
    """Read on to the end of a line that is too long; False where there is none within `ENDLESS` octets."""
    length = len(line)
    while line and not line.endswith(b"\n"):
        if length > ENDLESS:
            return False
        line = file.readline(LONGEST)
        length += len(line)
    return True


def _refuse_long(verb: str, subject: str, why: str, detail: Mapping[str, Any]) -> None:
    words = LONGEST_WHY * (_ESCAPED if verb == ActVerb.WORDS_RESEALED else 1)
    if len(why.encode()) > words or len(subject.encode()) + len(msgspec.json.encode(detail)) > LONGEST_DETAIL:
        raise _too_long(verb)


def _too_long(verb: str) -> RefusedError:
    return RefusedError(
        "this is longer than an entry of the audit log may be, and nothing was done",
        where=verb[:40],
        remedy="say it in fewer words, or of fewer calls at once",
    )


def _torn_tail(path: Path) -> bytes:
    """What a power cut left after the last whole line: a line without its end, or with one, of which some part never
    reached the disk and is zeros; JSON has none. Raises OSError."""
    lines = _backwards(path)
    torn = next(lines)
    for line in lines:
        if b"\0" not in line:
            break
        torn = line + b"\n" + torn
    return torn if len(torn) <= LONGEST else b""


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


def _unusable(path: Path, done: str, error: OSError) -> StoreError:
    return StoreError(
        f"cannot be {done} ({error.strerror})", where=str(path), remedy="check the disk; `tsuwaroku doctor` tells more"
    )
