"""A 通話記録提供請求書 from a file or from answers, and the file a clerk fills in. Pure: text in, form out."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final

from msgspec.structs import replace

from tsuwaroku.errors import RefusedError
from tsuwaroku.records.request import ANSWERS, FIELDS, Aim, Answer, Reason, RequestForm

LABELS: Final[dict[str, str]] = {
    "department": "所属",
    "head": "所属長名",
    "content": "通話内容",
    "begin": "通話日時（始め）",
    "end": "通話日時（終わり）",
    "reasons": "通話記録請求理由",
    "purpose": "その他の内容",
    "serves": "第1条の目的",
    "far_number": "通話相手先の電話番号",
    "far_name": "通話相手先の氏名",
    "near_number": "通話対応者の電話番号又は内線番号",
    "near_person": "通話対応者の所属・氏名",
    "notes": "その他留意事項等",
    "remarks": "備考",
}
"""What each field is called on the form; answers and files may use these names too."""

REASON_LABELS: Final[dict[str, str]] = {
    Reason.COURTESY: "職員の接遇意識の向上に必要なため",
    Reason.FAIRNESS: "業務の公正かつ適正な執行に必要なため",
    Reason.OTHER: "その他",
}
AIM_LABELS: Final[dict[str, str]] = {
    Aim.COURTESY: "職員の接遇意識の向上",
    Aim.PRESSURE: "架電者からの不当な圧力等の排除",
    Aim.FAIRNESS: "業務の公正かつ適正な執行の確保",
}
_REASON_WORDS: Final = {"接遇": Reason.COURTESY, "公正": Reason.FAIRNESS, "その他": Reason.OTHER}
_AIM_WORDS: Final = {"接遇": Aim.COURTESY, "圧力": Aim.PRESSURE, "公正": Aim.FAIRNESS}
_UNKNOWN: Final = re.compile(r"不明(?:\s*\((?P<why>.*)\)|[\s:、。,]\s*(?P<rest>.*))?", re.S)
_HALF: Final = str.maketrans("（）：", "():")
_BY_LABEL: Final = {label: field for field, label in LABELS.items()}

TEMPLATE: Final = """\
# 通話記録提供請求書（別記様式）
# 「=」の右の " " の中に記入し、UTF-8 で保存してください。「#」で始まる行は説明です。
# 分からない項目は「不明（理由）」と書きます。例: "不明（非通知のため）"

# 請求する所属と所属長
department = ""   # 例: "市民課"
head = ""         # 例: "青森 花子"

content = ""      # 通話内容（分かる範囲で。なければ空欄）

# 通話日時。正確に分からないときは、その通話が必ず含まれる範囲を書きます。
begin = ""        # 例: "令和8年11月23日 14時5分"
end = ""          # 例: "令和8年11月23日 14時30分"

# 通話記録請求理由（複数選べます。例: ["接遇", "公正"]）
#   "接遇"   職員の接遇意識の向上に必要なため
#   "公正"   業務の公正かつ適正な執行に必要なため
#   "その他" 下の purpose に内容を、serves に要綱第1条のどの目的のためかを書きます
reasons = []
purpose = ""      # 「その他」の内容
serves = ""       # 「その他」の目的: "接遇"、"圧力"（不当な圧力等の排除）、"公正" のどれか

# 通話相手先
far_number = ""   # 電話番号。例: "03-1234-5678"、"不明（非通知のため）"
far_name = ""     # 氏名。例: "弘前 太郎"、"不明（名乗らなかったため）"

# 通話対応者
near_number = ""  # 電話番号又は内線番号。例: "内線201"
near_person = ""  # 担当者所属・氏名。例: "市民課 青森 花子"

