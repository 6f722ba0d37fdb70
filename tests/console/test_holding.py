"""`hold` and `release-hold`: while no keeper runs, and through one that does."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.console.support import SCRIPT, FakeKeeper, Ran, Run
from tests.store.erasing import Erasing, due
from tests.store.reading import Box
from tsuwaroku.console import holding
from tsuwaroku.records.retention import day_of, first_ns
from tsuwaroku.service.forecast import Forecast, HoldEffect
from tsuwaroku.service.simulate import default_start, simulate
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import Journal, JournalRecord
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store

TODAY = day_of(default_start())  # before nine it is yesterday that they play
UNTIL = TODAY + timedelta(days=100)


@pytest.fixture(scope="module")
def recent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("holding") / "recent"
    simulate(SCRIPT, store, fast=True, start_wall_ns=first_ns(TODAY))
    return store


@pytest.fixture
def mine(recent: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recent, tmp_path / "mine"))


@pytest.fixture(autouse=True)
def _manager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "person", lambda: "suzuki")


def put(run: Run, store: Path, *more: object, call: object = 1, until: object = UNTIL) -> Ran:
    return run("hold", call, "--reason", "訴訟のため", "--until", until, "--store", store, *more)


def release(run: Run, store: Path, *more: object, call: object = 1) -> Ran:
    return run("release-hold", call, "--reason", "和解", "--store", store, *more)


def held(run: Run, store: Path, call: int = 1) -> object:
    key = ("--key", store / "demo.key")
    return run("show", call, "--store", store, *key, "--json").json["retention"]["hold"]


def written(store: Path) -> list[JournalRecord]:
    return Journal.open(store / "journal", "keeper", Store.open(store)).records()


def test_a_hold_is_put_and_released_and_both_leave_a_trace(run: Run, mine: Path) -> None:
    before = written(mine)
    ran = put(run, mine, "--yes", "--json")
    call = run("show", 1, "--store", mine, "--json").json
    assert (ran.code, ran.err) == (0, "")
    assert {key: ran.json[key] for key in ("id", "calls", "until")} == {
        "id": call["id"],
        "calls": [call["id"]],
        "until": str(UNTIL),
    }
    assert ran.json["effect"]["until"] == str(UNTIL)
    assert call["retention"]["hold"] == {"reason": "", "until": str(UNTIL)}
    assert held(run, mine) == {"reason": "訴訟のため", "until": str(UNTIL)}
    assert release(run, mine, "--yes").code == 0
    assert held(run, mine) is None
    entries = list(AuditLog(mine / "audit").entries())[-2:]
    private = PrivateKey.load(mine / "demo.key", lambda: "")
    assert [(e.actor, e.verb, e.subject, e.detail, e.why(private)) for e in entries] == [
        ("suzuki", "hold", call["id"], {"until": str(UNTIL)}, "訴訟のため"),
        ("suzuki", "hold released", call["id"], {}, "和解"),
    ]
    added = written(mine)[len(before) :]
    assert [record.public["audit_head"] for record in added] == [entry.hash for entry in entries]
    assert [record.secret(private) for record in added] == [
        {"reason": "訴訟のため", "by": "suzuki"},
        {"reason": "和解", "by": "suzuki"},
    ]
    assert "訴訟" not in (mine / "journal" / "keeper-00000.dat").read_bytes().decode(errors="ignore")
    assert run("verify", "--store", mine, "--key", mine / "demo.key").code == 0


def test_it_says_what_it_does_before_it_is_confirmed(run: Run, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    before = written(mine)
    ran = put(run, mine)
    assert ran.code == 13
    assert f"通話 #1 を {UNTIL} まで保存延長します" in ran.out
    assert ran.out.count("\n") == 2
    assert "--yes を付けて" in ran.err
    assert written(mine) == before
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    asked: list[str] = []

    def no(question: str, **_: object) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr("typer.confirm", no)
    assert (put(run, mine).code, release(run, mine).code, asked) == (13, 13, ["保存延長しますか"])
    assert written(mine) == before


def test_calls_and_show_tell_a_hold_and_its_end(run: Run, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    next_year = date(TODAY.year + 1, 12, 31)
    put(run, mine, "--yes", until=next_year)
    row = next(line for line in run("calls", "--store", mine).out.splitlines() if "#1 " in line)
    assert f"{next_year:%y/%m}*" in row
    shown = run("show", 1, "--store", mine).out
    assert f"on hold until {next_year}" in shown
    assert "has ended" not in shown


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (None, None, "足りる見込みです。空きが最も少なくなるのは 2027-01-09 で、7 区画"),
        (
            None,
            "2027-02-01",
            "【注意】この延長により、2027-02-01 に録音領域が不足する見込みです（延長しない場合: 不足の見込みなし）",
        ),
        ("2027-03-01", "2027-02-01", "（延長しない場合: 2027-03-01）"),
        ("2027-02-01", "2027-02-01", "この延長にかかわらず 2027-02-01 に不足する見込みです"),
    ],
)
def test_what_a_hold_does_to_the_ring_is_told(
    before: str | None,
    after: str | None,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    monkeypatch.setenv("COLUMNS", "300")

    def told(broken: str | None) -> Forecast:
        on = None if broken is None else date.fromisoformat(broken)
        return Forecast(broken_on=on, lowest=7, lowest_on=on or date(2027, 1, 9))

    effect = HoldEffect(slots=3, until=date(2027, 6, 30), before=told(before), after=told(after))
    holding._show_effect(effect, 12, "2026-12-23", err=False)
    said = capsys.readouterr().out
    first = "通話 #12 を 2027-06-30 まで保存延長します（通常の保存期限 2026-12-23、録音領域 3 区画）。"
    assert (said.splitlines()[0], says in said) == (first, True)


@pytest.mark.parametrize(
    ("until", "code", "says"),
    [
        (TODAY + timedelta(days=30), 13, "anyway"),
        (TODAY + timedelta(days=31), 0, ""),
        (TODAY.replace(year=TODAY.year + 5, day=1), 0, ""),
        (TODAY + timedelta(days=366 * 5), 13, "longer than 5 years"),
        ("tomorrow", 2, "not a date"),
    ],
)
def test_the_end_is_within_reason(run: Run, mine: Path, until: object, code: int, says: str) -> None:
    ran = put(run, mine, "--yes", until=until)
    assert (ran.code, says in ran.err) == (code, True)


def test_a_hold_is_made_longer_and_not_shorter(run: Run, mine: Path) -> None:
    assert put(run, mine, "--yes").code == 0
    assert put(run, mine, "--yes", until=UNTIL - timedelta(days=1)).code == 13
    assert put(run, mine, "--yes", until=UNTIL + timedelta(days=1)).code == 0
    assert held(run, mine) == {"reason": "訴訟のため", "until": str(UNTIL + timedelta(days=1))}


def test_what_is_refused_writes_nothing(run: Run, mine: Path) -> None:
    before, entries = written(mine), len(list(AuditLog(mine / "audit").entries()))
    assert release(run, mine, "--yes").code == 13
    assert put(run, mine, "--yes", call=99).code == 11
    assert run("hold", 1, "--reason", " ", "--until", UNTIL, "--store", mine, "--yes").code == 13
    assert (written(mine), len(list(AuditLog(mine / "audit").entries()))) == (before, entries)


def test_a_call_whose_time_is_over_or_that_is_gone_cannot_be_held(run: Run, tmp_path: Path) -> None:
    old = tmp_path / "old"
    simulate(SCRIPT, old, fast=True, start_wall_ns=first_ns(date(2020, 1, 1)))
    ran = put(run, old, "--yes")
    assert (ran.code, "can no longer be held" in ran.err) == (13, True)
    box = Box(tmp_path / "box")
    box.call(1)
    box.call(2)
    Erasing(box.store, box.journal()).erase(due(1, box.store))
    assert put(run, box.store.path, "--yes").code == 11


def test_a_running_keeper_is_asked(run: Run, mine: Path) -> None:
    call, before = run("show", 1, "--store", mine, "--json").json, written(mine)
    lock = FileLock(mine / "keeper.lock")
    lock.acquire()
    try:
        with FakeKeeper(mine / "run" / "keeper.sock", {}) as keeper:
            assert put(run, mine, "--yes").code == 0
    finally:
        lock.release()
    body = {"calls": [call["id"]], "until": str(UNTIL), "reason": "訴訟のため"}
    assert keeper.asked == [("POST", "/v1/holds", body)]
    assert written(mine) == before
