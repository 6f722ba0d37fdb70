"""The public notice: whole, harmless, readable by everybody, and without anything from elsewhere."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.disclosure.papers import OFFICE
from tsuwaroku.config import NoticeKind
from tsuwaroku.disclosure.notice_page import Place, PublicNotice, YearFigures, drafted, notice_html, period_ja
from tsuwaroku.records.retention import Period, Unit

FIGURES = YearFigures(
    year=2026,
    calls=36120,
    marks=14,
    requests=(("承認", 9), ("不承認", 2), ("取下げ", 1)),
    disclosures=(("捜査機関からの要請", 1),),
    erasures=33012,
    until=date(2026, 11, 30),
)
NOTICE = PublicNotice(
    city="青葉市",
    ordinance="青葉市通話録音装置の設置及び運用に関する要綱",
    places=(Place("本庁舎1階 市民課", 4), Place("本庁舎2階 建設課", 1200)),
    purpose="目的の文",
    operation="運用の文\n二つめの段落",
    notice="告知の文",
    retention="保存の文",
    use="制限の文",
    responsible="管財課長",
    contact="青葉市 管財課\n電話 0312345678",
    posted_on=date(2026, 5, 1),
    years=(FIGURES, YearFigures(year=2025, calls=1, marks=0)),
)
VOID = {"meta", "br", "link", "img", "input", "hr", "base"}


class Page(HTMLParser):
    """Elements, texts and ids of a page; fails where elements do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


PAGE = Page(notice_html(NOTICE))


def test_it_says_what_article_5_asks_for() -> None:
    assert PAGE.said("h1") == ["通話録音装置の設置及び運用について"]
    assert PAGE.said("h2") == [
        "設置状況", "設置の目的", "運用方法", "通話の相手方への告知", "通話記録の保存期間及び消去",
        "通話記録の利用及び提供の制限", "運用状況", "管理責任者", "お問い合わせ先",
    ]  # fmt: skip
    paragraphs = PAGE.said("p")
    assert "青葉市通話録音装置の設置及び運用に関する要綱第5条の規定により、次のとおり公表します。" in paragraphs
    for text in (
        "目的の文",
        "運用の文",
        "二つめの段落",
        "告知の文",
        "保存の文",
        "制限の文",
        "管財課長",
        "電話 0312345678",
    ):
        assert text in paragraphs
    assert PAGE.said("time") == ["令和8年5月1日"] * 2
    assert [each["datetime"] for each in PAGE.attributes("time")] == ["2026-05-01"] * 2


def test_places_and_figures() -> None:
    cells = [text for tag, text in PAGE.texts if tag in ("th", "td", "caption")]
    assert cells == [
        "通話録音装置を設置している電話機", "設置場所", "台数",
        "本庁舎1階 市民課", "4台", "本庁舎2階 建設課", "1,200台", "合計", "1,204台",
        "令和8年度の運用状況（令和8年11月30日現在）", "項目", "件数",
        "録音した通話", "36,120件", "うち不当要求として印を付けた通話", "14件",
        "所属からの提供請求", "12件", "うち承認", "9件", "うち不承認", "2件", "うち取下げ", "1件",
        "法令等に基づく外部への提供", "1件", "うち捜査機関からの要請", "1件",
        "保存期間の経過により消去した通話", "33,012件",
        "令和7年度の運用状況", "項目", "件数",
        "録音した通話", "1件", "うち不当要求として印を付けた通話", "0件", "所属からの提供請求", "0件",
        "法令等に基づく外部への提供", "0件", "保存期間の経過により消去した通話", "0件",
    ]  # fmt: skip


