"""The manager's word through the keeper: over whole days, over the socket, on a disk that fails, and not at all."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from ulid import ULID

from tests.service.daysworld import DAY, HOUR, MINUTE, SYNCHRONISED, UNSYNCHRONISED, Days
from tests.service.test_control import keeping
from tests.service.test_retention import alarms, is_sound, why
from tsuwaroku.clock import NS
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.errors import RefusedError, StoreError
from tsuwaroku.records.dating import Confirmation, State, changed, confirm, observe, replay
from tsuwaroku.service.clocking import ClockRequest, ClockSeen, going, request, view
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.service.statement import state
from tsuwaroku.store import clockfile
from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.tombstone import Why
from tsuwaroku.store.words import WordsScan


def shown(days: Days) -> tuple[ClockSeen, list[int], ClockRequest]:
    """What the manager is shown, and her word on it."""
    seen = days.keeper.clock()
    calls = going(days.store, seen)
    asked = request(seen, read_amendments(days.store), len(calls), "庁舎の停電")
    return seen, [call.sequence for call in calls], asked


def verbs(days: Days) -> list[str]:
    return [entry.verb for entry in AuditLog.open(days.store).entries()]


def away(tmp_path: Path, off_ns: int) -> Days:
    """Two calls, one of them held; no power; a clock that is right again, and nobody believes it."""
    days = Days(tmp_path / "store", 12)
    days.call()
    days.call(until=days.today.replace(year=2027))
    days.run_to("07:00")
    days.power_off(off_ns)
    days.call()  # of 1970, for all its record says
    days.error_ns, days.quality = 0, SYNCHRONISED
    days.poll(3)
    return days


def test_three_weeks_without_power_wait_for_the_manager(tmp_path: Path) -> None:
    days = away(tmp_path, 21 * DAY)
    days.poll(3)
    assert (days.present(), "clock_ahead" in alarms(days)) == ([1, 2, 3], True)
    days.keeper.propose_clock("sato")
    seen, numbers, asked = shown(days)
    proposal = view(seen).proposal
    assert (numbers, proposal and (proposal.by, proposal.lapsed)) == ([1], ("sato", ""))
    days.keeper.confirm_clock(asked, "suzuki")
    days.poll(6)
    assert (days.present(), "clock_ahead" in alarms(days), why(days, 1)) == ([2, 3], False, Why.EXPIRED)
    assert [verb for verb in verbs(days) if "clock" in verb or "erased" in verb] == [
        "clock proposed",
        "clock confirmed",
        "calls erased",
    ]
    assert days.keeper.clock().proposal is None
    for _ in range(6):
        days.run_to("00:05", polls=6)
    assert (days.present(), days.early()) == ([2], [])
    is_sound(days)


def test_nothing_is_confirmed_by_itself_in_three_weeks(tmp_path: Path) -> None:
    """21 days are more than is ever believed unaided: the call goes by its powered-on age, never by that."""
    days = away(tmp_path, 21 * DAY)
    for _ in range(6):
        days.run_to("23:00")
    assert (days.present(), "clock_ahead" in alarms(days)) == ([1, 2, 3], True)
    for _ in range(2):
        days.run_to("23:00", polls=6)
    assert (days.present(), why(days, 1)) == ([2], Why.AGE)


def test_five_days_without_power_do_not_suspend_erasure_for_ever(tmp_path: Path) -> None:
    """Whoever is there sees the alarm for three days; then the clock is believed without a word."""
    days = away(tmp_path, 5 * DAY)
    assert (days.present(), "clock_ahead" in alarms(days)) == ([1, 2, 3], True)
    for _ in range(2):
        days.run_to("12:00")
        assert (days.present(), "clock_ahead" in alarms(days)) == ([1, 2, 3], True)
    for _ in range(2):
        days.run_to("12:00", polls=6)
    assert (days.present(), "clock_ahead" in alarms(days), why(days, 1)) == ([2, 3], False, Why.EXPIRED)
    assert days.keeper.clock().state.confirmed == 0


def test_what_she_was_shown_is_what_is_carried_out_or_nothing(tmp_path: Path) -> None:
    days = away(tmp_path, 21 * DAY)
    _, _, asked = shown(days)
    before = verbs(days)
    for wrong in (
        msgspec.structs.replace(asked, wall_ns=asked.wall_ns + 61 * NS),
        msgspec.structs.replace(asked, boot_id="00" * 16),
        msgspec.structs.replace(asked, sight="0" * 64),
    ):
        with pytest.raises(RefusedError, match="has changed since this was shown"):
            days.keeper.confirm_clock(wrong, "suzuki")
    with pytest.raises(RefusedError, match="a reason is needed"):
        days.keeper.confirm_clock(msgspec.structs.replace(asked, reason=" "), "suzuki")
    days.hold(days.calls[0], days.today.replace(year=2027))
    with pytest.raises(RefusedError, match="has changed since this was shown"):
        days.keeper.confirm_clock(asked, "suzuki")
    assert verbs(days) == before
    _, numbers, asked = shown(days)
    assert numbers == []
    days.keeper.confirm_clock(asked, "suzuki")
    days.poll(6)
    assert days.present() == [1, 2, 3]
    with pytest.raises(RefusedError, match="nothing to confirm"):
        days.keeper.confirm_clock(asked, "suzuki")


def test_a_clock_that_moves_after_the_proposal_is_not_confirmed(tmp_path: Path) -> None:
    days = away(tmp_path, 21 * DAY)
    days.keeper.propose_clock("sato")
    _, _, asked = shown(days)
    days.error_ns = HOUR
    days.poll()
    with pytest.raises(RefusedError, match="no longer says what was proposed"):
        days.keeper.confirm_clock(asked, "suzuki")
    days.error_ns = 0
    days.kill()
    days.start()
    assert view(days.keeper.clock()).proposal is not None
    _, _, asked = shown(days)
    days.keeper.confirm_clock(asked, "suzuki")


def test_a_journal_that_takes_nothing_confirms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = away(tmp_path, 21 * DAY)
    _, _, asked = shown(days)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", failing)
        with pytest.raises(StoreError):
            days.keeper.confirm_clock(asked, "suzuki")
    days.poll(4)
    assert (days.present(), days.keeper.clock().state.confirmed) == ([1, 2, 3], 0)
    days.keeper.confirm_clock(shown(days)[2], "suzuki")


def test_a_clock_json_that_cannot_be_written_is_an_alarm_and_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = away(tmp_path, 21 * DAY)
    _, _, asked = shown(days)
    with monkeypatch.context() as patch:
        patch.setattr(clockfile, "save", failing)
        days.keeper.confirm_clock(asked, "suzuki")
        assert {"records_failed"} <= alarms(days)
        days.kill()
    assert clockfile.load(days.path / "clock.json", days.store.store_id).confirmed == 0
    days.start()
    days.poll(6)
    assert (days.present(), clockfile.load(days.path / "clock.json", days.store.store_id).confirmed > 0) == (
        [2, 3],
        True,
    )


def failing(*_: object, **__: object) -> None:
    raise StoreError("cannot be written", where="the disk")


def test_a_confirmed_clock_that_nobody_synchronised(tmp_path: Path) -> None:
    """A box without a network: its calls are dated by the manager's word alone, boot after boot."""
    days = Days(tmp_path / "store", 8, quality=UNSYNCHRONISED)
    days.call()
    assert "clock_never_set" in alarms(days)
    days.keeper.confirm_clock(shown(days)[2], "suzuki")
    days.poll()
    assert alarms(days) & {"clock_never_set", "clock_ahead", "clock_behind"} == set()
    scan = WordsScan(days.keeper.audit_log, days.today)
    while scan.step():
        pass
    confirmed = next(one for one in days.keeper.audit_log.entries() if one.verb == "clock confirmed")
    assert scan.days[confirmed.number] == days.today  # and so are all entries before it
    days.run_to("07:00")
    days.power_off(10 * DAY)
    days.error_ns = 0
    days.poll(2)
    assert (days.present(), "clock_ahead" in alarms(days)) == ([1], True)
    _, numbers, asked = shown(days)
    assert numbers == [1]
    days.keeper.confirm_clock(asked, "suzuki")
    days.poll(6)
    assert (days.present(), days.early()) == ([], [])


