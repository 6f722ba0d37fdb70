"""Numbers as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.records.telephone import Telephone, parse_telephone, same_telephone

READ = [
    ("03-1234-5678", "0312345678"),
    ("０３－１２３４－５６７８", "0312345678"),
    ("０３（１２３４）５６７８", "0312345678"),
    ("(03) 1234 5678", "0312345678"),
    ("03ー1234ー5678", "0312345678"),
    ("03‐1234−5678", "0312345678"),
    ("0312345678", "0312345678"),
    ("+81-3-1234-5678", "0312345678"),
    ("＋８１ ３ １２３４ ５６７８", "0312345678"),
    ("+81 (0)3-1234-5678", "0312345678"),
    ("090-1234-5678", "09012345678"),
    ("+81 90 1234 5678", "09012345678"),
    ("0120-123-456", "0120123456"),
    ("0800-123-4567", "08001234567"),
    ("+1 212 555 0100", "+12125550100"),
    ("010-1-212-555-0100", "+12125550100"),
    ("03-1234-5678 内線201", "0312345678 内線201"),
    ("03-1234-5678（内線２０１）", "0312345678 内線201"),
    ("03-1234-5678, ext. 201", "0312345678 内線201"),
    ("0312345678#201", "0312345678 内線201"),
    ("内線201", "内線201"),
    ("内線：２０１", "内線201"),
    ("内線番号 201", "内線201"),
    ("内線 2-01", "内線201"),
    ("201", "内線201"),
    ("110", "内線110"),
    ("12345", "内線12345"),
    ("内線 123456", "内線123456"),
    ("123456", None),  # a number of a town without its area code
    ("1234-5678", None),
    ("03-1234-567", None),
    ("03-1234-56789", None),
    ("090-1234-567", None),
    ("00-1234-5678", None),
    ("+81", None),
    ("+1 212", None),
    ("+0312345678", None),
    ("代表", None),
    ("03-1234-5678 または 03-1234-5679", None),
    ("03-1234-5678 内線", None),
    ("内線 abc", None),
    ("٠٣١٢٣٤٥٦٧٨", None),
    ("-", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_what_is_read(text: str, expected: str | None) -> None:
    found = parse_telephone(text)
    assert (None if found is None else str(found)) == expected


@given(st.text(alphabet="0123456789+-()内線 ０９ext#", max_size=20))
def test_the_normal_way_to_write_is_read_as_the_same(text: str) -> None:
    found = parse_telephone(text)
    if found is not None:
        assert parse_telephone(str(found)) == found
        assert found != Telephone()


@pytest.mark.parametrize(
    ("wanted", "recorded", "same"),
    [
        ("0312345678", "0312345678", True),
        ("0312345678", "00312345678", True),  # 0 for an outside line
        ("0312345678", "1860312345678", True),
        ("0312345678", "12345678", True),  # dialled in the town itself
        ("+12125550100", "01012125550100", True),
        ("0312345678", "0312345679", False),
        ("0312345678", "5678", False),
        ("0312345678", "03123?5678", None),
        ("201", "201", True),
        ("201", "0312345201", False),
        ("110", "110", True),
        ("0312345678", "", False),
        ("", "", False),
    ],
)
def test_the_same_number(wanted: str, recorded: str, same: bool | None) -> None:
    assert same_telephone(wanted, recorded) is same
