"""`rebuild` and `erase-log`: what the ring and the journals tell without a key."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.console.support import Run
from tests.store.erasing import AFTER, ENDED, EXPIRES, Erasing, due, erase, listed
from tests.store.reading import Box, at
from tsuwaroku.errors import StoreError
from tsuwaroku.service.eraselog import ranges
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import JournalType


@pytest.fixture
def box(tmp_path: Path) -> Box:
    made = Box(tmp_path / "store", slots=16)
    for number in (1, 2, 3):
        made.call(number)
    listed(made)
    return made


def test_a_lost_catalogue_is_made_again_without_a_key(run: Run, own: Path) -> None:
    before = run("calls", "--store", own, "--json").json
    assert len(before) > 3
    for path in (own / "catalogue").iterdir():
        path.unlink()
    (own / "slots.table").write_bytes(b"not a table")
    (own / "demo.key").unlink()
    (own / "keys" / "device.key").unlink()
    ran = run("rebuild", "--store", own, "--json")
    numbers = [call["sequence"] for call in before]
    assert (ran.code, ran.json) == (
        0,
        {
            "calls": len(before),
            "days": 1,
            "held": {},
            "unfinished": 0,
            "highest_sequence": max(numbers),
            "problems": [],
        },
    )
    assert run("calls", "--store", own, "--json").json == before
    assert not (own / "slots.table").exists()
    assert run("verify", "--store", own).code == 0


def test_it_says_what_it_found(run: Run, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    ran = run("rebuild", "--store", box.store.path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "録音領域と追記録から一覧を作り直しました: 通話 3 件（1 日分）。\n"


def test_it_refuses_while_the_service_runs(run: Run, own: Path) -> None:
    day = next((own / "catalogue").glob("*.json"), None) or own / "catalogue" / "new.jsonl"
    day.write_bytes(b"spoilt")
    lock = FileLock(own / "keeper.lock")
    lock.acquire()
    try:
        ran = run("rebuild", "--store", own)
    finally:
        lock.release()
    assert (ran.code, ran.out, day.read_bytes()) == (12, "", b"spoilt")
    assert "systemctl stop tsuwaroku" in ran.err.replace("\n", " ")


def test_what_was_erased_is_listed_without_any_key(run: Run, box: Box) -> None:
    erase(box, 1, 3)
    keys = box.store.path / "keys" / "device.key"
    keys.unlink()
    ran = run("erase-log", "--store", box.store.path, "--json")
    assert ran.code == 0
    common = {
        "ended_on": str(ENDED),
        "expires_on": str(EXPIRES),
        "erased_on": str(AFTER),
        "why": "expired",
        "slots": 1,
        "audit": "00" * 32,
    }
    calls = ran.json["calls"]
    assert [{key: call[key] for key in common} for call in calls] == [common, common]
    assert [(call["sequence"], call["read_back"] != "", len(call["digest"])) for call in calls] == [
        (1, True, 64),
        (3, True, 64),
    ]
    assert (ran.json["discarded"], ran.json["problems"]) == ([], [])
    shown = run("erase-log", "--store", box.store.path)
    assert str(AFTER) in shown.out
    assert "1, 3" in shown.out
    assert "2 calls erased" in shown.out


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ((), [1, 2]),
        (("--from", AFTER), [1, 2]),
        (("--from", AFTER + timedelta(days=1)), [2]),
        (("--to", AFTER), [1]),
        (("--from", AFTER, "--to", AFTER), [1]),
        (("--to", AFTER - timedelta(days=1)), []),
    ],
)
def test_of_the_days_asked_for(run: Run, box: Box, options: tuple[object, ...], numbers: list[int]) -> None:
    journal = box.journal()
    Erasing(box.store, journal).erase(due(1))
    Erasing(box.store, journal).erase(due(2), on=AFTER + timedelta(days=1))
    ran = run("erase-log", "--store", box.store.path, "--json", *options)
    assert [call["sequence"] for call in ran.json["calls"]] == numbers


def test_an_unfinished_erasure_and_a_discarded_call_are_told(
    run: Run, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(slots: int) -> None:
        raise StoreError("the disk is away")

    with pytest.raises(StoreError):
        Erasing(box.store, box.journal(), pause=stop).erase(due(2))
    box.journal("recorder").append(JournalType.DISCARDED, at(9), public={"sequence": 9})
    ran = run("erase-log", "--store", box.store.path, "--json")
    assert [(call["sequence"], call["read_back"], call["audit"]) for call in ran.json["calls"]] == [(2, "", "")]
    assert ran.json["discarded"] == [9]
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    shown = run("erase-log", "--store", box.store.path).out
    assert "うち 1 件は消去の途中です" in shown
    assert "鍵を直ちに破棄した通話: 9" in shown
    assert run("rebuild", "--store", box.store.path, "--json").json["unfinished"] == 1


def test_nothing_erased_and_a_day_that_is_none(run: Run, own: Path) -> None:
    ran = run("erase-log", "--store", own)
    assert (ran.code, ran.out) == (0, "No call has been erased.\n")
    assert run("erase-log", "--store", own, "--from", "2026-13-01").code == 2


def test_a_damaged_journal_is_told(run: Run, box: Box) -> None:
    erase(box, 1)
    path = box.store.journal_dir / "keeper-00000.dat"
    octets = bytearray(path.read_bytes())
    octets[300] ^= 1
    path.write_bytes(octets)
    ran = run("erase-log", "--store", box.store.path)
    assert "the record of erasures is damaged" in ran.err


def test_numbers_as_people_write_them() -> None:
    assert [ranges(numbers) for numbers in ([], [4], [3, 1, 2], [1, 3, 4, 9])] == ["", "4", "1–3", "1, 3–4, 9"]
    assert date(2026, 12, 24) == AFTER