def test_over_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with keeping(path) as keeper, KeeperClient(path / "run" / "keeper.sock") as client:
        keeper._clock._start_wall_ns += 5 * DAY  # type: ignore[attr-defined]
        client.propose_clock()
        seen = client.clock()
        assert seen == keeper.clock()
        assert view(seen).suspended == "clock_ahead"
        with pytest.raises(RefusedError, match="not understood"):
            client._ask("POST", "/v1/clock/confirm", {"reason": "x"})
        asked = request(seen, read_amendments(keeper._store), 0, "時刻の修正")
        with pytest.raises(RefusedError, match="not understood"):
            client._ask("POST", "/v1/clock/confirm", {**msgspec.to_builtins(asked), "by": "manager"})
        client.confirm_clock(asked)
        assert (view(client.clock()).agreed, client.clock().proposal) == (True, None)


# -- replay


def test_confirmations_have_their_place_among_the_records(tmp_path: Path) -> None:
    """Two boots and a word in each: from nothing, from a memory that has the first, and from one that has both."""
    days = Days(tmp_path / "store", 4)
    days.kill()
    records, believed = [days.now()], observe(State(), days.now())
    confirmations = []
    states = [believed]
    for number in (1, 2):
        days.power(20 * DAY)
        days.error_ns, days.quality = 0, SYNCHRONISED
        records.append(days.now())
        days.true_ns += HOUR
        confirmations.append(Confirmation(number, days.now()))
        believed = msgspec.structs.replace(confirm(believed, days.now()), confirmed=number)
        days.true_ns += MINUTE
        records.append(days.now())
        believed = observe(believed, days.now())
        states.append(believed)
    for known in (None, *states):
        assert replay(records, known, confirmations) == believed
    assert replay(records, None, confirmations[:1]) != believed
    late = Confirmation(9, confirmations[0].at)  # of a boot that is over for whoever knows the next one
    assert replay(records[:2], believed, [late]) == believed
    strange = Confirmation(3, msgspec.structs.replace(days.now(), boot_id=b"nobody knows it!"))
    assert replay(records, None, [*confirmations, strange]) == believed


