"""Ledgers: whole in both forms, harmless in a spreadsheet, quick enough for a year of one."""

from __future__ import annotations

import csv
import io
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.disclosure.papers import HOSTILE, fonts, pages, text_of
from tsuwaroku.disclosure.sheets import Ledger, _widths, ledger_csv, ledger_pdf

LEDGER = Ledger(
    title="提供請求受付簿",
    columns=("番号", "請求年月日", "所属", "備考"),
    rows=(
        ("令和8年度 第1号", "令和8年11月24日", "市民課", "承認"),
        ("令和8年度 第2号", "令和8年11月25日", "税務課", "二行\nの備考, \"引用\""),
    ),
    as_of=date(2027, 3, 31),
    office="青葉市 管財課",
    note="監査記録から作成",
)  # fmt: skip


def read(data: bytes) -> list[list[str]]:
    """As a spreadsheet reads the file."""
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_csv_is_what_excel_reads() -> None:
    data = ledger_csv(LEDGER)
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 3
    assert read(data) == [list(LEDGER.columns), *map(list, LEDGER.rows)]


def one(text: str) -> str:
    (_, (found,)) = read(ledger_csv(replace(LEDGER, columns=("x",), rows=((text,),))))
    return found


@pytest.mark.parametrize(
    "text",
    ["=1+1", "=cmd|' /C calc'!A0", "+81312345678", "-1+1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠x", " =1", "\t=1",
     "\n=1", "\r=1", "\u3000=1", "\ufeff=1", "%0A=1", "|x"],
)  # fmt: skip
def test_no_text_is_a_formula(text: str) -> None:
    assert one(text).startswith("'")
    assert one(text)[1:] == text.replace("\r", "\n")


@pytest.mark.parametrize(
    "text", ["令和8年度 第1号", "03-1234-5678", "a=b", "'x", "内線201", "201", "4C530001", "2026-11-24", "", " ", "〒"]
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert one(text) == text


@pytest.mark.parametrize("text", ["0312345678", "1234567890123456", "4E10", "1-2", "11/23", " 012"])
def test_what_a_spreadsheet_would_change_it_leaves_alone(text: str) -> None:
    assert one(text) == f"'{text}"


def test_halves_of_letters_and_control_characters_are_shown_as_lost() -> None:
    assert one("a\ud800\x00\x1bb") == "a\ufffd\ufffd\ufffdb"


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5))
def test_every_row_and_column_of_any_text_comes_back(rows: list[tuple[str, str]]) -> None:
    found = read(ledger_csv(replace(LEDGER, columns=("a", "b"), rows=tuple(rows))))
    assert [len(row) for row in found] == [2] * (1 + len(rows))
    starts = {cell.lstrip(" \t\n\u3000")[:1] for row in found for cell in row}
    assert starts & set("=+-@＝＋－＠") == set()


def test_a_pdf_holds_it_all() -> None:
    (page,) = pages(ledger_pdf(LEDGER))
    for part in (
        "提供請求受付簿",
        "青葉市管財課",
        "令和9年3月31日現在",
        "2件",
        "監査記録から作成",
        "1/1",
        *LEDGER.columns,
    ):
        assert part in page
    for row in LEDGER.rows:
        for text in row:
            assert "".join(text.split()) in page


def test_an_empty_ledger_says_so() -> None:
    (page,) = pages(ledger_pdf(replace(LEDGER, rows=())))
    assert "該当なし" in page
    assert "0件" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_is_markup(text: str) -> None:
    ledger = Ledger(title=text, columns=(text,), rows=((text,),), as_of=LEDGER.as_of, office=text, note=text)
    assert text_of(ledger_pdf(ledger)).replace("\u200b", "").count("".join(text.split())) == 5


def test_a_row_of_another_length_is_a_bug() -> None:
    with pytest.raises(ValueError, match="one text for each column"):
        replace(LEDGER, rows=(("a",),))
    with pytest.raises(ValueError, match="one text for each column"):
        replace(LEDGER, columns=(), rows=())


@pytest.mark.parametrize("count", [300, pytest.param(2000, marks=pytest.mark.slow)])
def test_many_rows(count: int) -> None:
    """None is lost, the columns stand at the head of every page, every page is numbered. 2,000 rows: 2 s on a PC."""
    rows = tuple((f"第{n}号", "令和8年12月23日", "市民課", f"行{n:04d}" * (1 + n % 9)) for n in range(1, count + 1))
    began = time.monotonic()
    pdf = ledger_pdf(replace(LEDGER, rows=rows))
    took = time.monotonic() - began
    found = pages(pdf)
    text = "".join(found)
    assert [n for n in range(1, count + 1) if f"第{n}号" not in text] == []
    assert [at for at, page in enumerate(found, 1) if f"{at}/{len(found)}" not in page] == []
    assert [at for at, page in enumerate(found, 1) if "番号請求年月日所属備考" not in page] == []
    assert [at for at, page in enumerate(found, 1) if "提供請求受付簿" not in page] == []
    assert fonts(pdf) == {"IPAmjMincho": True}
    assert len(pdf) < 1_500_000
    assert took < 20


def test_a_word_that_cannot_be_broken_has_a_column_as_wide_as_it_is() -> None:
    """With many columns it would otherwise be printed over its neighbour."""
    columns = ("番号", *(f"見出し{at}" for at in range(11)))
    rows = (("D2026-001", *("令和8年11月28日",) * 11),)
    first, *others = _widths(replace(LEDGER, columns=columns, rows=rows))
    assert first == {"em": round(9 * 0.56 + 1.2, 1), "fixed": True}
    assert all(isinstance(other, dict) and not other["fixed"] for other in others)
