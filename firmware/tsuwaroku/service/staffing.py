"""Appointing and dismissing (Article 4), and the change of the manager. What names a person is sealed."""

from __future__ import annotations

import pwd
import re
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError
from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.appointments import Appointment, Post
from tsuwaroku.records.era import parse_day
from tsuwaroku.records.keyid import key_id, takes_seals
from tsuwaroku.records.roles import Role, Verb
from tsuwaroku.service.api import Asked, Route, Routes
from tsuwaroku.service.attempts import attempt, right_or_input
from tsuwaroku.store.audit import AuditEntry
from tsuwaroku.store.slot import MAX_WRAPS

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper

LONGEST = 200  # letters of a name or a reason
_NAMELESS = re.compile(r"uid [0-9]{1,10}")
_ABOUT_STAFF = frozenset(
    {
        ActVerb.APPOINTED,
        ActVerb.DISMISSED,
        ActVerb.APPOINTMENT_ENDED,
        ActVerb.MANAGER_SUCCEEDED,
        ActVerb.RECOVERY_REPLACED,
        ActVerb.WORDS_RESEALED,
    }
)


class AppointRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`user`: the account; `public_key`: hex, calls are sealed to it (a deputy may have none); `lines`: ids, none for
    all; `begin`, `end`: days, today and until further notice where empty. `name`, `title` are sealed."""

    user: str
    name: str
    title: str = ""
    public_key: str = ""
    lines: list[str] = []
    begin: str = ""
    end: str = ""


class DismissRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`number`: of one appointment; without it all that the account has. `reason` is sealed."""

    user: str
    reason: str
    number: int | None = None


class SucceedRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`public_key`: of the new manager, hex. `name` and `decree` (発令番号) are sealed."""

    public_key: str
    name: str
    decree: str


class RecoveryRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`public_key`: of the new recovery key, hex. `reason` is sealed."""

    public_key: str
    reason: str


class Done(msgspec.Struct, frozen=True):
    """`numbers`: of the audit entries; none where it was so already."""

    numbers: list[int]


class StaffSeen(msgspec.Struct, frozen=True):
    """The acts about staff, with their sealed words; `today`: the box's day, by which an appointment holds."""

    today: str
    entries: list[AuditEntry]


def appoint(keeper: Keeper, asked: Asked, post: Post) -> Done:
    """Raises RefusedError, ForbiddenError; nothing was changed then, and the attempt is audited."""
    body: AppointRequest = asked.body
    verb = Verb.DEPUTISE if post is Post.DEPUTY else Verb.APPOINT
    with attempt(keeper, asked.by, verb, _account(body.user), right_or_input):
        begin, end = _days(keeper.today, body)
        _check_person(keeper, asked, body)
        key = _check_key(keeper, body, post)
        _check_overlap(keeper, body, post, begin, end)
    act = keeper.ledger.add(
        asked.by.user,
        ActVerb.APPOINTED,
        body.user,
        detail={
            "post": post.value,
            "key": key,
            "public_key": body.public_key,
            "lines": sorted(set(body.lines)),
            "begin": begin.isoformat(),
            "end": None if end is None else end.isoformat(),
        },
        words={"name": body.name.strip(), "title": body.title.strip()},
    )
    keeper.follow_appointments()
    return Done([act.number])


def dismiss(keeper: Keeper, asked: Asked) -> Done:
    """From now on calls are no longer sealed to the person. Raises RefusedError, ForbiddenError, NotFoundError."""
    body: DismissRequest = asked.body
    mine = [
        one
        for one in keeper.ledger.appointments
        if one.user == body.user and not _over(one, keeper.today) and body.number in (None, one.number)
    ]
    with attempt(keeper, asked.by, Verb.APPOINT, _account(body.user), right_or_input):
        if not mine:
            raise NotFoundError(
                "this account has no such appointment that still stands",
                where=body.user,
                remedy="`tsuwaroku staff list` lists them",
            )
        if any(one.post is Post.DEPUTY for one in mine) and Role.MANAGER not in asked.by.roles:
            raise ForbiddenError(
                "only the 管理責任者 herself dismisses a deputy", where=body.user, remedy="ask her (Article 4)"
            )
        _said(body.reason, "reason")
    acts = [_dismissed(keeper, asked, one) for one in mine]
    keeper.follow_appointments()
    return Done([act.number for act in acts])


