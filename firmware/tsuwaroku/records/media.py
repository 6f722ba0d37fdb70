"""Media for copies (Article 9(2) to (5)) as a fold of acts, and what may be done with one. Of each act:

| verb | subject | detail | words |
|---|---|---|---|
| `medium registered` | medium | `identity` (hardware and token), `owner` (the post), `on` | `name` |
| `copy begun` | slug of the request | `recipient`, `medium` | none |
| `copy made`, `copy failed` | slug | the same, `of` (number of its `copy begun`); made: `octets`, `payload` | none |
| `medium handed over` | medium | `on`, `due_on` | `to`, `name` |
| `medium returned` | medium | `on` | `by`, `name` |
| `medium wiped` | medium | `on`, `clean`, `octets`, `zero_octets`, `passes` | `note`, `name` |
| `medium destroyed` | medium | `on`, `how` | `how`, `by`, `witness`, `name` |
| `medium lost` | medium | `on` | `what`, `name` |

A medium has one life: registered, one copy, handed over, returned, wiped, destroyed. Nothing leads back to its
beginning, for Article 9(5) has it wiped *and* destroyed.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final

import msgspec

from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records.acts import Act, ActVerb, Detail, day_of_act, detail_of, word_of
from tsuwaroku.records.requests import CopyDetail, CopyFor


class MediumState(enum.StrEnum):
    """Where a medium stands. UNCOUNTED: an export onto it was begun and has not counted; a copy may be on it."""

    REGISTERED = "registered"
    UNCOUNTED = "uncounted"
    COPIED = "copied"
    OUT = "out"
    RETURNED = "returned"
    WIPED = "wiped"
    UNWIPABLE = "unwipable"
    DESTROYED = "destroyed"
    LOST = "lost"


class How(enum.StrEnum):
    """Ways to destroy (Article 9(5): 破碎、裁断その他の方法)."""

    CRUSHED = "crushed"
    CUT = "cut"
    OTHER = "other"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The hardware and the token, as `disclosure.identity.Registered` has them."""

    name: str
    usb_id: str
    vendor: str
    model: str
    serial: str
    wwid: str
    capacity_octets: int
    nonce: str


class RegisteredDetail(Detail, frozen=True, kw_only=True):
    """Of `medium registered`."""

    identity: Identity
    owner: str
    on: date | None = None


class StepDetail(Detail, frozen=True, kw_only=True):
    """Of `medium returned` and `medium lost`."""

    on: date


class HandedDetail(StepDetail, frozen=True, kw_only=True):
    """Of `medium handed over`."""

    due_on: date | None


class WipedDetail(Detail, frozen=True, kw_only=True):
    """Of `medium wiped`."""

    clean: bool
    passes: int = 0
    on: date | None = None


class DestroyedDetail(Detail, frozen=True, kw_only=True):
    """Of `medium destroyed`."""

    how: How
    on: date | None = None


class Medium(msgspec.Struct, frozen=True, kw_only=True):
    """One medium. `identity`: its hardware and token, as it was registered; `owner`: the post it is registered to;
    `request`, `recipient`: of the copy on it, from the first attempt on; `begun`: number of the last attempt that is
    open, 0 for none. Days are those on which it was done, as the person who recorded it says.

    `to`, `by`, `taken_by`, `how_text`, `destroyed_by`, `witness`, `incident`: words, None where they are sealed to
    somebody else."""

    name: str
    identity: dict[str, Any]
    owner: str
    registered_on: date
    state: MediumState = MediumState.REGISTERED
    request: str = ""
    recipient: CopyFor | None = None
    begun: int = 0
    made_on: date | None = None
    octets: int = 0
    handed_on: date | None = None
    due_on: date | None = None
    returned_on: date | None = None
    wiped_on: date | None = None
    wiped_clean: bool = False
    passes: int = 0
    destroyed_on: date | None = None
    how: How | None = None
    lost_on: date | None = None
    handed_by: str | None = None
    to: str | None = None
    by: str | None = None
    taken_by: str | None = None
    wipe_note: str | None = None
    how_text: str | None = None
    destroyed_by: str | None = None
    witness: str | None = None
    incident: str | None = None

    def since(self) -> date:
        """The day it came into the state it is in; of one with an attempt, when it was registered."""
        days = {
            MediumState.COPIED: self.made_on,
            MediumState.OUT: self.handed_on,
            MediumState.RETURNED: self.returned_on,
            MediumState.WIPED: self.wiped_on,
            MediumState.UNWIPABLE: self.wiped_on,
            MediumState.DESTROYED: self.destroyed_on,
            MediumState.LOST: self.lost_on,
        }
        return days.get(self.state) or self.registered_on

    def overdue(self, today: date) -> bool:
        """Whether it ought to have come back (Article 9(4)): out, or lost, past its day."""
        away = self.state in (MediumState.OUT, MediumState.LOST)
        return away and self.due_on is not None and today > self.due_on


