"""The public notice of Article 5 as one HTML page: where devices are, what for, how they are run, the years' figures.

Text in, text out. The page needs nothing from anywhere: no script, font, image or style of another place, and says so
to the browser. Everything given is escaped. It holds no personal data as long as what is given holds none; lines whose
callers must not find themselves recorded, as counselling lines, are left out by whoever gives the places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from importlib.resources import files
from typing import Final

import msgspec

from tsuwaroku.config import NoticeKind, OfficeConfig
from tsuwaroku.records.era import fiscal_text, wareki
from tsuwaroku.records.retention import Period, Unit

_UNITS: Final = {Unit.DAYS: "日間", Unit.MONTHS: "か月間", Unit.YEARS: "年間"}


class Place(msgspec.Struct, frozen=True):
    """`where` 本庁舎1階 市民課, `devices`: how many telephones have one."""

    where: str
    devices: int


class YearFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A fiscal year (by its first western year) in numbers. `until`: the last day counted, None for a whole year.

    `calls`: recorded; `marks`: calls marked as 不当要求; `requests`: (outcome as printed, how many) of Article 9;
    `disclosures`: (case as printed, how many) of Article 10; `erasures`: calls erased after their retention.
    """

    year: int
    calls: int
    marks: int
    requests: tuple[tuple[str, int], ...] = ()
    disclosures: tuple[tuple[str, int], ...] = ()
    erasures: int = 0
    until: date | None = None


