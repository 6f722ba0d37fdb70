"""管理取扱者 and deputies (Article 4): who is appointed, from when to when, for which lines. A fold of acts."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date

import msgspec

from tsuwaroku.records.acts import Act, ActVerb


class Post(enum.StrEnum):
    """What somebody is appointed as."""

    HANDLER = "handler"
    DEPUTY = "deputy"


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

    def active(self, day: date) -> bool:
        """Whether it holds on a day."""
        over = self.end is not None and day > self.end
        return self.begin <= day and not over and (self.dismissed is None or day < self.dismissed)


def appointments(acts: Iterable[Act]) -> list[Appointment]:
    """Every appointment there ever was, in the order they were made."""
    found: dict[int, Appointment] = {}
    for act in acts:
        if act.verb is ActVerb.APPOINTED:
            found[act.number] = _appointed(act)
        elif act.verb is ActVerb.DISMISSED:
            of = found.get(_int(act.detail.get("of")))
            if of is not None and of.dismissed is None:
                found[of.number] = msgspec.structs.replace(of, dismissed=date.fromisoformat(act.detail["on"]))
    return list(found.values())


def holding_post(found: Iterable[Appointment], user: str, post: Post, day: date) -> list[Appointment]:
    """The appointments of an account that hold on a day."""
    return [one for one in found if one.user == user and one.post is post and one.active(day)]


def _appointed(act: Act) -> Appointment:
    detail, words = act.detail, act.words or {}
    end = detail.get("end")
    return Appointment(
        number=act.number,
        post=Post(detail["post"]),
        user=act.subject,
        key=detail.get("key", ""),
        public_key=detail.get("public_key", ""),
        lines=tuple(detail.get("lines", ())),
        begin=date.fromisoformat(detail["begin"]),
        end=None if end is None else date.fromisoformat(end),
        name=words.get("name"),
        title=words.get("title"),
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else -1
