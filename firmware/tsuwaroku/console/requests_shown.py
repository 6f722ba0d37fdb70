"""Requests and the queue as tables for people. What a form says is printed as it is: never as markup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from rich.console import Console, Group, RenderableType
from rich.text import Text

from tsuwaroku.console import render
from tsuwaroku.console.render import clock_time, facts, plain_table
from tsuwaroku.console.texts import t, word
from tsuwaroku.console.translate import translate
from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records.call import CallRecord
from tsuwaroku.records.era import parse_number, wareki
from tsuwaroku.records.queue import SOON_DAYS, Queued, Waiting
from tsuwaroku.records.request import ANSWERS, FIELDS, RequestForm
from tsuwaroku.records.request_file import AIM_LABELS, LABELS, REASON_LABELS
from tsuwaroku.records.requests import CopyFor, Request, Status
from tsuwaroku.service.fates import CallFate, Fate, refuse_gone

_STYLES = {Status.SUBMITTED: "bold yellow", Status.APPROVED: "green", Status.REFUSED: "red"}


def show_found(
    console: Console, meant: Sequence[CallRecord], added: Sequence[CallRecord], unknown: Sequence[CallRecord]
) -> None:
    """Before a request is submitted: which calls it means."""
    console.print(t("request.meant", n=len(meant)), style="bold", soft_wrap=True)
    if meant:
        console.print(render.calls(meant, with_key=True))
    if added:
        console.print(t("request.added", n=len(added)), style="bold", soft_wrap=True)
        console.print(render.calls(added, with_key=True))
    if unknown:
        console.print(t("request.unknown", n=len(unknown)), style="yellow", soft_wrap=True)
        console.print(render.calls(unknown, with_key=True))
    if not meant and not added:
        console.print(t("request.none_found"), style="yellow", soft_wrap=True)


def listing(found: Sequence[Request]) -> RenderableType:
    """One row a request, oldest first."""
    if not found:
        return Text(t("request.none"))
    heads = [t(f"request.col.{name}") for name in ("number", "on", "status", "calls", "by", "department")]
    table = plain_table(*heads, right=(heads[3],), fold=(heads[5],))
    for one in found:
        status = Text(word("request", one.status), style=_STYLES.get(one.status, ""))
        form = _form(one)
        department = "" if form is None else form.department
        number = str(parse_number(one.slug))
        table.add_row(number, one.on.isoformat(), status, str(len(one.calls)), Text(one.by), Text(department))
    return table


def shown(one: Request, calls: Sequence[CallFate], today: date) -> RenderableType:
    """Everything known of a request."""
    rows: list[tuple[str, RenderableType]] = [
        (t("request.col.number"), str(parse_number(one.slug))),
        (t("request.col.on"), wareki(one.on)),
        (t("request.col.by"), Text(one.by)),
        (t("request.col.status"), Text(word("request", one.status), style=_STYLES.get(one.status, ""))),
    ]
    if one.decided_at:
        rows.append((t("request.decided"), Text(f"{clock_time(one.decided_at)}  {one.decided_by}")))
    if one.reason:
        rows.append((t("request.reason"), Text(one.reason)))
    if one.return_by is not None:
        rows.append((t("request.return_by"), wareki(one.return_by)))
    if one.status is Status.APPROVED:
        rows += [(t("request.copies", recipient=word("recipient", who)), Text(_copies(one, who))) for who in CopyFor]
    if one.unknown_numbers:
        rows.append((t("request.unknown_numbers"), str(one.unknown_numbers)))
    form = _form(one)
    if form is None:
        rows.append((t("request.form"), t("staff.erased" if one.erased else "request.sealed")))
    else:
        rows += [(LABELS[field], Text(text)) for field in FIELDS if (text := _answer(form, field))]
    parts: list[RenderableType] = [facts(rows), Text(""), fates_table(calls)]
    soon = [call.last_day for call in calls if call.fate is Fate.KEPT and call.last_day is not None]
    if soon and (min(soon) - today).days <= SOON_DAYS:
        parts.append(Text(t("request.soon", day=min(soon)), style="bold red"))
    return Group(*parts)


def _copies(one: Request, who: CopyFor) -> str:
    """On which media there are copies for somebody, and how many more may be made."""
    names = "、".join(name for recipient, name in one.made if recipient is who)
    return t("request.copies_left", names=names or t("request.no_copy"), left=one.left(who))


def fates_table(calls: Sequence[CallFate]) -> RenderableType:
    """The calls of a request, and of those that are gone when and under which rule they went."""
    if not calls:
        return Text(t("request.no_calls"), style="yellow")
    heads = [t("col.no"), t("col.line"), t("request.col.day"), t("col.marks"), t("request.col.kept")]
    table = plain_table(*heads, right=(heads[0], heads[3]), fold=(heads[4],))
    for one in calls:
        kept = Text(str(one.last_day)) if one.fate is Fate.KEPT else Text(fate_text(one), style="bold red")
        number = f"#{one.sequence}" if one.sequence else one.id[:12]
        table.add_row(Text(number), Text(one.line), one.day, str(one.marks or ""), kept)
    return table


def fate_text(one: CallFate) -> str:
    """Why a call is no longer to be had."""
    try:
        refuse_gone(one)
    except (RefusedError, NotFoundError) as error:
        return translate(error.message)
    return ""


def queue_table(found: Sequence[Queued]) -> RenderableType:
    """The marked calls, those with the fewest days left first."""
    if not found:
        return Text(t("queue.none"))
    names = ("left", "kept", "state")
    heads = [t("col.no"), t("col.line"), t("request.col.day"), t("col.marks"), *(t(f"queue.col.{n}") for n in names)]
    table = plain_table(*heads, right=(heads[0], heads[3], heads[4]), fold=(heads[6],))
    for one in found:
        urgent = one.state is Waiting.WAITING and one.left <= SOON_DAYS
        state = word("waiting", one.state)
        if one.requests:
            state += f" ({', '.join(str(parse_number(slug)) for slug in one.requests)})"
        line = f"{one.line} {one.department}".strip()
        left = Text(str(one.left), style="bold red" if urgent else "")
        table.add_row(f"#{one.sequence}", Text(line), one.day, str(one.marks), left, str(one.last_day), Text(state))
    return table


def _form(one: Request) -> RequestForm | None:
    return None if one.form is None else msgspec.convert(one.form, RequestForm)


def _answer(form: RequestForm, field: str) -> str:
    if field == "reasons":
        return "、".join(REASON_LABELS.get(reason, reason) for reason in form.reasons)
    value = getattr(form, field)
    if field in ANSWERS:
        return str(value)
    return AIM_LABELS.get(value, value) if field == "serves" else str(value)
