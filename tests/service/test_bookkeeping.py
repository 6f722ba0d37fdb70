"""Long logs as the control socket gives them: what is asked for, and a turn for everybody else meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.service.requestbox import KANRI, RequestBox, call_id
from tsuwaroku.console.papers import _entries
from tsuwaroku.service import bookkeeping
from tsuwaroku.service.api import Asked
from tsuwaroku.service.bookkeeping import PIECE, Range, entries_of

FIRST = date(2025, 1, 1)
DAYS, A_DAY = 20, 300


@pytest.fixture
def box(tmp_path: Path) -> Iterator[RequestBox]:
    """With files of twenty days before its own, unchained."""
    found = RequestBox(tmp_path / "store")
    found.keeper.audit("hana", "play", call_id(1), "x" * 60)
    entry = next(one for one in found.entries() if one.verb == "play")
    for number in range(DAYS):
        day = (FIRST + timedelta(number)).isoformat()
        line = entry.line().replace(entry.at[:10].encode(), day.encode())
        (found.path / "audit" / f"{day}.jsonl").write_bytes(line * A_DAY)
    yield found
    found.end()


def answer(box: RequestBox, path: str, asked: Range) -> Iterator[bytes]:
    (route,) = (one for one in bookkeeping.ROUTES if one.path == path)
    found = route.act(box.keeper, Asked(by=KANRI, path={}, query=asked, body=None))
    assert isinstance(found, Iterator)
    return found


@pytest.mark.parametrize("path", ["/v1/audit", "/v1/ledgers/erasures"])
def test_what_has_nothing_in_it_is_not_read_in_one_piece(box: RequestBox, path: str) -> None:
    pieces = list(answer(box, path, Range(last="2024-12-31")))
    assert pieces == [b"\n"] * (sum(1 for _ in box.keeper.audit_log.lines()) // PIECE)
    assert len(pieces) >= DAYS * A_DAY // PIECE
    assert _entries(b"".join(pieces)) == []


def test_the_clients_read_over_empty_lines(box: RequestBox) -> None:
    content = b"".join(answer(box, "/v1/audit", Range(first="2025-01-03", last="2025-01-05")))
    assert [entry.at[:10] for entry in _entries(content)] == [
        day for day in ("2025-01-03", "2025-01-04", "2025-01-05") for _ in range(A_DAY)
    ]
    assert b"\n\n" in content


def test_files_before_the_first_day_are_not_read(box: RequestBox, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    of = Path.stat

    def noted(path: Path, **how: bool) -> object:
        read.append(path.stem)
        return of(path, **how)

    monkeypatch.setattr(Path, "stat", noted)
    found = list(entries_of(box.keeper.audit_log, FIRST + timedelta(DAYS - 1), FIRST + timedelta(DAYS)))
    assert len(found) == A_DAY
    assert {name for name in read if name.startswith("2025-01-")} == {"2025-01-20"}


def test_an_entry_of_a_clock_set_back_is_found_in_the_file_of_a_later_day(box: RequestBox) -> None:
    path = box.path / "audit" / "2025-01-20.jsonl"
    early = path.read_bytes().splitlines(keepends=True)[0].replace(b'"at":"2025-01-20', b'"at":"2025-01-08')
    path.write_bytes(path.read_bytes() + early)
    found = list(entries_of(box.keeper.audit_log, date(2025, 1, 8), date(2025, 1, 8)))
    assert len(found) == A_DAY + 1
