"""The papers of one request: the form as it was taken in, and the manager's decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.config import OfficeConfig
from tsuwaroku.console import render
from tsuwaroku.console.session import Record
from tsuwaroku.errors import SecretError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.call import CallRecord
from tsuwaroku.records.era import RequestNumber, parse_number, wareki_moment
from tsuwaroku.records.request import RequestForm
from tsuwaroku.records.requests import Request, Status
from tsuwaroku.store.acts import acts

if TYPE_CHECKING:
    from tsuwaroku.disclosure.form import Decision
    from tsuwaroku.service.requesting import RequestSeen
    from tsuwaroku.store.keys import PrivateKey


def papers(
    request: Request,
    seen: RequestSeen,
    records: Mapping[str, Record],
    private: PrivateKey | None,
    office: OfficeConfig,
) -> Iterator[tuple[str, bytes]]:
    """Name and octets of each PDF. Raises SecretError where the key does not open the form's words."""
    from tsuwaroku.disclosure.form import decision_pdf, request_pdf

    form = form_of(request)
    number = parse_number(request.slug)
    yield (
        f"request-{request.slug}-form.pdf",
        request_pdf(form, office, made_on=request.on, number=number, received_on=request.on),
    )
    if request.status in (Status.APPROVED, Status.REFUSED):
        decision = _decision(request, form, number, seen, records, private)
        yield f"request-{request.slug}-decision.pdf", decision_pdf(decision, office)


def form_of(request: Request) -> RequestForm:
    """Raises SecretError."""
    if request.form is None:
        raise SecretError(
            "this key does not open the words of this request",
            where=request.slug,
            remedy="use the key of the manager, or one that was appointed when it was submitted",
        )
    return msgspec.convert(request.form, RequestForm)


def _decision(
    request: Request,
    form: RequestForm,
    number: RequestNumber,
    seen: RequestSeen,
    records: Mapping[str, Record],
    private: PrivateKey | None,
) -> Decision:
    from tsuwaroku.disclosure.form import Decision

    decided = next(
        act for act in acts(seen.entries, private) if act.verb in (ActVerb.REQUEST_APPROVED, ActVerb.REQUEST_REFUSED)
    )
    name = str((decided.words or {}).get("name") or request.decided_by)
    return Decision(
        number=number,
        requested_on=request.on,
        department=form.department,
        head=form.head,
        approved=request.status is Status.APPROVED,
        reason=request.reason or "",
        decided_on=date.fromisoformat(request.decided_at[:10]),
        decided_by=f"職務代理者　{name}" if decided.detail.get("as") == "deputy" else name,
        calls=tuple(_line(call, seen, records) for call in request.calls),
        return_by=request.return_by,
    )


def _line(call: str, seen: RequestSeen, records: Mapping[str, Record]) -> str:
    """通話 #12　令和8年11月23日 14時5分から2分10秒　内線201; of a call that is gone its number alone."""
    fate = next((one for one in seen.calls if one.id == call), None)
    number = f"通話 #{fate.sequence}" if fate is not None and fate.sequence else f"通話 {call}"
    record = records.get(call)
    if not isinstance(record, CallRecord):
        return number
    began = wareki_moment(datetime.fromisoformat(render.dated(record)))
    minutes, seconds = divmod(round(record.duration_s), 60)
    lasted = f"{minutes}分{seconds}秒" if minutes else f"{seconds}秒"
    return f"{number}　{began}から{lasted}　内線{record.extension or record.line}"
