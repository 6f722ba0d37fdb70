"""Disclosure outside (Article 10) as a fold of acts, and its rules. Pure.

Three cases are the ordinance's: by law, in an emergency, for an investigation. A person who asks for her own data
(開示請求) is a case of its own, under the personal information law. What the acts say:

| verb | subject | detail | words |
|---|---|---|---|
| `disclosure opened` | slug, e.g. D2026-001 | `case`, `way`, `calls` (ids), `on`; `approve_by` (day) | as `Opening` |
| `disclosure decided` | slug | `approved`, `on` | `decided_by` (決裁者), `decision` (決裁番号), `reason` |
| `disclosure carried out` | slug | `way`, `on` | `to`, `medium`, `attended_by` |

Whoever opened one, or carried it out, does not decide it: there is no exception, an emergency has a day instead by
which somebody else decides what was done already.

Nothing is disclosed of a call whose days are over (Article 8(1)): none is opened or approved for it. What was done
while the call was there is written down all the same, with its day, and judged: Article 10(2) asks whether it could not
wait, which the end of the call does not answer. An emergency may even be opened afterwards (`on` of `Opening`).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import ClassVar, TypeVar

import msgspec

from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records.acts import SLUG, Act, ActVerb, Detail, detail_of, next_number
from tsuwaroku.records.era import RequestNumber, fiscal_year

T = TypeVar("T", bound=enum.StrEnum)
LATEST_APPROVAL = timedelta(days=14)
"""An emergency is approved so soon after at the latest; the ordinance names no number."""
LONGEST = 2000  # letters of one field


class Case(enum.StrEnum):
    """By what right something is disclosed."""

    LAW = "law"
    """法令等に基づくとき, Article 10(1)."""
    EMERGENCY = "emergency"
    """生命、身体又は財産の保護のため緊急かつやむを得ないとき, Article 10(2)."""
    INVESTIGATION = "investigation"
    """捜査機関から犯罪捜査の目的による要請, Article 10(3)."""
    OWN_DATA = "own_data"
    """A caller's 開示請求: the personal information law, Articles 76 to 82."""


class Way(enum.StrEnum):
    """How: somebody listens here, or gets a copy, which Article 8(3) does not provide for."""

    INSPECTION = "inspection"
    COPY = "copy"