def _dismissed(keeper: Keeper, asked: Asked, one: Appointment) -> Act:
    detail = {"of": one.number, "on": keeper.today.isoformat()}
    return keeper.ledger.add(
        asked.by.user, ActVerb.DISMISSED, one.user, detail=detail, words={"reason": asked.body.reason.strip()}
    )


def succeed(keeper: Keeper, asked: Asked) -> Done:
    """The new manager's key takes the place of every other manager's. Asked again for the same key, it does nothing.

    Raises RefusedError; the attempt is audited.
    """
    body: SucceedRequest = asked.body
    recipients = keeper.recipients.list
    with attempt(keeper, asked.by, Verb.SUCCEED, "", right_or_input):
        key = _key(body.public_key)
        known = next((one for one in recipients if one.id == key), None)
        if known is not None and known.role == "manager":
            return Done([])
        if known is not None or any(one.key == key for one in keeper.ledger.appointments):
            raise RefusedError("this key is somebody else's already", where=key, remedy="make a new key")
        _said(body.name, "name")
        _said(body.decree, "decree")
    act = keeper.ledger.add(
        asked.by.user,
        ActVerb.MANAGER_SUCCEEDED,
        key,
        detail={"public_key": body.public_key, "removed": [one.id for one in recipients if one.role == "manager"]},
        words={"name": body.name.strip(), "decree": body.decree.strip()},
    )
    keeper.follow_appointments()
    return Done([act.number])


def replace_recovery(keeper: Keeper, asked: Asked) -> Done:
    """The new recovery key takes the place of every other. Asked again for the same key, it does nothing.

    Raises RefusedError; the attempt is audited.
    """
    body: RecoveryRequest = asked.body
    recipients = keeper.recipients.list
    with attempt(keeper, asked.by, Verb.SUCCEED, "", right_or_input):
        key = _key(body.public_key)
        known = next((one for one in recipients if one.id == key), None)
        if known is not None and known.role == "recovery":
            return Done([])
        gone = {one for change in keeper.ledger.successions for one in (change.key, *change.removed)}
        if known is not None or key in gone or any(one.key == key for one in keeper.ledger.appointments):
            raise RefusedError("this key is somebody else's already", where=key, remedy="make a new key")
        _said(body.reason, "reason")
    act = keeper.ledger.add(
        asked.by.user,
        ActVerb.RECOVERY_REPLACED,
        key,
        detail={"public_key": body.public_key, "removed": [one.id for one in recipients if one.role == "recovery"]},
        words={"reason": body.reason.strip()},
    )
    keeper.follow_appointments()
    return Done([act.number])


def staff(keeper: Keeper) -> StaffSeen:
    """Who is and was appointed, as the audit log has it."""
    entries = [entry for entry in keeper.ledger.entries if entry.verb in _ABOUT_STAFF]
    return StaffSeen(today=keeper.today.isoformat(), entries=entries)


def _days(today: date, body: AppointRequest) -> tuple[date, date | None]:
    begin = parse_day(body.begin, "begin") if body.begin else today
    end = parse_day(body.end, "end") if body.end else None
    if begin < today:
        raise RefusedError(
            "an appointment does not begin in the past",
            where=begin.isoformat(),
            remedy="earlier calls are wrapped again with `tsuwaroku keys rewrap`",
        )
    if end is not None and end < begin:
        raise RefusedError("the last day lies before the first", where=end.isoformat(), remedy="check both days")
    return begin, end


def _check_person(keeper: Keeper, asked: Asked, body: AppointRequest) -> None:
    _said(body.name, "name")
    if len(body.title) > LONGEST:
        raise RefusedError(f"more than {LONGEST} letters", where="title", remedy="write less")
    if body.user == asked.by.user:
        raise ForbiddenError("nobody appoints herself", where=body.user, remedy="the 管理責任者 appoints (Article 4)")
    if not _exists(body.user):
        raise RefusedError(
            "the machine has no such account", where=body.user[:64], remedy="make the account first, then appoint"
        )
    known = {line.id for line in keeper.settings.line}
    if unknown := sorted(set(body.lines) - known):
        raise RefusedError(
            "there is no such line", where=", ".join(unknown)[:64], remedy="`tsuwaroku status` lists the lines"
        )


