"""通話記録提供請求書 (別記様式, Article 9(1)): its fields, what is wrong with them, and their normal form. Pure.

A form holds text as it was written. `problems` says all that is wrong with it at once; `normalised` gives the same form
with ISO times and numbers in digits. Names are never normalised: to Unicode 神 of the family register (U+FA19) and 神
are one letter, to their bearers two.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tsuwaroku.clock import JST
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.era import parse_moment
from tsuwaroku.records.telephone import parse_telephone

LONGEST_NAME: Final = 100  # letters of a field of one line
LONGEST_TEXT: Final = 1000


class Reason(enum.StrEnum):
    """通話記録請求理由: the boxes of the form. More than one may be ticked."""

    COURTESY = "courtesy"  # 職員の接遇意識の向上に必要なため
    FAIRNESS = "fairness"  # 業務の公正かつ適正な執行に必要なため
    OTHER = "other"


class Aim(enum.StrEnum):
    """The purposes of Article 1, one of which a reason その他 has to serve."""

    COURTESY = "courtesy"  # 職員の接遇意識の向上
    PRESSURE = "pressure"  # 架電者からの不当な圧力等の排除
    FAIRNESS = "fairness"  # 業務の公正かつ適正な執行の確保


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in a field, or 不明 and why: `unknown` is None where it is known, and empty where no reason is given,
    which is no answer."""

    value: str = ""
    unknown: str | None = None

    def __str__(self) -> str:
        """As it is printed: the value, or 不明（reason）."""
        if self.unknown is None:
            return self.value
        return f"不明（{self.unknown}）" if self.unknown else "不明"


class RequestForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form as filled in. `department`, `head`: of the 所属長 who asks; `content`: 通話内容, what it was about;
    `begin`, `end`: 通話日時, in any way `parse_moment` reads; `reasons`: of `Reason`; `purpose` and `serves` (of
    `Aim`): of その他; `far_*` 通話相手先, `near_*` 通話対応者; `near_number` is a number or an extension; `notes`
    その他留意事項等, `remarks` 備考. `content`, `notes` and `remarks` may be empty."""

    department: str = ""
    head: str = ""
    content: str = ""
    begin: str = ""
    end: str = ""
    reasons: tuple[str, ...] = ()
    purpose: str = ""
    serves: str = ""
    far_number: Answer = Answer()
    far_name: Answer = Answer()
    near_number: Answer = Answer()
    near_person: Answer = Answer()
    notes: str = ""
    remarks: str = ""


FIELDS: Final = RequestForm.__struct_fields__
ANSWERS: Final = ("far_number", "far_name", "near_number", "near_person")
_LONG: Final = ("content", "purpose", "notes", "remarks")


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with a form: `field` of `RequestForm`, what, what to do, and the article that asks for it, as
    "9(1)"; empty where it is only writing."""

    field: str
    message: str
    remedy: str
    article: str = ""


def article_ja(article: str) -> str:
    """第9条第1項 of "9(1)", 第7条第2項第4号 of "7(2)-4", 第10条第3号 of "10-3"; empty for what is none."""
    match = re.fullmatch(r"([0-9]+)(?:\(([0-9]+)\))?(?:-([0-9]+))?", article)
    if match is None:
        return ""
    return "".join(f"第{number}{unit}" for number, unit in zip(match.groups(), "条項号", strict=True) if number)


def problems(form: RequestForm, now: datetime) -> list[Problem]:
    """Everything that keeps the form from being taken, field by field; empty if nothing does. `now`: with a zone."""
    return [
        *_department(form),
        *_times(form, now),
        *_reasons(form),
        *_parties(form),
        *(problem for field in FIELDS for problem in _writing(form, field)),
    ]


def normalised(form: RequestForm) -> RequestForm:
    """The same form in one way of writing: times ISO 8601 in Asia/Tokyo, numbers as `Telephone` writes them, reasons in
    the form's order, spaces around texts gone. Done twice it is the same. Raises RefusedError for a time or number that
    cannot be read; whether the form may be taken, `problems` says."""

    def number(field: str) -> Answer:
        answer: Answer = getattr(form, field)
        if answer.unknown is not None or not answer.value.strip():
            return _stripped(answer)
        telephone = parse_telephone(answer.value)
        if telephone is None:
            problem = _no_number(field, answer.value)
            raise RefusedError(problem.message, where=field, remedy=problem.remedy)
        return Answer(str(telephone))

    return RequestForm(
        department=_line(form.department),
        head=_line(form.head),
        content=form.content.strip(),
        begin=parse_moment(form.begin, "begin").isoformat(),
        end=parse_moment(form.end, "end").isoformat(),
        reasons=tuple(reason.value for reason in Reason if reason.value in form.reasons),
        purpose=form.purpose.strip() if Reason.OTHER in form.reasons else "",
        serves=form.serves.strip() if Reason.OTHER in form.reasons else "",
        far_number=number("far_number"),
        far_name=_stripped(form.far_name),
        near_number=number("near_number"),
        near_person=_stripped(form.near_person),
        notes=form.notes.strip(),
        remarks=form.remarks.strip(),
    )


