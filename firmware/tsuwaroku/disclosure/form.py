"""The papers of Article 9 as PDF: the request (別記様式), the manager's decision, the custody sheet of a medium.

Each takes what it prints and nothing else; all raise ConfigError where the font is missing. Dates stand by era.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec

from tsuwaroku.config import OfficeConfig
from tsuwaroku.disclosure.typeset import Value, typeset
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.era import RequestNumber, era_of, parse_moment, wareki, wareki_moment
from tsuwaroku.records.request import Reason, RequestForm
from tsuwaroku.records.request_file import AIM_LABELS
from tsuwaroku.records.telephone import parse_telephone

_POSTS: Final = ("課", "室", "部", "局", "所", "館", "センター", "係", "署", "校", "園")


def request_pdf(
    form: RequestForm,
    office: OfficeConfig,
    *,
    made_on: date,
    number: RequestNumber | None = None,
    received_on: date | None = None,
) -> bytes:
    """通話記録提供請求書, one page for all that the form's fields hold as a rule, more where they hold more.

    `made_on`: the date of the paper; `number` and `received_on` stand in the box of the office that receives it. Times
    that cannot be read are printed as they were written: a form with problems can be printed, too.
    """
    data: dict[str, Value] = {
        "label": office.form,
        "addressee": office.manager,
        "number": "" if number is None else str(number),
        "received": _day(received_on),
        "made": wareki(made_on),
        "sender": f"{post_of(form.department)}　{form.head}",
        "content": form.content,
        "begin": _moment(form.begin),
        "end": _moment(form.end),
        "courtesy": Reason.COURTESY in form.reasons,
        "fairness": Reason.FAIRNESS in form.reasons,
        "other": Reason.OTHER in form.reasons,
        "purpose": form.purpose,
        "serves": AIM_LABELS.get(form.serves, form.serves),
        "far_number": _telephone(str(form.far_number)),
        "far_name": str(form.far_name),
        "near_number": _telephone(str(form.near_number)),
        "near_person": str(form.near_person),
        "notes": form.notes,
        "remarks": form.remarks,
    }
    return typeset("request", data, made_on)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the manager decided on a request (Article 9(2)). `department`, `head`: of who asked; `decided_by`: the
    manager's name, or "職務代理者 …"; `calls`: a line for each call provided; `return_by`: when the media are due;
    `remarks`: what else the paper is to say. Of a refusal, calls and `return_by` are not printed."""

    number: RequestNumber
    requested_on: date
    department: str
    head: str
    approved: bool
    reason: str
    decided_on: date
    decided_by: str
    calls: tuple[str, ...] = ()
    return_by: date | None = None
    remarks: str = ""


def decision_pdf(decision: Decision, office: OfficeConfig) -> bytes:
    """通話記録提供承認通知書, or 不承認通知書 with its reason."""
    data: dict[str, Value] = {
        "approved": decision.approved,
        "title": "通話記録提供承認通知書" if decision.approved else "通話記録提供不承認通知書",
        "number": str(decision.number),
        "decided": wareki(decision.decided_on),
        "requested": wareki(decision.requested_on),
        "addressee": f"{post_of(decision.department)}　{decision.head}",
        "receivers": f"{post_of(decision.department)}及び{office.personnel}",
        "manager": office.manager,
        "by": decision.decided_by,
        "reason": decision.reason,
        "calls": list(decision.calls),
        "return_by": _day(decision.return_by),
        "remarks": decision.remarks,
    }
    return typeset("decision", data, decision.decided_on)


class CustodySheet(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one medium (Article 9(2) to (5)); what has not happened yet is left to be written by hand.

    `holder`: the post that keeps it, as 市民課長 or 人事課長; `label`, `serial`, `capacity`: of the medium; `calls`:
    how many calls are on it; `wiped_how`: how it was overwritten, and that it was read back; `destroyed_how`: 破砕,
    裁断 or another way; `incident`: a loss or damage, when it was reported and to whom.
    """

    number: RequestNumber
    holder: str
    label: str
    serial: str
    capacity: str
    calls: int
    made_on: date
    return_by: date | None = None
    handed_on: date | None = None
    handed_by: str = ""
    received_by: str = ""
    returned_on: date | None = None
    returned_by: str = ""
    taken_by: str = ""
    wiped_on: date | None = None
    wiped_how: str = ""
    destroyed_on: date | None = None
    destroyed_how: str = ""
    destroyed_by: str = ""
    witnessed_by: str = ""
    incident: str = ""


WAYS: Final = ("破砕", "裁断")
_DAYS: Final = ("return_by", "handed_on", "returned_on", "wiped_on", "destroyed_on")
_TEXTS: Final = (
    *("handed_by", "received_by", "returned_by", "taken_by"),
    *("wiped_how", "destroyed_by", "witnessed_by", "incident"),
)


def custody_pdf(sheet: CustodySheet, office: OfficeConfig) -> bytes:
    """通話記録媒体管理票: 受領書, 返却確認, 消去・廃棄確認 of one medium on a page. The file's date is `made_on`."""
    data: dict[str, Value] = {
        "manager": office.manager,
        "number": str(sheet.number),
        "holder": sheet.holder,
        "label": sheet.label,
        "serial": sheet.serial,
        "capacity": sheet.capacity,
        "calls": str(sheet.calls),
        "era": era_of(sheet.made_on).name,
        "made": wareki(sheet.made_on),
        **{field: _day(getattr(sheet, field)) for field in _DAYS},
        **{field: getattr(sheet, field) for field in _TEXTS},
        "crushed": sheet.destroyed_how == WAYS[0],
        "cut": sheet.destroyed_how == WAYS[1],
        "otherwise": "" if sheet.destroyed_how in WAYS else sheet.destroyed_how,
    }
    return typeset("custody", data, sheet.made_on)


def post_of(department: str) -> str:
    """市民課長 of 市民課; a department that already names a post, or is none, stays as it is."""
    name = department.strip()
    return f"{name}長" if name.endswith(_POSTS) else name


def _day(day: date | None) -> str:
    return "" if day is None else wareki(day)


def _moment(text: str) -> str:
    try:
        return wareki_moment(parse_moment(text))
    except RefusedError:
        return text


def _telephone(text: str) -> str:
    """As it was written, with 内線 before a bare extension."""
    telephone = parse_telephone(text)
    return text if telephone is None or telephone.digits else str(telephone)
