"""The papers of Article 9: every word of the official form, every field in its place, blanks for what is not known."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from tests.disclosure.papers import DAY, DECISION, FORM, HOSTILE, NUMBER, OFFICE, SHEET, pages, text_of
from tsuwaroku.disclosure.form import CustodySheet, custody_pdf, decision_pdf, post_of, request_pdf
from tsuwaroku.records.request import Answer, RequestForm, normalised


def in_order(text: str, parts: list[str]) -> None:
    """Every part stands in the text, each behind the one before."""
    at = 0
    for part in parts:
        found = text.find(part, at)
        assert found >= 0, f"{part} is missing, or before {text[at : at + 40]}"
        at = found + len(part)


def test_the_form_has_every_word_of_the_ordinance_and_every_field() -> None:
    (page,) = pages(request_pdf(FORM, OFFICE, made_on=DAY, number=NUMBER, received_on=date(2026, 11, 25)))
    in_order(
        page,
        [
            "令和8年11月24日", "管財課長", "市民課長青森花子", "通話記録提供請求書",
            "通話内容", "窓口の案内について",
            "通話日時", "令和8年11月23日14時5分～令和8年11月23日14時30分",
            "通話記録請求理由", "職員の接遇意識の向上に必要なため", "業務の公正かつ適正な執行に必要なため",
            "その他（", "）",
            "通話相手先", "電話番号：03-1234-5678", "氏名：不明（名乗らなかったため）",
            "通話対応者", "電話番号又は内線番号：内線201", "担当者所属・氏名：市民課弘前太郎",
            "その他留意事項等", "留意事項", "備考", "備考の文",
        ],
    )  # fmt: skip
    for part in ("別記様式（第9条関係）", "受付番号令和8年度第1号", "受付年月日令和8年11月25日"):
        assert part in page


def ticked(text: str) -> list[bool]:
    """Of each box of a paper whether it is ticked, in order."""
    return [text[at + 1 : at + 2] == "✓" for at, letter in enumerate(text) if letter == "□"]


@pytest.mark.parametrize(
    ("reasons", "boxes"),
    [((), [False] * 3), (("courtesy",), [True, False, False]), (("fairness", "courtesy"), [True, True, False]),
     (("other",), [False, False, True])],
)  # fmt: skip
def test_the_boxes_are_ticked_as_the_form_says(reasons: tuple[str, ...], boxes: list[bool]) -> None:
    form = replace(FORM, reasons=reasons, purpose="研修の資料", serves="pressure")
    text = text_of(request_pdf(form, OFFICE, made_on=DAY))
    assert ticked(text) == boxes
    assert "その他（研修の資料）" in text
    assert "要綱第1条の目的：架電者からの不当な圧力等の排除" in text


def test_an_empty_form_is_one_to_fill_in_and_a_wrong_one_shows_what_is_wrong() -> None:
    (page,) = pages(request_pdf(RequestForm(), OFFICE, made_on=DAY))
    assert "受付番号" not in page
    assert "電話番号：" in page
    wrong = replace(FORM, begin="平成38年11月23日", near_number=Answer("代表"))
    text = text_of(request_pdf(wrong, OFFICE, made_on=DAY))
    assert "平成38年11月23日" in text
    assert "内線番号：代表" in text


def test_the_normal_form_prints_the_same_days() -> None:
    text = text_of(request_pdf(normalised(FORM), OFFICE, made_on=DAY))
    assert "令和8年11月23日14時5分～令和8年11月23日14時30分" in text


def test_another_office_has_its_own_words() -> None:
    office = replace(OFFICE, form="様式第2号（第8条関係）", manager="総務課長", personnel="職員課長")
    assert "様式第2号（第8条関係）" in text_of(request_pdf(FORM, office, made_on=DAY))
    text = text_of(decision_pdf(DECISION, office))
    assert "総務課長十和田一郎" in text
    assert "市民課長及び職員課長（各1部）" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_no_field_is_markup(text: str) -> None:
    form = RequestForm(
        department=text, head=text, content=text, begin=text, end=text, reasons=("other",), purpose=text, serves=text,
        far_number=Answer(text), far_name=Answer(unknown=text), near_number=Answer(text), near_person=Answer(text),
        notes=text, remarks=text,
    )  # fmt: skip
    found = text_of(request_pdf(form, OFFICE, made_on=DAY)).replace("\u200b", "")
    assert found.count("".join(text.split())) == 13


def test_what_does_not_fit_goes_on_and_no_letter_is_lost() -> None:
    form = replace(FORM, head="寿限無" * 33, notes="あ" * 1000, remarks="\n".join(["備考"] * 60), content="x" * 1000)
    found = pages(request_pdf(form, OFFICE, made_on=DAY))
    text = "".join(found).replace("\u200b", "")
    assert (text.count("寿限無"), text.count("あ" * 10), text.count("x" * 1000)) == (33, 100, 1)
    assert text.count("備考") == 61
    assert [f"{at}/{len(found)}" in page for at, page in enumerate(found, 1)] == [True] * len(found)
    assert len(found) > 1


def test_an_approval() -> None:
    (page,) = pages(decision_pdf(DECISION, OFFICE))
    in_order(
        page,
        [
            "令和8年度第1号", "令和8年11月25日", "市民課長青森花子様", "通話録音装置管理責任者", "管財課長十和田一郎",
            "通話記録提供承認通知書", "令和8年11月24日付けで請求のあった", "次のとおり承認します。",
            "理由", "対象の通話が特定されているため。", "通話第1234号通話第1235号", "市民課長及び人事課長（各1部）",
            "返却期限", "令和9年2月24日", "（第10条）", "（第9条第3項）", "（第9条第4項）", "（第6条）",
        ],
    )  # fmt: skip
    assert ticked(page) == [True, False]


def test_a_refusal_has_its_reason_and_promises_nothing() -> None:
    (page,) = pages(decision_pdf(replace(DECISION, approved=False, reason="目的に当たらないため。"), OFFICE))
    in_order(page, ["通話記録提供不承認通知書", "次のとおり承認しないこととします。", "目的に当たらないため。"])
    assert ticked(page) == [False, True]
    assert [part for part in ("1234", "各1部", "返却期限", "遵守事項") if part in page] == []


def test_a_custody_sheet_that_is_filled_in_by_hand() -> None:
    (page,) = pages(custody_pdf(SHEET, OFFICE))
    in_order(
        page,
        [
            "通話記録媒体管理票", "媒体001", "令和8年度第1号", "4C530001", "32GB", "人事課長", "2件", "定めなし",
            "1受領書", "受領年月日", "令和年月日", "（署名又は記名押印）", "2返却確認（第9条第4項）", "令和年月日",
            "3消去及び廃棄確認（第9条第5項）", "令和年月日", "廃棄年月日", "令和年月日", "立会人",
            "（署名又は記名押印）",
            "4紛失・毀損その他の事故",
        ],
    )  # fmt: skip
    assert page.count("（署名又は記名押印）") == 5
    assert ticked(page) == [False] * 3


DONE = CustodySheet(
    **{name: getattr(SHEET, name) for name in ("number", "holder", "label", "serial", "capacity", "calls", "made_on")},
    return_by=date(2027, 2, 24), handed_on=date(2026, 11, 26), handed_by="管財課 十和田", received_by="人事課長 八戸",
    returned_on=date(2027, 2, 1), returned_by="人事課 三沢", taken_by="管財課 むつ", wiped_on=date(2027, 2, 2),
    wiped_how="全領域を上書きし、読み戻して確認", destroyed_on=date(2027, 2, 3), destroyed_how="破砕",
    destroyed_by="管財課 黒石", witnessed_by="総務課 平川", incident="なし",
)  # fmt: skip


def test_a_custody_sheet_of_a_medium_that_is_no_more() -> None:
    (page,) = pages(custody_pdf(DONE, OFFICE))
    in_order(
        page,
        [
            "令和9年2月24日", "管財課十和田", "令和8年11月26日", "人事課長八戸", "令和9年2月1日", "人事課三沢",
            "管財課むつ",
            "令和9年2月2日", "全領域を上書きし、読み戻して確認", "令和9年2月3日", "管財課黒石", "総務課平川", "なし",
        ],
    )  # fmt: skip
    assert "（署名又は記名押印）" not in page
    assert ticked(page) == [True, False, False]
    assert ticked(text_of(custody_pdf(replace(DONE, destroyed_how="裁断"), OFFICE))) == [False, True, False]
    molten = text_of(custody_pdf(replace(DONE, destroyed_how="溶解"), OFFICE))
    assert ticked(molten) == [False, False, True]
    assert "その他（溶解）" in molten


@pytest.mark.parametrize(
    ("department", "post"),
    [
        ("市民課", "市民課長"),
        ("市民課長", "市民課長"),
        ("教育委員会", "教育委員会"),
        (" 出納室 ", "出納室長"),
        ("", ""),
    ],
)
def test_the_post_of_a_department(department: str, post: str) -> None:
    assert post_of(department) == post