_USED = frozenset(MediumState) - {MediumState.REGISTERED, MediumState.UNCOUNTED}
_HERE = frozenset({MediumState.UNCOUNTED, MediumState.COPIED, MediumState.RETURNED, MediumState.UNWIPABLE})
_GONE = frozenset({MediumState.DESTROYED, MediumState.LOST})


def media(acts: Iterable[Act]) -> list[Medium]:
    """Every medium there ever was, in the order they were registered. An act about one that is not there, or that a
    rule forbids, does not come from this program and changes nothing."""
    found: dict[str, Medium] = {}
    for act in acts:
        if act.verb is ActVerb.MEDIUM_REGISTERED:
            if (said := detail_of(act, RegisteredDetail)) is not None:
                found.setdefault(act.subject, _registered(act, said))
        elif act.verb in _COPY:
            _attempted(found, act)
        elif act.subject in found and act.verb in _AFTER and _may_come(found[act.subject], act.verb):
            found[act.subject] = msgspec.structs.replace(found[act.subject], **_AFTER[act.verb](act))
    return list(found.values())


def medium_called(found: Iterable[Medium], name: str) -> Medium:
    """Raises NotFoundError."""
    for one in found:
        if one.name == name:
            return one
    raise NotFoundError("there is no medium of this name", where=name, remedy="`tsuwaroku media` lists them")


def overdue(found: Iterable[Medium], today: date) -> list[Medium]:
    """Those that ought to have come back, the longest overdue first."""
    late = [one for one in found if one.overdue(today)]
    return sorted(late, key=lambda one: (one.due_on or today, one.name))


# -- what may be done


def refuse_name(found: Iterable[Medium], name: str) -> None:
    """Raises RefusedError where a medium of that name was ever registered."""
    if any(one.name == name for one in found):
        raise RefusedError(f"there has been a medium {name} already", remedy="give this one a name of its own")


def refuse_copy(found: Iterable[Medium], name: str, slug: str, recipient: CopyFor) -> Medium:
    """The medium, where a copy of this request may go onto it. Raises RefusedError: registered to nobody (9(2)), used
    before (9(5)), or holding what is left of an attempt at another copy."""
    one = next((one for one in found if one.name == name), None)
    if one is None or not one.owner:
        raise RefusedError(
            "this medium is registered to nobody: a copy goes only onto a medium of the manager's (Article 9(2))",
            where=name,
            remedy="register a new one with `tsuwaroku media register`, then begin anew",
        )
    if one.state in _USED:
        raise RefusedError(
            "this medium has been used, and is never used again: it is wiped and destroyed (Article 9(5))",
            where=name,
            remedy="take a new medium, and register it with `tsuwaroku media register`",
        )
    if one.state is MediumState.UNCOUNTED and (one.request, one.recipient) != (slug, recipient):
        raise RefusedError(
            f"a copy for another purpose was begun on this medium ({one.request}), and what was written is on it still",
            where=name,
            remedy="take a new medium; wipe and destroy this one (Article 9(5))",
        )
    return one


def refuse_hand_over(one: Medium) -> None:
    """Raises RefusedError but for one with a copy that counts, which is still here."""
    if one.state is not MediumState.COPIED:
        raise RefusedError(
            "there is no copy on this medium that could be handed over (Article 9(2))",
            where=one.name,
            remedy="`tsuwaroku media` shows where it stands; copies are made by `tsuwaroku export`",
        )


def refuse_return(one: Medium) -> None:
    """Raises RefusedError but for one that is out, or lost and found again, whether it had been handed over or not."""
    if one.state is not MediumState.LOST and (one.handed_on is None or one.state is not MediumState.OUT):
        raise RefusedError(
            "this medium is not out, so it cannot come back (Article 9(4))",
            where=one.name,
            remedy="`tsuwaroku media` shows where it stands",
        )


def refuse_wipe(one: Medium) -> None:
    """Raises RefusedError where it is out or lost, gone, wiped already, or never had anything on it."""
    if one.state in (MediumState.OUT, MediumState.LOST):
        raise RefusedError(
            "this medium has not come back: it is returned first, then wiped (Article 9(4) and (5))",
            where=one.name,
            remedy="record its return with `tsuwaroku media return`",
        )
    if one.state not in _HERE:
        raise RefusedError(
            "there is nothing on this medium to wipe", where=one.name, remedy="`tsuwaroku media` shows where it stands"
        )


def refuse_destroy(one: Medium) -> None:
    """Raises RefusedError but for one that is wiped, could not be wiped, or was never used."""
    if one.state is MediumState.DESTROYED:
        raise RefusedError(
            "this medium is destroyed already", where=one.name, remedy="`tsuwaroku media` shows when it was"
        )
    if one.state not in (MediumState.WIPED, MediumState.UNWIPABLE, MediumState.REGISTERED):
        raise RefusedError(
            "this medium is destroyed only after it has come back and was wiped (Article 9(5))",
            where=one.name,
            remedy="wipe it with `tsuwaroku media wipe`; one that cannot be wiped any more, with --broken",
        )


