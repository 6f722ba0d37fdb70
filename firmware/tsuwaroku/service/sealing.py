"""Whom calls are sealed to on a day: what the acts of the audit log make of the list of recipients.

The list follows from the acts, so a keeper that was cut off between an act and the list makes up for it at its start.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import UNSET

from tsuwaroku.records.appointments import Appointment
from tsuwaroku.records.succession import Succession
from tsuwaroku.store.keys import Recipient

MANAGER = "管理責任者"
RECOVERY = "recovery"


def due_recipients(
    now: Sequence[Recipient], found: Iterable[Appointment], changes: Iterable[Succession], day: date
) -> list[Recipient]:
    """The list of that day: who was on it from the first, less and more what acts say. Handlers come last, in the order
    of their appointment; a deputy with a key is sealed to as one for all lines. No handler's key is on it that takes no
    seals; another one stays until it is replaced, and is passed over."""
    appointed = list(found)
    handlers = _handlers(appointed, day)
    own = {one.key for one in appointed}
    kept = {one.id: one for one in now if not (one.role == "handler" and (one.id in own or not one.takes_seals))}
    for change in changes:
        for gone in change.removed:
            kept.pop(gone, None)
        name = MANAGER if change.role == "manager" else RECOVERY
        kept.setdefault(
            change.key,
            Recipient(id=change.key, role=change.role, name=name, public_key=change.public_key, added=change.at[:10]),
        )
    return [*kept.values(), *(one for one in handlers if one.id not in kept)]


def _handlers(appointed: Iterable[Appointment], day: date) -> list[Recipient]:
    found: dict[str, Recipient] = {}
    for one in appointed:
        if not one.public_key or not one.active(day):
            continue
        before = found.get(one.key)
        lines = {*one.lines} | set(before.lines or () if before is not None else ())
        everything = not one.lines or (before is not None and before.lines is UNSET)
        found[one.key] = Recipient(
            id=one.key,
            role="handler",
            name=one.user,
            public_key=one.public_key,
            added=(before.added if before is not None else one.begin.isoformat()),
            lines=UNSET if everything else tuple(sorted(lines)),
        )
    return list(found.values())