def asked_span(form: RequestForm) -> tuple[datetime, datetime]:
    """The stretch of time asked for: its first moment, and the first one after it. A minute that is written as the end
    is meant whole. Raises RefusedError."""
    begin, end = parse_moment(form.begin, "begin"), parse_moment(form.end, "end")
    whole = not end.second and not end.microsecond
    return begin, end + timedelta(minutes=1) if whole else end


def _line(text: str) -> str:
    return " ".join(text.split("\n")).strip()


def _stripped(answer: Answer) -> Answer:
    return Answer(_line(answer.value), None if answer.unknown is None else _line(answer.unknown))


# -- what can be wrong


def _department(form: RequestForm) -> Iterator[Problem]:
    if not form.department.strip():
        yield Problem("department", "the department that asks is missing", "name the department", "9(1)")
    if not form.head.strip():
        yield Problem("head", "the head of the department is missing", "a request is the head's: give the name", "9(1)")


def _times(form: RequestForm, now: datetime) -> Iterator[Problem]:
    read: dict[str, datetime] = {}
    for field in ("begin", "end"):
        text: str = getattr(form, field)
        if not text.strip():
            yield Problem(
                field,
                "the time of the call is missing",
                "give the stretch of time in which the call must have been, as well as it is known",
                "9(1)",
            )
            continue
        try:
            read[field] = parse_moment(text)
        except RefusedError as error:
            yield Problem(field, error.message, error.remedy)
    if len(read) == 2 and read["end"] < read["begin"]:
        yield Problem("end", "the end lies before the beginning", "exchange the two times, or correct one")
    for field, moment in read.items():
        if moment > now.astimezone(JST):
            yield Problem(field, "the time lies ahead", "a record can be asked for once the call has been: correct it")


def _reasons(form: RequestForm) -> Iterator[Problem]:
    if not form.reasons:
        yield Problem("reasons", "no reason for the request is ticked", "tick at least one of the three", "9(1)")
    for reason in form.reasons:
        if reason not in set(Reason):
            yield Problem("reasons", "this is none of the form's reasons", "use courtesy, fairness or other")
    if Reason.OTHER in form.reasons:
        if not form.purpose.strip():
            yield Problem(
                "purpose", "その他 is ticked and the purpose not stated", "state what the record is for", "9(1)"
            )
        if not form.serves.strip():
            yield Problem(
                "serves",
                "which purpose of Article 1 this serves is not stated",
                "choose courtesy, pressure or fairness; a record is for nothing else",
                "9(1)",
            )
        elif form.serves.strip() not in set(Aim):
            yield Problem("serves", "this is no purpose of Article 1", "choose courtesy, pressure or fairness", "9(1)")
    elif form.purpose.strip():
        yield Problem("purpose", "a purpose is stated and その他 not ticked", "tick その他 too, or move it to 備考")


def _parties(form: RequestForm) -> Iterator[Problem]:
    unknown = 0
    for field in ANSWERS:
        answer: Answer = getattr(form, field)
        if answer.unknown is not None:
            unknown += 1
            if not answer.unknown.strip():
                yield Problem(
                    field, "不明 needs its reason", "say why it is not known, like 不明（非通知のため）", "9(1)"
                )
            if answer.value.strip():
                yield Problem(field, "it is 不明 and has a value", "leave one of the two")
        elif not answer.value.strip():
            yield Problem(field, "this field is empty", "fill it in, or write 不明 with the reason", "9(1)")
        elif field.endswith("_number") and parse_telephone(answer.value) is None:
            yield _no_number(field, answer.value)
    if unknown == len(ANSWERS):
        yield Problem(
            "far_number",
            "nothing is known of either party: every call of that time would be meant",
            "give at least one number or name",
            "9(1)",
        )


def _no_number(field: str, text: str) -> Problem:
    digits = re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", text))
    if 6 <= len(digits) <= 8 and not digits.startswith("0"):
        return Problem(
            field, "the number lacks its area code", "write it whole, like 03-1234-5678; an extension as 内線201"
        )
    return Problem(
        field,
        "this is no telephone number",
        "write it like 03-1234-5678, +81-3-1234-5678 or 内線201, or 不明 with the reason",
    )


def _writing(form: RequestForm, field: str) -> Iterator[Problem]:
    value = getattr(form, field)
    texts = (value.value, value.unknown or "") if isinstance(value, Answer) else (value,)
    if not isinstance(value, str | Answer):
        texts = tuple(value)
    most = LONGEST_TEXT if field in _LONG else LONGEST_NAME
    if any(len(text) > most for text in texts):
        yield Problem(field, f"the text is longer than {most} letters", "shorten it, or hand the rest in on paper")
    if not all(writable(text) for text in texts):
        yield Problem(
            field,
            "there is a sign in it that no paper can show",
            "write it anew; a letter made in house (外字) by the nearest common one",
        )


def writable(text: str) -> bool:
    """Whether every sign of a text can stand on paper as it is stored."""
    return not any(_unwritable(each) for each in text)


def _unwritable(letter: str) -> bool:
    """Control characters but the line's end and the tabulator, halves of letters, and signs that turn the order of
    others round: a name that is printed otherwise than it is stored."""
    category = unicodedata.category(letter)
    return (
        (category in ("Cc", "Cs", "Co", "Cn") and letter not in "\n\t\r")
        or "\u202a" <= letter <= "\u202e"
        or ("\u2066" <= letter <= "\u2069")
    )
