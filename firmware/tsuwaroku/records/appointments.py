"""管理取扱者 and deputies (Article 4): who is appointed, from when to when, for which lines. A fold of acts."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date

import msgspec

from tsuwaroku.records.acts import Act, ActVerb, Detail, detail_of, word_of
from tsuwaroku.records.keyid import is_key


class Post(enum.StrEnum):
    """What somebody is appointed as."""

    HANDLER = "handler"
    DEPUTY = "deputy"


class AppointedDetail(Detail, frozen=True, kw_only=True):
    """Of `appointed`; the subject is the account. `key`: id of `public_key`, both hex and empty for none."""

    post: Post
    begin: date
    end: date | None = None
    key: str = ""
    public_key: str = ""
    lines: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.public_key and not is_key(self.public_key, self.key):
            raise ValueError("not a key and its id")


class EndedDetail(Detail, frozen=True, kw_only=True):
    """Of `dismissed` and `appointment ended`. `of`: number of the appointment."""

    of: int
    on: date


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """One appointment. `user`: the account; `key`: id (hex) of the public key calls are sealed to, empty for none;
    `lines`: ids, empty for all; `begin`, `end`: the first and the last day, `end` None for until further notice;
    `dismissed`: the day of a dismissal, whose calls are no longer the person's.

    `name`: of the person, None where the words are sealed to somebody else.
    """

    number: int
    post: Post
    user: str
    key: str
    public_key: str
    lines: tuple[str, ...]
    begin: date
    end: date | None
    dismissed: date | None = None
    name: str | None = None
    title: str | None = None
    erased: bool = False  # the words: their years were over

    def active(self, day: date) -> bool:
        """Whether it holds on a day."""
        over = self.end is not None and day > self.end
        return self.begin <= day and not over and (self.dismissed is None or day < self.dismissed)


def appointments(acts: Iterable[Act]) -> list[Appointment]:
    """Every appointment there ever was, in the order they were made."""
    found: dict[int, Appointment] = {}
    for act in acts:
        if act.verb is ActVerb.APPOINTED and (said := detail_of(act, AppointedDetail)) is not None:
            found[act.number] = _appointed(act, said)
        elif act.verb is ActVerb.DISMISSED and (over := detail_of(act, EndedDetail)) is not None:
            of = found.get(over.of)
            if of is not None and of.dismissed is None:
                found[of.number] = msgspec.structs.replace(of, dismissed=over.on)
    return list(found.values())


def noted_ended(acts: Iterable[Act]) -> set[int]:
    """Numbers of the appointments whose end is an act already."""
    ended = (detail_of(act, EndedDetail) for act in acts if act.verb is ActVerb.APPOINTMENT_ENDED)
    return {one.of for one in ended if one is not None}


def holding_post(found: Iterable[Appointment], user: str, post: Post, day: date) -> list[Appointment]:
    """The appointments of an account that hold on a day."""
    return [one for one in found if one.user == user and one.post is post and one.active(day)]


def _appointed(act: Act, said: AppointedDetail) -> Appointment:
    return Appointment(
        number=act.number,
        post=said.post,
        user=act.subject,
        key=said.key,
        public_key=said.public_key,
        lines=said.lines,
        begin=said.begin,
        end=said.end,
        name=word_of(act, "name"),
        title=word_of(act, "title"),
        erased=act.erased,
    )