class Stage(enum.StrEnum):
    """What was decided."""

    OPENED = "opened"
    APPROVED = "approved"
    REFUSED = "refused"


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `approve_by`: only of an emergency that may be carried out before it is decided; `on`: the day
    of one that was, before anything was written down."""

    case: str
    calls: tuple[str, ...]
    recipient: str
    purpose: str
    basis: str = ""
    reference: str = ""
    way: str = "inspection"
    copy_basis: str = ""
    name: str = ""
    approve_by: date | None = None
    on: date | None = None


class _OfDisclosure(Detail, frozen=True, kw_only=True):
    subject: ClassVar[re.Pattern[str] | None] = re.compile("D" + SLUG.pattern)


class OpenedDetail(_OfDisclosure, frozen=True, kw_only=True):
    """Of `disclosure opened`."""

    case: Case
    way: Way
    calls: tuple[str, ...]
    on: date
    approve_by: date | None = None


class DecidedDetail(_OfDisclosure, frozen=True, kw_only=True):
    """Of `disclosure decided`."""

    approved: bool
    on: date


class CarriedOutDetail(_OfDisclosure, frozen=True, kw_only=True):
    """Of `disclosure carried out`."""

    on: date


class Disclosure(msgspec.Struct, frozen=True, kw_only=True):
    """One disclosure. `by`: the account that opened it; `words`: all that was sealed with its acts, by name, None where
    it is sealed to somebody else; `done_on`: the day it was carried out."""

    slug: str
    case: Case
    way: Way
    calls: tuple[str, ...]
    by: str
    on: date
    approve_by: date | None = None
    stage: Stage = Stage.OPENED
    decided_by: str = ""
    decided_on: date | None = None
    done_by: str = ""
    done_on: date | None = None
    words: Mapping[str, str] | None = None
    erased: bool = False  # the words: their years were over

    def overdue(self, today: date) -> bool:
        """An emergency whose decision should have been made by now."""
        return self.stage is Stage.OPENED and self.approve_by is not None and today > self.approve_by


def disclosures(acts: Iterable[Act]) -> list[Disclosure]:
    """Every one there ever was, in the order they were opened."""
    found: dict[str, Disclosure] = {}
    for act in acts:
        if act.verb is ActVerb.DISCLOSURE_OPENED:
            if (said := detail_of(act, OpenedDetail)) is not None:
                found.setdefault(act.subject, _opened(act, said))
        elif act.subject in found:
            found[act.subject] = _after(found[act.subject], act)
    return list(found.values())


def next_slug(acts: Iterable[Act], today: date) -> str:
    """D2026-001: counted from 1 in each fiscal year, as requests are."""
    year = fiscal_year(today)
    return f"D{RequestNumber(year, next_number(acts, ActVerb.DISCLOSURE_OPENED, f'D{year}-')).slug}"


def find(found: Iterable[Disclosure], slug: str) -> Disclosure:
    """Raises NotFoundError."""
    for one in found:
        if one.slug == slug:
            return one
    raise NotFoundError("there is no disclosure of this number", where=slug, remedy="`tsuwaroku disclose list`")


# -- rules: what is no reason to raise is allowed


def refuse_opening(asked: Opening, today: date) -> None:
    """Raises RefusedError, naming the article."""
    case = _one_of(Case, asked.case)
    if case is None:
        raise RefusedError(
            "this is none of the cases of Article 10",
            where="--case",
            remedy="use law, emergency or investigation (Article 10, items 1 to 3), or own_data for a caller's own",
        )
    if _one_of(Way, asked.way) is None:
        raise RefusedError("is neither inspection nor copy", where="--way", remedy="use inspection or copy")
    if not asked.calls or len(set(asked.calls)) != len(asked.calls):
        raise RefusedError("name the calls, each of them once", where="--call", remedy="`tsuwaroku calls` lists them")
    _needed(asked.recipient, "--recipient", "to whom it is disclosed (Article 10)")
    _needed(asked.purpose, "--purpose", "what for (Article 10)")
    if case is not Case.EMERGENCY:
        _needed(asked.basis, "--basis", "by which article of which law (Article 10)")
    if case in (Case.LAW, Case.INVESTIGATION):
        _needed(asked.reference, "--reference", "the number of the letter that asks for it (Article 10)")
    if asked.way == Way.COPY:
        _needed(asked.copy_basis, "--copy-basis", "what allows a copy: Article 8(3) names Article 9 alone")
    elif asked.copy_basis:
        raise RefusedError(
            "an inspection needs no basis for a copy", where="--copy-basis", remedy="add --way copy, or leave it out"
        )
    _not_too_long(asked)
    first = today if asked.on is None else asked.on
    _refuse_approve_by(case, asked.approve_by, first, today)
    if first > today or (first < today and asked.approve_by is None):
        raise RefusedError(
            "only an emergency that was carried out before today has such a day (Article 10(2))",
            where="--on",
            remedy="leave it out, or name that day and with --approve-by the one by which it is decided",
        )


def _refuse_approve_by(case: Case, approve_by: date | None, first: date, today: date) -> None:
    """`first`: the day from which the days count."""
    if approve_by is None:
        return
    if case is not Case.EMERGENCY:
        raise RefusedError(
            "only an emergency may be approved afterwards (Article 10(2))",
            where="--approve-by",
            remedy="leave it out: it is approved before it is carried out",
        )
    if not today <= approve_by <= first + LATEST_APPROVAL:
        raise RefusedError(
            f"the approval has to follow within {LATEST_APPROVAL.days} days",
            where="--approve-by",
            remedy="name a day from today on, within that time",
        )


def refuse_decision(
    one: Disclosure, by: str, *, approved: bool, decided_by: str, decision: str, reason: str, on: date, today: date
) -> None:
    """Raises RefusedError. `on`: the day of the 決裁."""
    if one.stage is not Stage.OPENED:
        raise RefusedError("this disclosure was decided already", where=one.slug, remedy="open another one")
    if by in (one.by, one.done_by):
        raise RefusedError(
            "whoever opened a disclosure, or carried it out, does not decide it (Article 10)",
            where=one.slug,
            remedy="ask the manager or her deputy, whoever of them had no part in it",
        )
    _needed(decided_by, "--decided-by", "who decided it")
    if approved:
        _needed(decision, "--decision", "the number of the decision (決裁番号)")
    else:
        _needed(reason, "--reason", "why it is refused")
    _refuse_day(on, one.on, today, "--on")
    for text, where in ((decided_by, "--decided-by"), (decision, "--decision"), (reason, "--reason")):
        _short(text, where)


def refuse_carrying_out(one: Disclosure, way: str, *, to: str, medium: str, on: date, today: date) -> None:
    """Raises RefusedError."""
    if one.done_on is not None:
        raise RefusedError("this disclosure was carried out already", where=one.slug, remedy="open another one")
    if one.stage is Stage.REFUSED:
        raise RefusedError("this disclosure was refused", where=one.slug, remedy="nothing may be handed out")
    if one.stage is Stage.OPENED and one.approve_by is None:
        raise RefusedError(
            "this disclosure is not decided yet (Article 10)", where=one.slug, remedy="have the manager decide it first"
        )
    if way != one.way:
        raise RefusedError(
            "this disclosure was opened for another way than that (Article 8(3))",
            where=one.slug,
            remedy="a copy needs its own legal basis: open one with --way copy",
        )
    _needed(to, "--to", "who inspected it, or took the copy")
    if one.way is Way.COPY:
        _needed(medium, "--medium", "on which medium the copy is")
    _refuse_day(on, one.on if one.decided_on is None else one.decided_on, today, "--on")
    for text, where in ((to, "--to"), (medium, "--medium")):
        _short(text, where)


def refuse_gone_by(one: Disclosure, last: date | None, on: date) -> None:
    """Raises RefusedError where nothing of it could be disclosed on a day. `last`: the last day of keeping of that of
    its calls which went last, None where one is still there."""
    if last is not None and on > last:
        raise RefusedError(
            f"its calls were kept until {last} (Article 8(1)): nothing could be disclosed on {on}",
            where=one.slug,
            remedy="if it was done before, write that day behind --on; otherwise refuse it, and tell whoever asked",
        )


def _refuse_day(on: date, first: date, today: date, where: str) -> None:
    if not first <= on <= today:
        raise RefusedError(
            f"{on} lies in the future, or before what had to come first",
            where=where,
            remedy="write the day it was done on, like 2026-11-23 or 令和8年11月23日",
        )


def _needed(text: str, where: str, what: str) -> None:
    if not text.strip():
        raise RefusedError(f"this is needed: {what}", where=where, remedy="write it behind that option")


def _short(text: str, where: str) -> None:
    if len(text) > LONGEST:
        raise RefusedError(f"is longer than {LONGEST} letters", where=where, remedy="write less")


def _not_too_long(asked: Opening) -> None:
    for name in ("recipient", "purpose", "basis", "reference", "copy_basis", "name"):
        _short(getattr(asked, name), f"--{name.replace('_', '-')}")


def _one_of(kind: type[T], text: str) -> T | None:
    return next((one for one in kind if one.value == text), None)


# -- fold


def _opened(act: Act, said: OpenedDetail) -> Disclosure:
    return Disclosure(
        slug=act.subject,
        case=said.case,
        way=said.way,
        calls=said.calls,
        by=act.actor,
        on=said.on,
        approve_by=said.approve_by,
        words=None if act.words is None else _texts(act.words),
        erased=act.erased,
    )


def _after(one: Disclosure, act: Act) -> Disclosure:
    words = one.words if act.words is None else {**(one.words or {}), **_texts(act.words)}
    if act.verb is ActVerb.DISCLOSURE_DECIDED and one.stage is Stage.OPENED:
        said = detail_of(act, DecidedDetail)
        if said is None:
            return one
        return msgspec.structs.replace(
            one,
            stage=Stage.APPROVED if said.approved else Stage.REFUSED,
            decided_by=act.actor,
            decided_on=said.on,
            words=words,
        )
    if act.verb is ActVerb.DISCLOSURE_CARRIED_OUT and one.done_on is None:
        done = detail_of(act, CarriedOutDetail)
        if done is not None:
            return msgspec.structs.replace(one, done_by=act.actor, done_on=done.on, words=words)
    return one


def _texts(words: Mapping[str, object]) -> dict[str, str]:
    return {name: str(said) for name, said in words.items()}