class PublicNotice(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says. Texts are plain, a line break begins a paragraph; empty parts are left out.

    `city`, `ordinance`: names; `purpose`, `operation` (運用方法), `notice` (告知), `retention` (保存期間及び消去),
    `use` (利用及び提供の制限), `responsible` (管理責任者), `contact`; `posted_on`: when it is published; `article`: the
    one of the ordinance that asks for it.
    """

    city: str
    ordinance: str
    places: tuple[Place, ...]
    purpose: str
    operation: str
    notice: str
    retention: str
    responsible: str
    contact: str
    posted_on: date
    use: str = ""
    article: str = "第5条"
    years: tuple[YearFigures, ...] = ()


_PURPOSE: Final = (
    "職員の接遇意識の向上とともに、架電者からの不当な圧力等を排除し、業務の公正かつ適正な執行を確保するためです。"
)
_OPERATION: Final = (
    "装置を設置した電話機での通話を録音し、音声、電話番号、通話時間等を記録します。\n"
    "通話記録は暗号化して保存し、管理責任者及び管理責任者が指名した管理取扱者のほかは聞くことができません。\n"
    "通話記録は録音したときの状態で保存し、加工しません。"
)
_NOTICES: Final = {
    NoticeKind.ANNOUNCEMENT: "録音する通話では、録音することを音声でお知らせします。",
    NoticeKind.BEEP: "録音する通話では、録音していることを信号音でお知らせします。",
    NoticeKind.BOTH: "録音する通話では、録音することを音声でお知らせし、通話中は信号音でもお知らせします。",
}
_EXEMPT: Final = "要綱に定める場合には、通話の中でのお知らせを省略することがあります。"
_USE: Final = (
    "通話記録は、設置の目的以外に利用し、又は第三者に提供することはありません。ただし、法令等に基づくとき、個人の生命、"
    "身体又は財産を保護するため緊急かつやむを得ないと認められるとき及び捜査機関から犯罪捜査の目的による要請を受けたときを除きます。"
)


def drafted(
    office: OfficeConfig,
    places: Sequence[Place],
    period: Period,
    notices: Iterable[NoticeKind],
    posted_on: date,
    years: Sequence[YearFigures] = (),
) -> PublicNotice:
    """The notice in the words of our ordinance, from what is configured: `period` of retention, and every kind of
    `notices` in use on the `places`' lines. A city with another ordinance replaces the texts that differ."""
    kinds = set(notices)
    said = [text for kind, text in _NOTICES.items() if kind in kinds]
    if NoticeKind.EXEMPT in kinds:
        said.append(_EXEMPT)
    return PublicNotice(
        city=office.city,
        ordinance=office.ordinance,
        places=tuple(places),
        purpose=_PURPOSE,
        operation=_OPERATION,
        notice="\n".join(said),
        retention=f"通話を録音した日から{period_ja(period)}保存し、期間を経過した通話記録は上書きにより消去します。"
        "目的を達成するため特に必要と管理責任者が認めた場合は、期間を延長することがあります。",
        use=_USE,
        responsible=office.manager,
        contact=office.contact,
        posted_on=posted_on,
        years=tuple(years),
    )


def period_ja(period: Period) -> str:
    """30日間, 3か月間, 5年間."""
    return f"{period.count}{_UNITS[period.unit]}"


def notice_html(notice: PublicNotice) -> str:
    """The page, as a whole HTML document in UTF-8 text; the same notice gives the same page."""
    title = (
        f"通話録音装置の設置及び運用について - {notice.city}" if notice.city else "通話録音装置の設置及び運用について"
    )
    parts = [
        ("設置状況", "places", _places(notice.places)),
        ("設置の目的", "purpose", _paragraphs(notice.purpose)),
        ("運用方法", "operation", _paragraphs(notice.operation)),
        ("通話の相手方への告知", "told", _paragraphs(notice.notice)),
        ("通話記録の保存期間及び消去", "retention", _paragraphs(notice.retention)),
        ("通話記録の利用及び提供の制限", "use", _paragraphs(notice.use)),
        ("運用状況", "figures", _figures(notice.years)),
        ("管理責任者", "responsible", _paragraphs(notice.responsible)),
        ("お問い合わせ先", "contact", _paragraphs(notice.contact)),
    ]
    shown = [part for part in parts if part[2]]
    contents = "".join(f'<li><a href="#{name}">{heading}</a></li>' for heading, name, _ in shown)
    sections = "\n".join(
        f'<section id="{name}" aria-labelledby="{name}-title">\n'
        f'<h2 id="{name}-title">{heading}</h2>\n{body}\n</section>'
        for heading, name, body in shown
    )
    posted = f'<time datetime="{notice.posted_on.isoformat()}">{wareki(notice.posted_on)}</time>'
    basis = (
        f"{_text(notice.ordinance)}{_text(notice.article)}の規定により、次のとおり公表します。"
        if notice.ordinance
        else ""
    )
    style = (files("tsuwaroku.disclosure") / "templates" / "notice.css").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{_text(title)}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#main">本文へ移動</a>
<header>
<p class="city">{_text(notice.city)}</p>
<h1>通話録音装置の設置及び運用について</h1>
<p class="posted">公表日：{posted}</p>
</header>
<nav aria-label="目次">
<ul>{contents}</ul>
</nav>
<main id="main">
{f"<p>{basis}</p>" if basis else ""}
{sections}
</main>
<footer>
<p>{_text(notice.city)}　{posted}公表</p>
</footer>
</body>
</html>
"""


def _text(text: str) -> str:
    """As HTML text: escaped; halves of letters, control characters and those that turn writing round as U+FFFD."""
    return escape("".join(each if _allowed(each) else "\ufffd" for each in text))


def _allowed(letter: str) -> bool:
    code = ord(letter)
    if code < 0x20:
        return letter in "\n\t"
    return not (
        0x7F <= code <= 0x9F
        or 0xD800 <= code <= 0xDFFF
        or 0x202A <= code <= 0x202E
        or 0x2066 <= code <= 0x2069
        or code & 0xFFFE == 0xFFFE
        or 0xFDD0 <= code <= 0xFDEF
    )


def _paragraphs(text: str) -> str:
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n")]
    return "\n".join(f"<p>{_text(line)}</p>" for line in lines if line)


def _places(places: Sequence[Place]) -> str:
    if not places:
        return "<p>現在、通話録音装置を設置している電話機はありません。</p>"
    rows = [(place.where, f"{place.devices:,}台") for place in places]
    total = ("合計", f"{sum(place.devices for place in places):,}台")
    return _table("通話録音装置を設置している電話機", ("設置場所", "台数"), rows, total)


def _figures(years: Iterable[YearFigures]) -> str:
    return "\n".join(_year(year) for year in sorted(years, key=lambda year: year.year, reverse=True))


def _year(year: YearFigures) -> str:
    rows = [
        ("録音した通話", f"{year.calls:,}件"),
        ("　うち不当要求として印を付けた通話", f"{year.marks:,}件"),
        *_counted("所属からの提供請求", year.requests),
        *_counted("法令等に基づく外部への提供", year.disclosures),
        ("保存期間の経過により消去した通話", f"{year.erasures:,}件"),
    ]
    until = f"（{wareki(year.until)}現在）" if year.until else ""
    return _table(f"{fiscal_text(year.year)}の運用状況{until}", ("項目", "件数"), rows, None)


def _counted(name: str, counts: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
    total = sum(count for _, count in counts)
    return [(name, f"{total:,}件"), *((f"　うち{outcome}", f"{count:,}件") for outcome, count in counts)]


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]], total: Sequence[str] | None) -> str:
    head = "".join(f'<th scope="col">{_text(column)}</th>' for column in columns)
    body = "\n".join(_row(row) for row in rows)
    foot = f"\n<tfoot>\n{_row(total)}\n</tfoot>" if total else ""
    return (
        f"<table>\n<caption>{_text(caption)}</caption>\n<thead>\n<tr>{head}</tr>\n</thead>\n"
        f"<tbody>\n{body}\n</tbody>{foot}\n</table>"
    )


def _row(row: Sequence[str]) -> str:
    first, *others = row
    cells = "".join(f"<td>{_text(text)}</td>" for text in others)
    return f'<tr><th scope="row">{_text(first)}</th>{cells}</tr>'
