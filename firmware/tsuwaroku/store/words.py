"""Sealed words in the audit log that are to go: which entries have any, from when each is, and their erasing.

When an entry was made, it says itself, where its clock was synchronised or somebody confirmed it just then: by the
act of the keeper's (`service.clocking`), which says how far the clock was off and how many calls were shown. Any other
may be off by years: it was made before the next one of which that is known, and is taken to be of that day. So is one
that lies ahead of today. No entry is taken to be older than one before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import msgspec

from tsuwaroku.clock import ClockQuality
from tsuwaroku.errors import StoreError
from tsuwaroku.records.acts import ActVerb, detail_of
from tsuwaroku.records.readable import ExpiredDetail
from tsuwaroku.store import scrub
from tsuwaroku.store.acts import act_of, is_act
from tsuwaroku.store.audit import KEEPER, AuditEntry, AuditLog, entry_in

_HAS_WORDS = re.compile(rb'"sealed":\[\[')
CONFIRMED = "clock confirmed"
_GOOD = (ClockQuality.SYNCHRONISED.value, ClockQuality.HOLDOVER.value)


def has_words(line: bytes) -> bool:
    """Whether a line of the log may have sealed words: cheap, and never wrong about one that has."""
    return _HAS_WORDS.search(line) is not None


class Worded(msgspec.Struct, frozen=True):
    """An entry with sealed words, without them. `file`: the name of its day's file, without the ending."""

    entry: AuditEntry
    file: str


class WordsScan:
    """Every entry with words, and the day of each of them and of every act, file by file."""

    def __init__(self, audit: AuditLog, today: date) -> None:
        self.worded: list[Worded] = []
        self.days: dict[int, date] = {}
        self.gone: set[int] = set()
        """Numbers of entries whose words are erased already."""
        self._today = today
        self._latest = date.min
        self._undated: list[int] = []
        self._files = self._read(audit)

    def step(self) -> bool:
        """Read one file; False where there is none left. Raises StoreError."""
        return next(self._files, None) is not None

    def _read(self, audit: AuditLog) -> Iterator[Path]:
        before: Path | None = None
        for path, _, line in audit.lines():
            if before is not None and path != before:
                yield before
            if path != before or _HAS_WORDS.search(line) or is_act(line) or CONFIRMED.encode() in line:
                entry = entry_in(line)
                if entry is not None:
                    self._take(entry, path, line)
            before = path
        if before is not None:
            yield before

    def _take(self, entry: AuditEntry, path: Path, line: bytes) -> None:
        day = self._day(entry)
        if day is None:
            self._undated.append(entry.number)
        else:
            self._latest = max(self._latest, day)
            self.days.update(dict.fromkeys([*self._undated, entry.number], self._latest))
            self._undated.clear()
        if entry.words_gone:
            self.gone.add(entry.number)
        elif entry.sealed and entry.line() == line:  # in another nothing is changed: `verify` tells of it
            self.worded.append(Worded(msgspec.structs.replace(entry, sealed=None), path.stem))

    def _day(self, entry: AuditEntry) -> date | None:
        try:
            day = date.fromisoformat(entry.at[:10])
        except ValueError:
            return None
        known = entry.clock in _GOOD or _is_confirmation(entry)
        return day if known and day <= self._today else None


class _ConfirmedDetail(msgspec.Struct, frozen=True):
    ahead_s: float | None
    aging_s: float
    calls_shown: int


def _is_confirmation(entry: AuditEntry) -> bool:
    """Not whatever bears the verb: older versions let people write entries of any, but none with a detail."""
    if entry.verb != CONFIRMED or entry.why_commitment is None:
        return False
    try:
        msgspec.convert(entry.detail, _ConfirmedDetail)
    except msgspec.ValidationError:
        return False
    return True


def expired_in(entry: AuditEntry) -> set[int]:
    """Numbers of the entries whose words may be gone, as one of the keeper's says."""
    if entry.actor != KEEPER or entry.verb != ActVerb.WORDS_EXPIRED:
        return set()
    said = detail_of(act_of(entry), ExpiredDetail)
    return set() if said is None else said.numbers()


def check_gone(audit: AuditLog, files: Mapping[str, tuple[int, ...]]) -> int:
    """Take away what cuts left of replaced files, and read every line anew: how many entries have no words any more.

    Raises StoreError where one still has, in any file or in what is left of one.
    """
    numbers = {number for named in files.values() for number in named}
    try:
        scrub.sweep(audit.directory)
    except OSError as error:
        raise StoreError(
            f"cannot be swept ({error.strerror or error})", where=str(audit.directory), remedy="check the SSD (`dmesg`)"
        ) from error
    gone = set()
    for _, _, line in audit.lines(files):
        entry = entry_in(line)
        if entry is not None and entry.number in numbers and entry.sealed is None:
            gone.add(entry.number)
    if gone != numbers:
        raise StoreError(
            f"words of {len(numbers - gone)} entries are still there, or the entries are not",
            where=str(audit.directory),
            remedy="run `tsuwaroku verify`; the erasure is tried again",
        )
    return len(gone)
