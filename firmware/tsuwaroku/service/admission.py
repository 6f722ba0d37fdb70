"""Whether somebody may do something with a call now: it is kept, and of one of their lines. One answer for hearing and
for marking; refused attempts are in the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsuwaroku.errors import ForbiddenError, NotFoundError
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.attempts import attempt
from tsuwaroku.service.fates import CallFate, refuse_gone
from tsuwaroku.store.catalogue import CatalogueEntry

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper


def admitted(keeper: Keeper, by: Asker, verb: Verb, call_id: str) -> CallFate:
    """What is known of the call. Raises ForbiddenError, RefusedError, NotFoundError."""
    one = keeper.fates.of(call_id, keeper.judge)
    with attempt(keeper, by, verb, call_id, "call gone"):
        refuse_gone(one)
    with attempt(keeper, by, verb, one.id, "another line"):
        refuse_line(by, one)
    return one


def refuse_line(by: Asker, one: CallFate) -> None:
    """Raises ForbiddenError for a call of a line that is not theirs."""
    if not by.sees(one.line):
        raise ForbiddenError(
            "you are not appointed for the line of this call",
            where=by.user,
            remedy="ask the records manager; `tsuwaroku staff list` lists the appointments",
        )


def entry_of(keeper: Keeper, one: CallFate, named: str) -> CatalogueEntry:
    """The catalogue's entry of it; `named`: as somebody named the call. Raises NotFoundError."""
    entry = keeper.listed(one.id)
    if entry is None:
        raise NotFoundError(f"no call {named[:40]}", remedy="`tsuwaroku calls` lists them")
    return entry