def _check_key(keeper: Keeper, body: AppointRequest, post: Post) -> str:
    """The key's id; none for a deputy without one."""
    if not body.public_key and post is Post.DEPUTY and not body.lines:
        return ""
    key = _key(body.public_key)
    others = [one for one in keeper.ledger.appointments if one.key == key and one.user != body.user]
    official = [one for one in keeper.recipients.list if one.id == key and one.role != "handler"]
    removed = [one for change in keeper.ledger.successions for one in change.removed if one == key]
    if others or official or removed:
        raise RefusedError("this key is somebody else's already", where=key, remedy="make a new key")
    standing = {one.key for one in keeper.ledger.appointments if one.key and not _over(one, keeper.today)}
    fixed = sum(1 for one in keeper.recipients.list if one.role != "handler")
    if fixed + len(standing | {key}) > MAX_WRAPS:
        raise RefusedError(
            f"calls can be sealed to {MAX_WRAPS} keys at the most", remedy="dismiss whoever is no longer a handler"
        )
    return key


def _check_overlap(keeper: Keeper, body: AppointRequest, post: Post, begin: date, end: date | None) -> None:
    for one in keeper.ledger.appointments:
        apart = (one.end is not None and one.end < begin) or (end is not None and end < one.begin)
        if one.user == body.user and one.post is post and one.dismissed is None and not apart:
            raise RefusedError(
                "is appointed already for some of these days",
                where=body.user,
                remedy="dismiss first, then appoint anew (`tsuwaroku staff list`)",
            )


def _key(public: str) -> str:
    try:
        octets = bytes.fromhex(public)
    except ValueError:
        octets = b""
    if octets.hex() != public or not takes_seals(octets):
        raise RefusedError("is no public key", where=public[:64], remedy="name the key file of the person")
    return key_id(octets).hex()


def _said(text: str, where: str) -> None:
    if not text.strip():
        raise RefusedError("is left empty", where=where, remedy="it stands in the register: write it")
    if len(text) > LONGEST:
        raise RefusedError(f"more than {LONGEST} letters", where=where, remedy="write less")


def _over(one: Appointment, today: date) -> bool:
    return one.dismissed is not None or (one.end is not None and one.end < today)


def _account(user: str) -> str:
    """For the trace of a refusal: an account, and nothing else that somebody may have typed in its place."""
    return user if _exists(user) else ""


def _exists(user: str) -> bool:
    """Whether the kernel can name somebody so. An account that has a name is not appointed by its number: under that it
    would have the key, and not be known as the one it is."""
    try:
        if _NAMELESS.fullmatch(user):
            return not _has_name(int(user.removeprefix("uid ")))
        pwd.getpwnam(user)
    except (KeyError, ValueError):  # a NUL in it
        return False
    return True


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except (KeyError, OverflowError):
        return False
    return True


ROUTES: Routes = (
    Route(
        method="GET",
        path="/v1/staff",
        verb=Verb.STAFF,
        summary="who is and was appointed, and the manager's successions",
        act=lambda keeper, _: staff(keeper),
        answer=StaffSeen,
    ),
    Route(
        method="POST",
        path="/v1/staff/handlers",
        verb=Verb.APPOINT,
        summary="appoint a handler: calls from then on are sealed to her key, too",
        act=lambda keeper, asked: appoint(keeper, asked, Post.HANDLER),
        body=AppointRequest,
        answer=Done,
    ),
    Route(
        method="POST",
        path="/v1/staff/deputies",
        verb=Verb.DEPUTISE,
        summary="appoint a deputy of the manager",
        act=lambda keeper, asked: appoint(keeper, asked, Post.DEPUTY),
        body=AppointRequest,
        answer=Done,
    ),
    Route(
        method="POST",
        path="/v1/staff/dismissals",
        verb=Verb.APPOINT,
        summary="dismiss: later calls are no longer sealed to the key",
        act=dismiss,
        body=DismissRequest,
        answer=Done,
    ),
    Route(
        method="POST",
        path="/v1/staff/succession",
        verb=Verb.SUCCEED,
        summary="the new manager's key takes the place of the predecessor's",
        act=succeed,
        body=SucceedRequest,
        answer=Done,
    ),
    Route(
        method="POST",
        path="/v1/staff/recovery",
        verb=Verb.SUCCEED,
        summary="a new recovery key takes the place of the old one",
        act=replace_recovery,
        body=RecoveryRequest,
        answer=Done,
    ),
)
