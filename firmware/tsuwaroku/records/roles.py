"""Who may do what (Articles 4, 6 to 10): one table, verb by role. What a role may do *to whom* the acts themselves say.

`control` asks this table before anything else; the API's description, the manual and a test of every cell are made
from it.
"""

from __future__ import annotations

import enum


class Role(enum.StrEnum):
    """What somebody is to this box. One person may be several; somebody may be none."""

    MANAGER = "manager"
    """管理責任者 (Article 4(1))."""
    DEPUTY = "deputy"
    """Acts for the manager while appointed."""
    HANDLER = "handler"
    """管理取扱者 (Article 4(2)): appointed by the manager, from a day to a day, for all lines or for some."""
    TECHNICIAN = "technician"
    """Maintains the box; hears nothing, and sees no list of calls."""


class Verb(enum.StrEnum):
    """What may be asked of the control socket."""

    STATUS = "status"
    CLOCK_SHOW = "clock.show"
    CLOCK_PROPOSE = "clock.propose"
    CLOCK_CONFIRM = "clock.confirm"
    CALLS = "calls"
    PLAY = "play"
    MARK = "mark"
    HOLD = "hold"
    QUEUE = "queue"
    REWRAP = "rewrap"
    AUDIT_NOTE = "audit.note"
    AUDIT_READ = "audit.read"
    LEDGERS = "ledgers"
    STAFF = "staff"
    APPOINT = "appoint"
    DEPUTISE = "deputise"
    SUCCEED = "succeed"
    REQUEST_NEW = "request.new"
    REQUEST_READ = "request.read"
    REQUEST_WITHDRAW = "request.withdraw"
    REQUEST_DECIDE = "request.decide"
    MEDIA_READ = "media.read"
    MEDIA_REGISTER = "media.register"
    EXPORT = "export"
    CUSTODY = "custody"
    DISPOSE = "dispose"
    DISCLOSE = "disclose"
    DISCLOSE_DECIDE = "disclose.decide"
    PUBLISH = "publish"


_ALL = frozenset(Role)
_MANAGING = frozenset({Role.MANAGER, Role.DEPUTY})
_STAFF = _MANAGING | {Role.HANDLER}

RIGHTS: dict[Verb, frozenset[Role]] = {
    Verb.STATUS: _ALL,
    Verb.CLOCK_SHOW: _ALL,
    Verb.CLOCK_PROPOSE: frozenset({Role.TECHNICIAN, *_MANAGING}),
    Verb.CLOCK_CONFIRM: _MANAGING,
    Verb.CALLS: _STAFF,
    Verb.PLAY: _STAFF,
    Verb.MARK: _STAFF,
    Verb.HOLD: _MANAGING,  # 管理責任者が認めた場合 (Article 8(1))
    Verb.QUEUE: _STAFF,
    Verb.REWRAP: _MANAGING,
    Verb.AUDIT_NOTE: _STAFF,
    Verb.AUDIT_READ: _MANAGING,
    Verb.LEDGERS: _STAFF,
    Verb.STAFF: _STAFF,
    Verb.APPOINT: _MANAGING,  # 管理責任者が指名する者 (Article 4(2))
    Verb.DEPUTISE: frozenset({Role.MANAGER}),
    Verb.SUCCEED: frozenset({Role.MANAGER}),
    Verb.REQUEST_NEW: _STAFF,
    Verb.REQUEST_READ: _STAFF,
    Verb.REQUEST_WITHDRAW: _STAFF,
    Verb.REQUEST_DECIDE: _MANAGING,  # Article 9(2)
    Verb.MEDIA_READ: _STAFF,
    Verb.MEDIA_REGISTER: _MANAGING,  # 管理責任者が管理するものに限る (Article 9(2))
    Verb.EXPORT: _MANAGING,
    Verb.CUSTODY: _STAFF,  # handing over and taking back is an errand; wiping and destroying is not
    Verb.DISPOSE: _MANAGING,  # Article 9(5)
    Verb.DISCLOSE: _STAFF,
    Verb.DISCLOSE_DECIDE: _MANAGING,  # Article 10
    Verb.PUBLISH: _MANAGING,
}


def may(roles: frozenset[Role], verb: Verb) -> bool:
    """Whether somebody with these roles may ask for this."""
    return not roles.isdisjoint(RIGHTS[verb])
