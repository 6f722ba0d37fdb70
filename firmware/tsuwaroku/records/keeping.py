"""How long the words of people in a ledger are kept (保存年限): by the matter they belong to, from when it was closed.

The ordinance names no number, so the city's configuration does. Years are counted as those of documents are: from the
end of the fiscal year (会計年度) in which the matter was closed. What is open has no end, and a medium that is out, or
lost, or that only waits to be destroyed, keeps its request open. The acts themselves stay: they name nobody.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from tsuwaroku.records.acts import Act, ActVerb, detail_of
from tsuwaroku.records.appointments import EndedDetail, appointments, noted_ended
from tsuwaroku.records.disclosures import Stage, disclosures
from tsuwaroku.records.era import fiscal_days, fiscal_year
from tsuwaroku.records.media import MediumState, media
from tsuwaroku.records.readable import readable
from tsuwaroku.records.requests import CopyFor, Request, Status, requests
from tsuwaroku.records.succession import successions


class Kept(enum.StrEnum):
    """The ledgers that have words, as `config.LedgerYears` names them."""

    HANDLERS = "handlers"
    REQUESTS = "requests"
    MEDIA = "media"
    DISCLOSURES = "disclosures"
    AUDIT = "audit"


LEDGERS: Final[dict[ActVerb, Kept]] = {
    ActVerb.APPOINTED: Kept.HANDLERS,
    ActVerb.DISMISSED: Kept.HANDLERS,
    ActVerb.APPOINTMENT_ENDED: Kept.HANDLERS,
    ActVerb.MANAGER_SUCCEEDED: Kept.HANDLERS,
    ActVerb.RECOVERY_REPLACED: Kept.HANDLERS,
    ActVerb.REQUEST_SUBMITTED: Kept.REQUESTS,
    ActVerb.REQUEST_APPROVED: Kept.REQUESTS,
    ActVerb.REQUEST_REFUSED: Kept.REQUESTS,
    ActVerb.REQUEST_WITHDRAWN: Kept.REQUESTS,
    ActVerb.COPY_BEGUN: Kept.REQUESTS,
    ActVerb.COPY_MADE: Kept.REQUESTS,
    ActVerb.COPY_FAILED: Kept.REQUESTS,
    ActVerb.RECOPY_APPROVED: Kept.REQUESTS,
    ActVerb.MEDIUM_REGISTERED: Kept.MEDIA,
    ActVerb.MEDIUM_HANDED_OVER: Kept.MEDIA,
    ActVerb.MEDIUM_RETURNED: Kept.MEDIA,
    ActVerb.MEDIUM_WIPED: Kept.MEDIA,
    ActVerb.MEDIUM_DESTROYED: Kept.MEDIA,
    ActVerb.MEDIUM_LOST: Kept.MEDIA,
    ActVerb.DISCLOSURE_OPENED: Kept.DISCLOSURES,
    ActVerb.DISCLOSURE_DECIDED: Kept.DISCLOSURES,
    ActVerb.DISCLOSURE_CARRIED_OUT: Kept.DISCLOSURES,
}
"""Acts that are not here are of the audit log's own, and closed as they are done."""
_OF_A_NUMBER = frozenset({ActVerb.APPOINTED, ActVerb.MANAGER_SUCCEEDED, ActVerb.RECOVERY_REPLACED})


class Matter(NamedTuple):
    """What is closed as a whole. `of`: the request, medium or disclosure; the number of an appointment or succession,
    or of an entry that is a matter of its own."""

    ledger: Kept
    of: str


def matter_of(act: Act) -> Matter | None:
    """What an act is about; None where it does not say. Words that were sealed again are those of other acts."""
    if act.verb in (ActVerb.DISMISSED, ActVerb.APPOINTMENT_ENDED):
        said = detail_of(act, EndedDetail)
        return None if said is None else Matter(Kept.HANDLERS, str(said.of))
    ledger = LEDGERS.get(act.verb)
    if ledger is None:
        return Matter(Kept.AUDIT, str(act.number))
    return Matter(ledger, str(act.number) if act.verb in _OF_A_NUMBER else act.subject)


def closed(acts: Iterable[Act]) -> dict[Matter, int]:
    """The matters in which nothing more is to come, each with the number of its last act. One about which an act says
    what cannot be read is none of them."""
    listed = list(acts)
    last: dict[Matter, int] = {}
    for act in listed:
        matter = matter_of(act)
        if matter is not None and matter.ledger is not Kept.AUDIT:
            last[matter] = max(last.get(matter, 0), act.number)
    doubtful = {Matter(LEDGERS[act.verb], act.subject) for act in listed if act.verb in LEDGERS and not readable(act)}
    destroyed = {one.name: one.request for one in media(listed) if one.state is MediumState.DESTROYED}
    about: dict[str, set[str]] = {}
    for one in media(listed):
        about.setdefault(one.request, set()).add(one.name)
    done = {Matter(Kept.MEDIA, name) for name in destroyed}
    for request in requests(listed):
        names = about.get(request.slug, set())
        if _is_closed(request, names, set(destroyed)):
            matter = Matter(Kept.REQUESTS, request.slug)
            done.add(matter)
            last[matter] = max(last[matter], *(last[Matter(Kept.MEDIA, name)] for name in names), 0)
    done |= {Matter(Kept.DISCLOSURES, one.slug) for one in disclosures(listed) if _is_over(one.stage, one.done_on)}
    ended = noted_ended(listed)
    over = [one.number for one in appointments(listed) if one.dismissed is not None or one.number in ended]
    done |= {Matter(Kept.HANDLERS, str(number)) for number in over}
    for role in ("manager", "recovery"):
        for number, after in itertools.pairwise(one.number for one in successions(listed) if one.role == role):
            matter = Matter(Kept.HANDLERS, str(number))
            done.add(matter)
            last[matter] = after
    return {matter: last[matter] for matter in done if matter in last and matter not in doubtful}


def last_day(closed_on: date, years: int) -> date:
    """The last day of keeping of what was closed on a day."""
    return fiscal_days(fiscal_year(closed_on) + years)[1]


def _is_closed(request: Request, names: set[str], destroyed: set[str]) -> bool:
    if request.status in (Status.REFUSED, Status.WITHDRAWN):
        return names <= destroyed
    made = {name for _, name in request.made}
    copied = request.status is Status.APPROVED and all(request.left(who) == 0 for who in CopyFor)
    return copied and made <= names <= destroyed


def _is_over(stage: Stage, done_on: date | None) -> bool:
    return stage is Stage.REFUSED or (stage is Stage.APPROVED and done_on is not None)