def refuse_loss(one: Medium) -> None:
    """Raises RefusedError where it is lost or destroyed already."""
    if one.state in _GONE:
        raise RefusedError(
            "this medium is lost or destroyed already", where=one.name, remedy="`tsuwaroku media` shows where it stands"
        )


def refuse_day(one: Medium, on: date, today: date) -> None:
    """Raises RefusedError for a day that lies ahead, or before what was last done with the medium."""
    if on > today:
        raise RefusedError(f"{on} lies ahead", where=one.name, remedy="give the day on which it was done")
    days = (one.registered_on, one.made_on, one.handed_on, one.returned_on, one.wiped_on, one.lost_on)
    last = max(day for day in days if day is not None)
    if on < last:
        raise RefusedError(
            f"{on} lies before the day of what was last done with the medium, {last}",
            where=one.name,
            remedy="give the day on which it was done",
        )


# -- the fold

_COPY = frozenset({ActVerb.COPY_BEGUN, ActVerb.COPY_MADE, ActVerb.COPY_FAILED})


def _registered(act: Act, said: RegisteredDetail) -> Medium:
    return Medium(
        name=act.subject,
        identity=msgspec.to_builtins(said.identity),
        owner=said.owner,
        registered_on=said.on or day_of_act(act),
    )


def _attempted(found: dict[str, Medium], act: Act) -> None:
    said = detail_of(act, CopyDetail)
    one = None if said is None else found.get(said.medium)
    if said is None or one is None or one.state in _USED:
        return
    change = msgspec.structs.replace
    if act.verb is ActVerb.COPY_BEGUN:
        for other in found.values():  # a newer attempt at the same copy: the one before cannot count any more
            if (other.request, other.recipient) == (act.subject, said.recipient) and other.begun:
                found[other.name] = change(other, begun=0)
        found[one.name] = change(
            found[one.name],
            state=MediumState.UNCOUNTED,
            request=act.subject,
            recipient=said.recipient,
            begun=act.number,
        )
    elif one.begun and one.begun == said.of:
        made = act.verb is ActVerb.COPY_MADE
        on = said.on or day_of_act(act)
        later = {"state": MediumState.COPIED, "made_on": on, "octets": said.octets} if made else {}
        found[one.name] = change(one, begun=0, **later)


def _handed_over(act: Act) -> dict[str, Any]:
    if (said := detail_of(act, HandedDetail)) is None:
        return {}
    words = _words(act, to="to", handed_by="name")
    return {"state": MediumState.OUT, "handed_on": said.on, "due_on": said.due_on, **words}


def _returned(act: Act) -> dict[str, Any]:
    if (said := detail_of(act, StepDetail)) is None:
        return {}
    return {"state": MediumState.RETURNED, "returned_on": said.on, **_words(act, by="by", taken_by="name")}


def _wiped(act: Act) -> dict[str, Any]:
    if (said := detail_of(act, WipedDetail)) is None:
        return {}
    return {
        "state": MediumState.WIPED if said.clean else MediumState.UNWIPABLE,
        "wiped_on": said.on or day_of_act(act),
        "wiped_clean": said.clean,
        "passes": said.passes,
        **_words(act, wipe_note="note"),
    }


def _destroyed(act: Act) -> dict[str, Any]:
    if (said := detail_of(act, DestroyedDetail)) is None:
        return {}
    return {
        "state": MediumState.DESTROYED,
        "destroyed_on": said.on or day_of_act(act),
        "how": said.how,
        **_words(act, how_text="how", destroyed_by="by", witness="witness"),
    }


def _lost(act: Act) -> dict[str, Any]:
    if (said := detail_of(act, StepDetail)) is None:
        return {}
    return {
        "state": MediumState.LOST,
        "lost_on": said.on,
        "begun": 0,
        **_words(act, incident="what"),
    }


_AFTER = {
    ActVerb.MEDIUM_HANDED_OVER: _handed_over,
    ActVerb.MEDIUM_RETURNED: _returned,
    ActVerb.MEDIUM_WIPED: _wiped,
    ActVerb.MEDIUM_DESTROYED: _destroyed,
    ActVerb.MEDIUM_LOST: _lost,
}


_RULES: Final[dict[ActVerb, Callable[[Medium], None]]] = {
    ActVerb.MEDIUM_HANDED_OVER: refuse_hand_over,
    ActVerb.MEDIUM_RETURNED: refuse_return,
    ActVerb.MEDIUM_WIPED: refuse_wipe,
    ActVerb.MEDIUM_DESTROYED: refuse_destroy,
    ActVerb.MEDIUM_LOST: refuse_loss,
}


def _may_come(one: Medium, verb: ActVerb) -> bool:
    """Whether the rule that an act of this kind is written by would let it be written now."""
    try:
        _RULES[verb](one)
    except RefusedError:
        return False
    return True


def _words(act: Act, **fields: str) -> dict[str, Any]:
    return {field: word_of(act, word) for field, word in fields.items()}
