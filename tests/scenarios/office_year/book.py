"""What the test itself did, as a clerk beside the box would have written it down: plain rows, made by nothing of the
product's. At the end each ledger has to say the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

KEPT_DAYS = 30


def wareki(day: date) -> str:
    """A day in 令和, as ledgers write it."""
    return f"令和{day.year - 2018}年{day.month}月{day.day}日"


def numbered(slug: str) -> str:
    """令和8年度 第1号 of 2026-001."""
    year, _, number = slug.partition("-")
    return f"令和{int(year) - 2018}年度 第{int(number)}号"


@dataclass
class Call:
    """One call: its number and id, the day it ended, and the day it is held to."""

    number: int
    id: str
    line: str
    day: date
    until: date | None = None
    released_on: date | None = None

    @property
    def last(self) -> date:
        """The last day of its keeping."""
        kept = self.day + timedelta(KEPT_DAYS)
        return kept if self.until is None else max(kept, self.until)

    @property
    def goes_on(self) -> date:
        """The day it is erased on: the one after its last, or at once where a hold ends after that."""
        night = self.last + timedelta(1)
        return night if self.released_on is None else max(night, self.released_on)


@dataclass
class Book:
    """Ledgers by their rows; `audit`: who did what to what, and of a refusal what was asked for."""

    handlers: list[list[str]] = field(default_factory=list)
    requests: dict[str, list[str]] = field(default_factory=dict)
    media: list[list[str]] = field(default_factory=list)
    disclosures: dict[str, list[str]] = field(default_factory=dict)
    calls: dict[int, Call] = field(default_factory=dict)
    audit: list[tuple[str, str, str, str]] = field(default_factory=list)
    copies: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Medium -> request and recipient of the copy that was last begun on it."""

    def did(self, user: str, verb: str, subject: str = "", asked: str = "") -> None:
        """Somebody did something."""
        self.audit.append((user, verb, subject, asked))

    def refused(self, user: str, asked: str, subject: str = "") -> None:
        """Somebody asked for what is not theirs, or for what a rule forbids."""
        self.did(user, "refused", subject, asked)

    def medium(self, name: str, on: date, kind: str, user: str, said: str = "", due: date | None = None) -> None:
        """A row of 媒体管理簿."""
        slug, who = self.copies.get(name, ("", ""))
        number = numbered(slug) if slug else ""
        self.media.append([name, wareki(on), kind, number, who, wareki(due) if due else "", user, said])

    def erasures(self, today: date) -> list[list[str]]:
        """消去記録 but for its last two columns: every call whose keeping is over, and why it went."""
        gone = [call for call in self.calls.values() if call.goes_on <= today]
        return [
            [
                f"#{call.number}",
                call.day.isoformat(),
                call.last.isoformat(),
                call.goes_on.isoformat(),
                "保存延長の満了" if call.until is not None and call.last == call.until else "保存期間の満了",
            ]
            for call in gone
        ]
