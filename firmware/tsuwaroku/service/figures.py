"""The years in numbers (Article 5), without personal data: from the audit log, and the catalogue for what is there.

An erased call has left its number and its day there. Of a mark the journals tell; of one that was made while the call
went on, and is erased with it, the entry of its hang-up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from tsuwaroku.disclosure.notice_page import YearFigures
from tsuwaroku.records.acts import Act
from tsuwaroku.records.disclosures import Case, Stage, disclosures
from tsuwaroku.records.era import fiscal_year
from tsuwaroku.records.requests import Status, requests
from tsuwaroku.records.retention import day_of
from tsuwaroku.store.audit import CALLS_CLOSED, AuditLog, entry_in, erased_in
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.tombstone import name_of

_WANTED = (b'"verb":"calls erased"', f'"verb":"{CALLS_CLOSED}"'.encode())
A_TURN = 500
"""Records of a journal after which others have their turn."""
REQUESTS_JA = {
    Status.APPROVED: "提供を承認したもの",
    Status.REFUSED: "承認しなかったもの",
    Status.WITHDRAWN: "取り下げられたもの",
    Status.SUBMITTED: "手続中のもの",
}
CASES_JA = {
    Case.LAW: "法令等に基づくもの（第10条第1号）",
    Case.EMERGENCY: "緊急かつやむを得ないもの（第10条第2号）",
    Case.INVESTIGATION: "捜査機関からの要請によるもの（第10条第3号）",
    Case.OWN_DATA: "本人からの開示請求によるもの",
}


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the counts of a fiscal year, by its first western year: they add up."""

    year: int
    calls: int = 0
    marks: int = 0
    erasures: int = 0


def tallies(audit: AuditLog, catalogue: Catalogue, journals: Iterable[Journal]) -> Iterator[Tally]:
    """Piece by piece, so that other work has its turn between. Every fiscal year since the first entry has at least
    one. Raises StoreError."""
    erased: set[int] = set()
    marked: set[str] = set()  # tombstone names of calls, hex
    for _, _, line in audit.lines():
        if not any(verb in line for verb in _WANTED):
            continue
        entry = entry_in(line)
        if entry is None:
            continue
        try:
            year = fiscal_year(date.fromisoformat(entry.at[:10]))
        except ValueError:  # made by hand
            continue
        for number, (ended_on, *_) in erased_in(entry).items():
            if number not in erased:
                erased.add(number)
                yield Tally(year=fiscal_year(ended_on), calls=1)
                yield Tally(year=year, erasures=1)
        if entry.verb == CALLS_CLOSED:
            marks = entry.detail.get("marked")
            names = {str(name) for name in marks} if isinstance(marks, list) else set[str]()
            yield Tally(year=year, marks=len(names - marked))
            marked |= names
    for journal in journals:
        for record in journal.since(0):
            year = fiscal_year(day_of(record.wall_ns))
            new = record.type is JournalType.MARK and name_of(record.call_id).hex() not in marked
            if new:
                marked.add(name_of(record.call_id).hex())
            if new or record.number % A_TURN == 0:
                yield Tally(year=year, marks=int(new))
    for day in catalogue.days():
        here = sum(1 for one in catalogue.for_day(day) if one.wraps and one.public.sequence not in erased)
        yield Tally(year=fiscal_year(date.fromisoformat(day)), calls=here)


def yearly(parts: Iterable[Tally], acts: Iterable[Act], today: date) -> tuple[YearFigures, ...]:
    """Each fiscal year from the first that has anything on, the present one as far as it has come."""
    counts: dict[str, Counter[int]] = {"calls": Counter(), "marks": Counter(), "erasures": Counter()}
    for part in parts:
        for name, counter in counts.items():
            counter[part.year] += getattr(part, name)
    listed = list(acts)
    outcomes = Counter((fiscal_year(one.on), one.status) for one in requests(listed))
    cases = Counter(
        (fiscal_year(one.done_on), one.case)
        for one in disclosures(listed)
        if one.done_on is not None and one.stage is not Stage.REFUSED
    )
    years = {year for counter in counts.values() for year in counter} | {year for year, _ in (*outcomes, *cases)}
    this = fiscal_year(today)
    return tuple(
        YearFigures(
            year=year,
            calls=counts["calls"][year],
            marks=counts["marks"][year],
            requests=tuple((name, n) for status, name in REQUESTS_JA.items() if (n := outcomes[year, status])),
            disclosures=tuple((name, n) for case, name in CASES_JA.items() if (n := cases[year, case])),
            erasures=counts["erasures"][year],
            until=today if year == this else None,
        )
        for year in range(min({*years, this}), this + 1)
    )
