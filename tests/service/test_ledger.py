"""Acts through a keeper: durable before they are told, found again by the next keeper, refusals kept in bounds."""

from __future__ import annotations

from pathlib import Path

from tests.service.test_control import keeping
from tsuwaroku.clock import NS, VirtualClock
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.roles import Role, Verb
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.refusals import A_MINUTE, Refusals
from tsuwaroku.service.trail import Trail
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

START = 1_795_392_000 * NS


def appoint(keeper: Keeper) -> None:
    detail: dict[str, object] = {
        "post": "handler",
        "begin": "2026-11-23",
        "end": None,
        "lines": [],
        "key": "",
        "public_key": "",
    }
    keeper.ledger.add("kacho", ActVerb.APPOINTED, "aomori", detail=detail, words={"name": "青森 花子"})


def test_an_act_is_there_for_the_next_keeper_and_names_nobody_in_the_clear(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with keeping(path) as keeper:
        appoint(keeper)
        assert [one.user for one in keeper.ledger.appointments] == ["aomori"]
        settings = keeper.settings
    store = Store.open(path, need_device=True)
    again = Keeper(store, settings, VirtualClock(START))
    again.start()
    assert [(one.user, one.name) for one in again.ledger.appointments] == [("aomori", None)]
    again.close()
    assert verify_store(store).problems == []
    store.close()
    assert not any("青森" in file.read_text() for file in (path / "audit").iterdir())


def test_an_act_cannot_be_cut_off_the_log_unseen(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with keeping(path) as keeper:
        appoint(keeper)
        (log,) = (path / "audit").iterdir()
        lines = log.read_bytes().splitlines(keepends=True)
        log.write_bytes(b"".join(lines[:-1]))
        problems = verify_store(Store.open(path)).problems
        log.write_bytes(b"".join(lines))
    assert problems


def test_a_flood_of_refusals_is_counted_and_not_written(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store", slots=1, retention_days=30, demonstration=True)
    clock = VirtualClock(START)
    refusals = Refusals(Trail(store, clock, AlarmBoard()), clock)
    for _ in range(A_MINUTE + 5):
        refusals.note("tech", Verb.PLAY.value, "/v1/x" * 100)
    refusals.note("aomori", Verb.HOLD.value, "/v1/holds")
    clock.mono_ns += 60 * NS
    refusals.note("tech", Verb.PLAY.value, "/v1/x")
    entries = list(AuditLog.open(store).entries())
    assert [entry.actor for entry in entries] == ["tech"] * A_MINUTE + ["aomori", "tech"]
    assert entries[-1].detail == {"verb": "play", "why": "no right", "untold_before": 5}
    assert all(len(entry.subject) <= 200 for entry in entries)


def test_a_handler_of_some_lines_sees_those_alone() -> None:
    handler = Asker(user="aomori", roles=frozenset({Role.HANDLER}), lines=frozenset({"1"}))
    assert [handler.sees(line) for line in ("1", "2", "")] == [True, False, False]
    assert Asker(user="kacho", roles=frozenset({Role.MANAGER})).sees("2")
