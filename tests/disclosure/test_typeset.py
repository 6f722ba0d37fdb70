"""Papers hold what they were given, as text, in an embedded font, the same octets each time."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from tests.disclosure.papers import DAY, DECISION, FORM, HOSTILE, OFFICE, SHEET, fonts, pages, text_of
from tsuwaroku.disclosure import typeset as module
from tsuwaroku.disclosure.form import custody_pdf, decision_pdf, request_pdf
from tsuwaroku.disclosure.sheets import Ledger, ledger_pdf
from tsuwaroku.disclosure.typeset import Value, printable, typeset
from tsuwaroku.errors import ConfigError

TEMPLATES = [each for each in (files("tsuwaroku.disclosure") / "templates").iterdir() if each.name.endswith(".typ")]
LEDGER = Ledger(title="消去記録", columns=("番号", "日"), rows=(("1", "令和8年11月23日"),), as_of=DAY)
NOTED: dict[str, Value] = {
    "title": "t",
    "columns": ["c"],
    "widths": [{"em": 9, "fixed": False}],
    "as_of": "",
    "office": "",
    "count": 1,
}


def one_cell(text: str) -> bytes:
    return typeset("ledger", {**NOTED, "rows": [[text]], "note": ""}, DAY)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.name)
def test_no_template_reads_imports_or_evaluates(template: Path) -> None:
    words = template.read_text(encoding="utf-8").replace("(", " ").replace("#", " ").split()
    forbidden = {
        "read",
        "eval",
        "import",
        "include",
        "plugin",
        "image",
        "csv",
        "yaml",
        "toml",
        "xml",
        "cbor",
        "bibliography",
    }
    assert sorted(forbidden & set(words)) == []


def test_the_compiler_sees_no_file_and_no_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for source in (f'#read("{secret}")', '#read("/etc/hostname")', '#read("../../../../../../etc/hostname")'):
        monkeypatch.setattr(module, "_template", lambda name, source=source: source if name == "x" else "")
        with pytest.raises(ConfigError) as caught:
            typeset("x", {}, DAY)
        assert caught.value.message.startswith("the paper cannot be set (")


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_a_text_is_text(text: str) -> None:
    assert "".join(text.split()) in text_of(one_cell(text)).replace("\u200b", "")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_a_paper(text: str) -> None:
    printed, _ = printable(text)
    assert len(pages(one_cell(text))) >= 1
    assert printable(printed)[0] == printed


@given(st.text(alphabet=[chr(code) for code in (*range(0x3041, 0x3097), *range(0x30A1, 0x30FB))], max_size=20))
def test_kana_are_kept(text: str) -> None:
    assert printable(text) == (text, ())


VARIANT = "邉\U000e0110"  # one of the many of 渡邉, in 文字情報基盤 and so in the font

PRINTED = [
    ("青森 花子", "青森 花子", ()),
    ("一\r\n二\r三\t四", "一\n二\n三 四", ()),
    ("神\ufa19𠮷髙﨑", "神\ufa19𠮷髙﨑", ()),  # NFC would make the second the first
    (VARIANT, VARIANT, ()),
    ("邉\U000e01ef", "邉", ("U+9089 U+E01EF",)),
    ("か\u3099e\u0301", "がé", ()),
    ("😀😀", "〓〓", ("U+1F600",)),
    ("a\ud800b", "a〓b", ("U+D800",)),
    ("a\x00\x1b", "a〓〓", ("U+0000", "U+001B")),
    ("a\u202eb", "a〓b", ("U+202E",)),
    ("a\u200bb\ufeff", "ab", ()),
    ("\ue000", "〓", ("U+E000",)),
    ("\U000e0100", "", ()),
    ("ア\ufe0f", "ア", ()),
    ("", "", ()),
]


@pytest.mark.parametrize(("text", "expected", "missing"), PRINTED)
def test_what_can_be_printed(text: str, expected: str, missing: tuple[str, ...]) -> None:
    assert printable(text) == (expected, missing)


def test_what_cannot_be_printed_is_told_at_the_foot() -> None:
    told = text_of(one_cell("花😀子" + "".join(chr(0x1F600 + n) for n in range(20))))
    assert "花〓子" in told
    assert "印字できない文字があります" in told
    assert "U+1F600、U+1F601" in told
    assert "ほか8字" in told
    assert "印字できない" not in text_of(one_cell("花子"))


def test_a_long_word_stays_in_its_cell() -> None:
    pdf = one_cell("A" * 400)
    assert text_of(pdf).replace("\u200b", "").count("A" * 400) == 1
    rightmost = 0.0

    def seen(text: str, _cm: list[float], matrix: list[float], _font: object, size: float) -> None:
        nonlocal rightmost
        rightmost = max(rightmost, matrix[4] + len(text.replace("\u200b", "")) * size * 0.5 if "A" in text else 0)

    page = PdfReader(io.BytesIO(pdf)).pages[0]
    page.extract_text(visitor_text=seen)
    assert 0 < rightmost <= float(page.mediabox.width)


ALL: dict[str, Callable[[], bytes]] = {
    "request": lambda: request_pdf(FORM, OFFICE, made_on=DAY),
    "decision": lambda: decision_pdf(DECISION, OFFICE),
    "custody": lambda: custody_pdf(SHEET, OFFICE),
    "ledger": lambda: ledger_pdf(LEDGER),
}


@pytest.mark.parametrize("paper", ALL)
def test_the_font_is_embedded_and_is_the_only_one(paper: str) -> None:
    pdf = ALL[paper]()
    assert fonts(pdf) == {"IPAmjMincho": True}
    assert b"pdfaid:part>2<" in pdf
    info = PdfReader(io.BytesIO(pdf)).metadata
    assert info is not None
    assert info.title
    assert info.creation_date is not None


def test_the_same_data_give_the_same_octets_in_another_process() -> None:
    script = (
        "import sys, hashlib; from tests.disclosure.test_typeset import ALL\n"
        "print(*[hashlib.sha256(make()).hexdigest() for make in ALL.values()])"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        env={"TZ": "America/New_York", "PYTHONPATH": root, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == [hashlib.sha256(make()).hexdigest() for make in ALL.values()]


def test_another_date_is_another_file() -> None:
    assert request_pdf(FORM, OFFICE, made_on=DAY) != request_pdf(FORM, OFFICE, made_on=date(2026, 11, 25))


def test_a_missing_or_broken_font_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "FONT_FOLDERS", (tmp_path / "none", tmp_path))
    with pytest.raises(ConfigError) as caught:
        request_pdf(FORM, OFFICE, made_on=DAY)
    assert caught.value.message == "the papers' font is missing"
    assert "fonts-ipamj-mincho" in caught.value.remedy
    (tmp_path / "ipamjm.ttf").write_bytes(b"no font")
    with pytest.raises(ConfigError) as caught:
        request_pdf(FORM, OFFICE, made_on=DAY)
    assert caught.value.message.startswith("the paper cannot be set (")
    assert caught.value.where == str(tmp_path / "ipamjm.ttf")


def test_setup_installs_the_font() -> None:
    assert module.FONT_PACKAGE in (Path(__file__).parents[2] / "scripts" / "setup").read_text(encoding="utf-8")
