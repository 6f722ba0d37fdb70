"""What papers are made of in tests, and how they are read."""

from __future__ import annotations

import io
from datetime import date

from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from tsuwaroku.config import OfficeConfig
from tsuwaroku.disclosure.form import CustodySheet, Decision
from tsuwaroku.records.era import RequestNumber
from tsuwaroku.records.request import Answer, RequestForm

OFFICE = OfficeConfig(city="青葉市", ordinance="青葉市通話録音装置の設置及び運用に関する要綱")
NUMBER = RequestNumber(2026, 1)
DAY = date(2026, 11, 24)
FORM = RequestForm(
    department="市民課",
    head="青森 花子",
    content="窓口の案内について",
    begin="2026-11-23T14:05:00+09:00",
    end="2026-11-23T14:30:00+09:00",
    reasons=("courtesy",),
    far_number=Answer("03-1234-5678"),
    far_name=Answer(unknown="名乗らなかったため"),
    near_number=Answer("201"),
    near_person=Answer("市民課 弘前 太郎"),
    notes="留意事項",
    remarks="備考の文",
)
DECISION = Decision(
    number=NUMBER,
    requested_on=DAY,
    department="市民課",
    head="青森 花子",
    approved=True,
    reason="対象の通話が特定されているため。",
    decided_on=date(2026, 11, 25),
    decided_by="十和田 一郎",
    calls=("通話 第1234号", "通話 第1235号"),
    return_by=date(2027, 2, 24),
)
SHEET = CustodySheet(
    number=NUMBER,
    holder="人事課長",
    label="媒体001",
    serial="4C530001",
    capacity="32 GB",
    calls=2,
    made_on=date(2026, 11, 26),
)
HOSTILE = (
    '#read("/etc/passwd")',
    "#{1+1} #sys.inputs #let x = 1",
    "$x^2$ *b* _i_ `c` @ref <label> = h // c /* d */ \\ ~ --- ...",
    "]#[#panic()",
    '"}{"missing": "x"',
    "<script>alert(1)</script>&amp;",
    "%{}{0}",
)


def pages(pdf: bytes) -> list[str]:
    """The text of each page without any white space."""
    return ["".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def text_of(pdf: bytes) -> str:
    return "".join(pages(pdf))


def fonts(pdf: bytes) -> dict[str, bool]:
    """Each font of a paper without its subset's tag, and whether it is embedded."""
    found: dict[str, bool] = {}
    for page in PdfReader(io.BytesIO(pdf)).pages:
        resources = page["/Resources"].get_object()
        assert isinstance(resources, DictionaryObject)
        for font in resources.get("/Font", DictionaryObject()).values():
            below = font.get_object()["/DescendantFonts"][0].get_object()
            descriptor = below["/FontDescriptor"].get_object()
            found[str(below["/BaseFont"]).split("+")[-1]] = "/FontFile2" in descriptor or "/FontFile3" in descriptor
    return found