def test_looks_that_differ_by_nothing_are_not_worth_a_write(tmp_path: Path) -> None:
    """A clock that nobody synchronised, an hour ahead: no two looks agree to the microsecond, at one each 2 s."""
    days = Days(tmp_path / "store", 4)
    days.kill()
    state = observe(State(), days.now())
    days.power(MINUTE)
    days.error_ns = HOUR
    looks = [observe(state, days.now())]
    for jitter_ns in (700, -400, 0):
        days.true_ns += 2 * NS
        days.error_ns = HOUR + jitter_ns
        looks.append(observe(looks[-1], days.now()))
    assert [changed(before, after) for before, after in pairwise([state, *looks])] == [True, False, False, False]


# -- what a wrong clock did to what is said of a call


@pytest.mark.parametrize("error_ns", [3650 * DAY, -20 * DAY], ids=["ten years ahead", "behind"])
def test_a_call_of_a_wrong_clock_is_held_and_stated_by_its_true_day(tmp_path: Path, error_ns: int) -> None:
    """Its record says that it is kept for ten years, or that its days are over."""
    days = Days(tmp_path / "store", 8)
    days.call()
    days.run_to("07:00")
    days.power_off(HOUR)
    days.error_ns = error_ns
    kept = days.call()
    days.error_ns, days.quality = 0, SYNCHRONISED
    days.poll(2)
    before, on = (state(days.store, days.now(), day).statement for day in (kept.ended - timedelta(days=1), kept.ended))
    assert (before.kept, on.kept, on.held, on.overdue) == ("1", "1–2", "", "")
    until = kept.last_day + timedelta(days=1)
    call = str(ULID.from_bytes(kept.call_id))
    with pytest.raises(RefusedError, match=f"kept until {kept.last_day} anyway"):
        days.keeper.hold(HoldRequest(calls=[call], until=str(kept.last_day), reason="訴訟"), "suzuki")
    days.keeper.hold(HoldRequest(calls=[call], until=str(until), reason="訴訟"), "suzuki")
    kept.until = until
    while days.today < until:
        days.run_to("12:00", polls=6)
    assert days.present() == [2]
    stated = state(days.store, days.now(), days.today).statement
    assert (stated.kept, stated.held, stated.overdue, stated.holds) == ("2", "2", "", True)
    days.run_to("00:05", polls=6)
    assert (days.present(), days.early()) == ([], [])
