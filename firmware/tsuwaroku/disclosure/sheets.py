"""Ledgers as CSV and PDF: 録音装置設置台帳, 取扱者指名簿, 提供請求受付簿, 媒体管理簿, 消去記録, 監査記録.

Text in, octets out.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from datetime import date
from typing import Final

import msgspec

from tsuwaroku.disclosure.typeset import Value, typeset
from tsuwaroku.records.era import wareki

# What Excel, LibreOffice and their likes take for the start of a formula (CSV injection), in full width too: some
# fold it. A tabulator or a line's end before it does not help them.
_FORMULA: Final = frozenset("=+-@＝＋－＠|%")
# What they would change as they read it: 0312345678, a serial number of 16 digits or like 4E10, 1-2 for a date.
_CHANGED: Final = re.compile(r"0[0-9]+|[0-9]{12,}|[0-9]+[eE][0-9]+|[0-9]{1,4}[-/][0-9]{1,4}")
_WORD: Final = re.compile(r"[!-~]*")
_BLANK: Final = " \t\r\n\u3000\u00a0\ufeff\u200b"
# Widths of columns in full-width letters, of some 84 that the page has.
_PADDING: Final = 1.2
_SHORT: Final = 14
_MOST_FIXED: Final = 66
_MOST_USUAL: Final = 30
# Structure for screen readers costs 2 KiB a row: what is longer is read as CSV.
_MOST_TAGGED: Final = 500


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger as it was on a day: `rows` have as many texts as there are `columns`; `note` stands below the title."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    as_of: date
    office: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not self.columns or any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.title}: a row has not one text for each column")


def ledger_csv(ledger: Ledger) -> bytes:
    """UTF-8 with a byte-order mark and CRLF, as Excel reads it: the columns, then the rows; every text in quotes.

    A text that a spreadsheet would take for a formula, or change as it reads it (a number that begins with 0), begins
    with an apostrophe here. Halves of letters and control characters but the line's end become U+FFFD.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([_defused(column) for column in ledger.columns])
    writer.writerows([_defused(text) for text in row] for row in ledger.rows)
    return out.getvalue().encode("utf-8-sig")


def _defused(text: str) -> str:
    clean = "".join(
        "\ufffd" if unicodedata.category(each) in ("Cc", "Cs") and each not in "\t\n" else each
        for each in text.replace("\r\n", "\n").replace("\r", "\n")
    )
    begins = clean.lstrip(_BLANK)[:1]
    risky = (begins and begins in _FORMULA) or _CHANGED.fullmatch(clean.strip(_BLANK))
    return f"'{clean}" if risky else clean


def ledger_pdf(ledger: Ledger) -> bytes:
    """A4 across, the columns repeated on each page, pages numbered n / m. Raises ConfigError without the font."""
    data: dict[str, Value] = {
        "title": ledger.title,
        "columns": list(ledger.columns),
        "widths": _widths(ledger),
        "rows": [list(row) for row in ledger.rows],
        "as_of": wareki(ledger.as_of),
        "office": ledger.office,
        "note": ledger.note,
        "count": len(ledger.rows),
    }
    return typeset("ledger", data, ledger.as_of, tagged=len(ledger.rows) <= _MOST_TAGGED)


def _widths(ledger: Ledger) -> list[Value]:
    """Of each column: short ones as wide as their longest text, the others share what is left by what nine in ten of
    their texts need; where the short ones would take too much of the page, all share it but those that cannot be
    broken, as D2026-001: they would be printed over their neighbours."""
    needs = [sorted([_width(row[at]) for row in ledger.rows] or [0.0]) for at in range(len(ledger.columns))]
    heads = [_width(column) for column in ledger.columns]
    longest = [max(need[-1], head) + _PADDING for need, head in zip(needs, heads, strict=True)]
    usual = [max(need[(len(need) - 1) * 9 // 10], head) + _PADDING for need, head in zip(needs, heads, strict=True)]
    short = [width <= _SHORT for width in longest]
    if sum(width for width, fixed in zip(longest, short, strict=True) if fixed) > _MOST_FIXED or all(short):
        short = [fixed and _unbroken(ledger, at) for at, fixed in enumerate(short)]
    if sum(width for width, fixed in zip(longest, short, strict=True) if fixed) > _MOST_FIXED or all(short):
        short = [False] * len(short)
    return [
        {"em": round(longest[at] if fixed else min(usual[at], _MOST_USUAL), 1), "fixed": fixed}
        for at, fixed in enumerate(short)
    ]


def _unbroken(ledger: Ledger, at: int) -> bool:
    """Whether the texts of a column are words without a place to break them."""
    return bool(ledger.rows) and all(_WORD.fullmatch(row[at]) for row in ledger.rows)


def _width(text: str) -> float:
    """Of its longest line, in full-width letters."""
    return max(
        (
            sum(1.0 if unicodedata.east_asian_width(each) in "WFA" else 0.56 for each in line)
            for line in text.split("\n")
        ),
        default=0.0,
    )
