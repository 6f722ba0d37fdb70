"""Words of people whose years of keeping (保存年限) are over: found once each fiscal year, told, erased, read back.

`words expired` is durable before the first of them goes, so that no words are missing without an entry that says why;
`words erased` comes after all was read back. What is cut off between the two, the next polls finish. A file a poll: the
log of five years takes seconds to read, and the recorder's messages do not wait for it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from tsuwaroku.clock import NS, Instant
from tsuwaroku.config import LedgerYears
from tsuwaroku.errors import StoreError
from tsuwaroku.records.acts import Act, ActVerb, detail_of
from tsuwaroku.records.era import fiscal_year
from tsuwaroku.records.judging import Judge, Suspension
from tsuwaroku.records.keeping import LEDGERS, Kept, closed, last_day, matter_of
from tsuwaroku.records.readable import ErasedDetail, ExpiredDetail
from tsuwaroku.records.succession import ResealedDetail
from tsuwaroku.store.acts import act_of, is_act_verb
from tsuwaroku.store.audit import KEEPER, AuditEntry
from tsuwaroku.store.words import WordsScan, check_gone

if TYPE_CHECKING:
    from tsuwaroku.service.ledger import Ledger
    from tsuwaroku.service.trail import Trail

HOLD = "hold"
AGAIN_NS = 600 * NS  # after a disk failed


class WordSweep:
    """One of the keeper's parts."""

    def __init__(self, ledger: Ledger, trail: Trail, years: LedgerYears) -> None:
        self._ledger = ledger
        self._trail = trail
        self._years = years.named()
        self._scan: WordsScan | None = None
        self._scanned = 0
        self._failure: StoreError | OSError | None = None
        self._failed_ns = 0
        told = [(act, said) for act in ledger.acts if (said := _expired(act)) is not None]
        done = {gone.of for act in ledger.acts if (gone := _erased(act)) is not None}
        self._open = [(act.number, said) for act, said in told if act.number not in done]
        self._left = [file for _, said in self._open[:1] for file in said.files]
        self._looked = (told[-1][1].year, told[-1][1].ledgers) if told else None

    def poll(self, judge: Judge, now: Instant) -> None:
        """A piece of it. What was told is erased whatever the clock says since; nothing new is found while erasure is
        suspended. Raises StoreError, OSError; it is tried again after ten minutes."""
        if self._open:
            if self._failure is not None and self._failed_ns <= now.mono_ns < self._failed_ns + AGAIN_NS:
                raise self._failure  # the alarm stands until it is tried again
            self._failure = None
            try:
                self._erase()
            except (StoreError, OSError) as error:
                self._failure, self._failed_ns = error, now.mono_ns
                raise
            return
        today = judge.erasing_day
        if not self._years or today is None or judge.suspended is not Suspension.NONE:
            self._scan = None
            return
        if self._looked is not None and self._looked[0] >= fiscal_year(today) and self._looked[1] == self._years:
            return
        if self._scan is None or self._scanned != fiscal_year(today):
            self._scan, self._scanned = WordsScan(self._trail.audit, today), fiscal_year(today)
        if not self._scan.step():
            scan, self._scan = self._scan, None
            self._tell(scan, today)

    def _tell(self, scan: WordsScan, today: date) -> None:
        files: defaultdict[str, list[int]] = defaultdict(list)
        gone = set(scan.gone)
        due = _Due(scan, self._ledger.acts, self._years, today)
        for one in scan.worded:
            if due.is_due(one.entry, gone):
                gone.add(one.entry.number)
                files[one.file].append(one.entry.number)
        year = fiscal_year(today)
        detail = {"year": year, "ledgers": self._years, "files": dict(files)}
        act = self._ledger.add(KEEPER, ActVerb.WORDS_EXPIRED, detail=detail, words={})
        said = _expired(act)
        assert said is not None
        self._looked = year, self._years
        self._open, self._left = [(act.number, said)], list(files)
        self._ledger.forget_words(said.numbers())

    def _erase(self) -> None:
        number, said = self._open[0]
        if self._left:
            path = self._trail.audit.directory / f"{self._left[0]}.jsonl"
            if path.exists():
                self._trail.audit.forget_words(path, said.numbers())
            self._left.pop(0)
            return
        self._left = list(said.files)  # unless they are gone
        count = check_gone(self._trail.audit, said.files)
        self._ledger.add(KEEPER, ActVerb.WORDS_ERASED, detail={"of": number, "count": count}, words={})
        self._open.pop(0)
        self._left = [file for _, rest in self._open[:1] for file in rest.files]


class _Due:
    """Whether the words of an entry are to go."""

    def __init__(self, scan: WordsScan, acts: list[Act], years: dict[str, int], today: date) -> None:
        self._days = scan.days
        self._years = years
        self._today = today
        self._closed = closed(acts)

    def is_due(self, entry: AuditEntry, gone: set[int]) -> bool:
        """`gone`: the entries before it whose words went, or are to go: words that were sealed again go with them."""
        if not is_act_verb(entry.verb):
            return self._over(Kept.AUDIT, entry.number, _held_until(entry))
        act = act_of(entry)
        if act.verb is ActVerb.WORDS_RESEALED:
            said = detail_of(act, ResealedDetail)
            return said is not None and bool(said.of) and gone.issuperset(said.of)
        if act.verb not in LEDGERS:
            return self._over(Kept.AUDIT, act.number)
        matter = matter_of(act)
        last = None if matter is None else self._closed.get(matter)
        return matter is not None and last is not None and self._over(matter.ledger, last)

    def _over(self, ledger: Kept, last: int, until: date | None = None) -> bool:
        """`last`: number of the entry with which it was closed; `until`: a later day on which it was."""
        years, day = self._years.get(ledger.value), self._days.get(last)
        if years is None or day is None:
            return False
        return last_day(day if until is None else max(day, until), years) < self._today


def _held_until(entry: AuditEntry) -> date | None:
    """The end of the hold that an entry is about; why a call is held is kept for as long as it is."""
    if entry.verb != HOLD:
        return None
    try:
        return date.fromisoformat(str(entry.detail.get("until")))
    except ValueError:
        return date.max.replace(year=9000)


def _expired(act: Act) -> ExpiredDetail | None:
    return detail_of(act, ExpiredDetail) if act.verb is ActVerb.WORDS_EXPIRED and act.actor == KEEPER else None


def _erased(act: Act) -> ErasedDetail | None:
    return detail_of(act, ErasedDetail) if act.verb is ActVerb.WORDS_ERASED and act.actor == KEEPER else None