def test_nothing_comes_from_elsewhere_and_nothing_runs() -> None:
    html = notice_html(NOTICE)
    assert re.findall(r"https?:|//|url\(|@import|javascript:|src=|<script|<link|<img|<iframe| on\w+=", html) == []
    assert [each["href"] for each in PAGE.attributes("a") if not str(each["href"]).startswith("#")] == []
    policies = [each.get("content") for each in PAGE.attributes("meta") if each.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_it_can_be_read_by_everybody() -> None:
    assert PAGE.attributes("html") == [{"lang": "ja"}]
    assert [tag for tag, _ in PAGE.elements if tag in ("header", "nav", "main", "footer")] == [
        "header", "nav", "main", "footer"
    ]  # fmt: skip
    ids = [str(each["id"]) for _, each in PAGE.elements if "id" in each]
    assert len(ids) == len(set(ids))
    pointed = [str(each["href"])[1:] for each in PAGE.attributes("a")]
    pointed += [str(each["aria-labelledby"]) for each in PAGE.attributes("section")]
    assert sorted(set(pointed) - set(ids)) == []
    assert PAGE.elements[[tag for tag, _ in PAGE.elements].index("body") + 1][1]["href"] == "#main"
    assert [each for each in PAGE.attributes("th") if each.get("scope") not in ("row", "col")] == []
    assert len(PAGE.said("caption")) == len(PAGE.attributes("table")) == 3
    assert PAGE.said("title") == ["通話録音装置の設置及び運用について - 青葉市"]


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.1)."""
    full = "".join(letter * 2 for letter in colour[1:]) if len(colour) == 4 else colour[1:]
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_colour_of_text_contrasts_with_every_ground() -> None:
    css = (files("tsuwaroku.disclosure") / "templates" / "notice.css").read_text(encoding="utf-8")
    letters = set(re.findall(r"[^-]color: (#[0-9a-f]{3,6})", css))
    grounds = set(re.findall(r"background: (#[0-9a-f]{3,6})", css))
    assert letters >= {"#1a1a1a", "#0b4f9e"}
    assert grounds >= {"#fff", "#e2e8f0"}
    ratios = {
        (letter, ground): (luminance(ground) + 0.05) / (luminance(letter) + 0.05)
        for letter in letters
        for ground in grounds
    }
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}
    assert "@media print" in css


HOSTILE = '<script>alert("x")</script>&lt;\'" onload=x <!-- --> ]]> </style></main>'


@pytest.mark.parametrize("field", ["city", "ordinance", "purpose", "operation", "notice", "retention", "use",
                                   "responsible", "contact", "article"])  # fmt: skip
def test_every_text_is_escaped(field: str) -> None:
    page = Page(notice_html(replace(NOTICE, **{field: HOSTILE})))
    assert page.attributes("script") == []
    assert any(HOSTILE in text for _, text in page.texts)


def test_names_of_places_and_outcomes_are_escaped() -> None:
    figures = replace(FIGURES, requests=((HOSTILE, 1),), disclosures=((HOSTILE, 1),))
    page = Page(notice_html(replace(NOTICE, places=(Place(HOSTILE, 1),), years=(figures,))))
    assert page.attributes("script") == []
    assert sum(HOSTILE in text for _, text in page.texts) == 3


@given(st.text(max_size=40))
def test_any_text_is_a_page_that_can_be_stored(text: str) -> None:
    html = notice_html(replace(NOTICE, city=text, contact=text, places=(Place(text, 1),)))
    assert [tag for tag, _ in Page(html).elements] == [tag for tag, _ in Page(html.encode().decode()).elements]
    assert re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", html) == []


def test_what_is_empty_is_left_out() -> None:
    page = Page(notice_html(replace(NOTICE, use="", years=(), ordinance="", places=(), city="")))
    assert "運用状況" not in page.said("h2")
    assert "通話記録の利用及び提供の制限" not in page.said("h2")
    assert len(page.said("a")) == len(page.said("h2")) + 1
    assert "現在、通話録音装置を設置している電話機はありません。" in page.said("p")
    assert [text for text in page.said("p") if "規定により" in text] == []


def test_a_draft_from_the_configuration() -> None:
    office = replace(OFFICE, contact="管財課 0312345678")
    draft = drafted(office, NOTICE.places, Period(3, Unit.MONTHS), [NoticeKind.ANNOUNCEMENT, NoticeKind.EXEMPT],
                    date(2026, 5, 1), [FIGURES])  # fmt: skip
    html = notice_html(draft)
    assert "録音した日から3か月間保存し" in html
    assert "音声でお知らせします" in html
    assert "省略することがあります" in html
    assert "信号音" not in html
    for text in ("青葉市", "管財課長", "管財課 0312345678", "36,120件"):
        assert text in html
    beeps = drafted(office, (), Period(30), [NoticeKind.BEEP], date(2026, 5, 1))
    assert "信号音でお知らせします" in beeps.notice
    assert "省略" not in beeps.notice
    assert [period_ja(period) for period in (Period(30), Period(5, Unit.YEARS))] == ["30日間", "5年間"]