notes = ""        # その他留意事項等（なければ空欄）
remarks = ""      # 備考（なければ空欄）
"""


def from_toml(text: str, where: str = "") -> RequestForm:
    """The form of a file like `TEMPLATE`; dates and bare numbers of TOML are taken as well. Raises RefusedError for
    what is no TOML, for a key that is no field and for a value of another kind; the rest, `problems` says."""
    try:
        tree = tomllib.loads(text.removeprefix("\ufeff"))  # Windows editors put one in front
    except tomllib.TOMLDecodeError as error:
        raise RefusedError(
            f"the form cannot be read: {error}", where=where, remedy="correct the line it names; texts stand in quotes"
        ) from error
    return from_mapping(tree, where)


def from_answers(pairs: Iterable[tuple[str, str]], where: str = "") -> RequestForm:
    """The form of (field or label, answer) pairs; the reasons may come as several pairs. Raises RefusedError for a
    field that is none and for one that is answered twice."""
    given: dict[str, object] = {}
    reasons: list[str] = []
    for name, answer in pairs:
        field = _field(name, where)
        if field == "reasons":
            reasons += [each for each in re.split(r"[、,\n]", answer) if each.strip()]
        elif field in given:
            raise RefusedError(f"{LABELS[field]} is answered twice", where=where, remedy="answer each field once")
        else:
            given[field] = answer
    return from_mapping({**given, "reasons": reasons}, where)


def from_mapping(tree: Mapping[str, object], where: str = "") -> RequestForm:
    """The form of fields (or labels) and their values, as TOML or JSON give them. Raises RefusedError."""
    values: dict[str, object] = {}
    for name, value in tree.items():
        field = _field(name, where)
        if field in values:
            raise RefusedError(f"{LABELS[field]} is answered twice", where=where, remedy="answer each field once")
        if field in ANSWERS:
            values[field] = _answer(value, field, where)
        elif field == "reasons":
            values[field] = _reasons(value, where)
        else:
            values[field] = _text(value, field, where)
    form = RequestForm(**values)  # type: ignore[arg-type]
    return replace(form, serves=_word(form.serves, _AIM_WORDS, AIM_LABELS))


def _field(name: str, where: str) -> str:
    plain = unicodedata.normalize("NFKC", name).strip()
    for label, field in _BY_LABEL.items():
        if plain == unicodedata.normalize("NFKC", label):
            return field
    if plain not in FIELDS:
        shown = "".join(each if each.isprintable() else "?" for each in name[:40])
        raise RefusedError(f"{shown!r} is no field of the form", where=where, remedy="use the names of the template")
    return plain


def _text(value: object, field: str, where: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise RefusedError(
        f"{LABELS[field]} is not a text",
        where=where,
        remedy='write it in quotes, like "市民課"; a list for the reasons alone',
    )


def _answer(value: object, field: str, where: str) -> Answer:
    if isinstance(value, Mapping):  # { unknown = "非通知のため" }, as JSON has an Answer
        if set(value) - {"value", "unknown"}:
            raise RefusedError(
                f"{LABELS[field]} is not a text",
                where=where,
                remedy='write it in quotes, like "市民課"; a list for the reasons alone',
            )
        unknown = value.get("unknown")
        known = _text(value.get("value", ""), field, where)
        return Answer(known, None if unknown is None else _text(unknown, field, where))
    text = _text(value, field, where)
    match = _UNKNOWN.fullmatch(text.strip().translate(_HALF))
    return Answer("", (match["why"] or match["rest"] or "").strip()) if match else Answer(text)


def _reasons(value: object, where: str) -> tuple[str, ...]:
    each = value if isinstance(value, list | tuple) else [value]
    texts = [_text(one, "reasons", where) for one in each]
    return tuple(dict.fromkeys(_word(text, _REASON_WORDS, REASON_LABELS) for text in texts if text.strip()))


def _word(text: str, words: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """The code of a word or of a label of the form; any other text as it is, for `problems` to name."""
    plain = text.strip()
    by_label = {label: code for code, label in labels.items()}
    return str(words.get(plain) or by_label.get(plain) or plain)
