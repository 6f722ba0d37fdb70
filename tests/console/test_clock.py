"""`clock`, `clock propose`, `clock confirm`: while no keeper runs, and through one that does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from ulid import ULID

from tests.console.support import FakeKeeper, Ran, Run
from tests.service.daysworld import DAY, HOUR, MINUTE, SYNCHRONISED, UNSYNCHRONISED, Days, Killed
from tests.service.marker import marker
from tests.service.support import START
from tests.service.test_lamp_truth import Box
from tsuwaroku.clock import NS, Instant, VirtualClock, from_iso, iso
from tsuwaroku.console import clocking
from tsuwaroku.service.clocking import ClockSeen
from tsuwaroku.store import clockfile
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import Journal, JournalRecord, JournalType
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

OLD = 4  # calls before the box lost its power


class _Clock:
    """The box's clock, for a console that reads the machine's."""

    def __init__(self, days: Days) -> None:
        self._days = days

    def __call__(self) -> _Clock:
        return self

    def now(self) -> Instant:
        return self._days.now()


@pytest.fixture
def days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Days:
    """Three weeks without power: the clock is right and synchronised, and nobody can believe it. No keeper runs."""
    made = Days(tmp_path / "store", 12)
    recorder_says(made)
    for _ in range(OLD):
        made.call()
    made.keeper.mark(public_id(made, 3), "unreasonable_demand", marker("sato"), None)
    made.run_to("07:00")
    made.power_off(21 * DAY + 2 * MINUTE)
    made.error_ns, made.quality = 0, SYNCHRONISED
    made.call()
    made.poll(2)
    recorder_says(made)
    made.kill()
    monkeypatch.setattr(clocking, "SystemClock", _Clock(made))
    monkeypatch.setattr(clocking, "person", lambda: "suzuki")
    return made


def recorder_says(days: Days) -> None:
    """A sign of life, as the recorder writes one each ten minutes."""
    journal = Journal.open(days.store.journal_dir, "recorder", days.store, days.store.device)
    journal.append(JournalType.ALIVE, days.now())
    journal.close()


def public_id(days: Days, number: int) -> str:
    return str(ULID.from_bytes(days.calls[number - 1].call_id))


def confirm(run: Run, days: Days, *more: object) -> Ran:
    return run("clock", "confirm", "--reason", "停電の工事", "--store", days.path, *more)


def status(run: Run, days: Days) -> dict[str, object]:
    found: dict[str, object] = run("clock", "--store", days.path, "--json").json
    return found


def written(days: Days) -> list[JournalRecord]:
    return Journal.open(days.path / "journal", "keeper", Store.open(days.path)).records()


def entries(days: Days) -> list[tuple[str, str]]:
    return [(entry.actor, entry.verb) for entry in AuditLog(days.path / "audit").entries()]


def test_status_says_what_is_believed_and_why_nothing_goes(
    run: Run, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = status(run, days)
    assert said == run("clock", "status", "--store", days.path, "--json").json
    assert said["clock"] == days.now().isoformat()
    assert (said["quality"], said["suspended"], said["agreed"]) == ("synchronised", "clock_ahead", False)
    assert said["ahead_s"] == said["aging_s"] == pytest.approx(21 * 86_400, abs=120)
    assert said["proposal"] is None
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    told = run("clock", "--store", days.path).out
    assert "時計が 21 日進んでいます" in told
    assert "消去を停止しています" in told
    assert run("clock", "--json", "status", "--store", days.path).code == 2


def test_a_proposal_is_durable_erases_nothing_and_names_no_call(run: Run, days: Days) -> None:
    before, calls = written(days), run("calls", "--store", days.path, "--json").json
    state = clockfile.load(days.path / "clock.json", days.store.store_id)
    ran = run("clock", "propose", "--store", days.path)
    assert (ran.code, "Nothing is erased by this" in ran.out, "21 days ahead" in ran.out) == (0, True, True)
    assert [call["id"] for call in calls if call["id"] in ran.out] == []
    (record,) = written(days)[len(before) :]
    assert (record.public["by"], record.public["off_ns"]) == ("suzuki", record.public["ahead_ns"])
    assert entries(days)[-1] == ("suzuki", "clock proposed")
    assert record.public["audit_head"] == list(AuditLog(days.path / "audit").entries())[-1].hash
    assert clockfile.load(days.path / "clock.json", days.store.store_id) == state
    assert status(run, days)["proposal"] == {"by": "suzuki", "at": days.now().isoformat(), "lapsed": ""}
    days.start()
    days.poll(5)
    assert days.present() == [1, 2, 3, 4, 5]
    days.kill()


def test_the_manager_is_shown_what_goes_marked_calls_first(
    run: Run, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("clock", "propose", "--store", days.path)
    before = written(days)
    ran = confirm(run, days)
    assert (ran.code, "--yes" in ran.err) == (13, True)
    assert "by suzuki, 2026-11-23" in ran.out
    assert "21 days count as time without power" in ran.out
    assert "these 4 calls" in ran.out
    assert "1 of them are marked" in ran.out
    rows = [line.split()[:6] for line in ran.out.splitlines() if line.lstrip().startswith("#")]
    assert rows == [
        [f"#{number}", public_id(days, number), "1", "2026-11-01", "2026-11-06", *(["1"] if number == 3 else [])]
        for number in (3, 1, 2, 4)
    ]
    assert written(days) == before
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda question, **_: asked.append(question))
    assert (confirm(run, days).code, asked) == (13, ["Confirm that the clock is right?"])
    assert written(days) == before
    monkeypatch.setattr(clocking, "A_SCREENFUL", 3)
    assert "and 1 more" in confirm(run, days).out
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert "【注意】確認すると、次の 4 件が" in confirm(run, days).out


def test_what_was_shown_goes_and_nothing_else(run: Run, days: Days) -> None:
    ran = confirm(run, days, "--yes", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [call["sequence"] for call in ran.json["going"]] == [3, 1, 2, 4]
    assert ran.json["clock"]["suspended"] == "clock_ahead"
    entry = list(AuditLog(days.path / "audit").entries())[-1]
    private = PrivateKey.load(days.path / "demo.key", lambda: "")
    assert (entry.actor, entry.verb, entry.why(private)) == ("suzuki", "clock confirmed", "停電の工事")
    assert entry.detail["calls_shown"] == 4
    record = written(days)[-1]
    assert record.public["audit_head"] == entry.hash
    assert clockfile.load(days.path / "clock.json", days.store.store_id).confirmed == record.number
    assert b"\xe5\x81\x9c\xe9\x9b\xbb" not in (days.path / "journal" / "keeper-00000.dat").read_bytes()
    assert (status(run, days)["suspended"], status(run, days)["agreed"]) == ("", True)
    days.start()
    days.poll(6)
    assert days.present() == [5]
    assert (verify_store(days.store, days.key).problems, days.early()) == ([], [])
    days.kill()


def test_confirming_twice_is_refused_and_writes_nothing(run: Run, days: Days) -> None:
    assert confirm(run, days, "--yes").code == 0
    before = written(days), entries(days)
    again = confirm(run, days, "--yes")
    assert (again.code, "nothing to confirm" in again.err) == (13, True)
    assert run("clock", "propose", "--store", days.path).code == 13
    assert (written(days), entries(days)) == before


def test_a_clock_that_moved_since_the_proposal_is_refused(run: Run, days: Days) -> None:
    run("clock", "propose", "--store", days.path)
    proposed_at = days.now().isoformat()
    days.error_ns = 2 * HOUR
    before = entries(days)
    ran = confirm(run, days, "--yes")
    assert (ran.code, "no longer says what was proposed" in ran.err, "propose" in ran.err) == (13, True, True)
    assert status(run, days)["proposal"] == {"by": "suzuki", "at": proposed_at, "lapsed": "moved"}
    assert entries(days) == before
    assert run("clock", "propose", "--store", days.path).code == 0
    assert confirm(run, days, "--yes").code == 0


def test_a_proposal_from_before_a_restart_is_told_and_hinders_nobody(run: Run, days: Days) -> None:
    run("clock", "propose", "--store", days.path)
    days.power(HOUR)
    days.error_ns, days.quality = 0, SYNCHRONISED
    assert "no longer counts" in run("clock", "--store", days.path).out
    assert confirm(run, days, "--yes").code == 0


@pytest.mark.parametrize("quality", [SYNCHRONISED, UNSYNCHRONISED])
def test_nobody_confirms_1970(run: Run, days: Days, quality: object) -> None:
    days.error_ns = -days.booted_ns
    before = written(days), entries(days)
    for ran in (confirm(run, days, "--yes"), run("clock", "propose", "--store", days.path)):
        assert (ran.code, "1970-01-01, which is wrong for certain" in ran.err) == (13, True)
    assert (written(days), entries(days)) == before


def test_a_reason_is_needed(run: Run, days: Days) -> None:
    assert run("clock", "confirm", "--store", days.path, "--yes").code == 2
    assert run("clock", "confirm", "--reason", " ", "--store", days.path, "--yes").code == 13


def test_what_changes_while_it_is_read_is_refused(run: Run, days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves, a midnight that passes, a hold that is put: what was shown is no longer what would be."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    def set_clock() -> None:
        days.error_ns = 61 * NS

    def midnight() -> None:
        days.true_ns += 18 * HOUR

    def hold() -> None:
        ran = run("hold", 5, "--reason", "訴訟", "--until", "2027-06-30", "--store", days.path, "--yes")
        assert ran.code == 0

    for change in (set_clock, midnight, hold):
        before = len(written(days))

        def read(_: str, change: object = change, **__: object) -> bool:
            assert callable(change)
            change()
            return True

        monkeypatch.setattr("typer.confirm", read)
        ran = confirm(run, days)
        assert (ran.code, "nothing was confirmed" in ran.err) == (13, True)
        assert [record.type.name for record in written(days)[before:] if "CLOCK" in record.type.name] == []
        days.error_ns = 0
    monkeypatch.setattr("typer.confirm", lambda _, **__: True)
    assert confirm(run, days).code == 0


# -- kills, forgeries, a lost memory


def test_a_cut_between_audit_entry_and_journal_confirms_nothing(
    run: Run, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", killed)
        with pytest.raises(Killed):
            confirm(run, days, "--yes")
    assert entries(days)[-1] == ("suzuki", "clock confirmed")
    days.start()
    days.poll(5)
    assert days.present() == [1, 2, 3, 4, 5]
    days.kill()
    assert confirm(run, days, "--yes").code == 0


def killed(*_: object, **__: object) -> None:
    raise Killed


def test_a_cut_before_clock_json_is_made_up_for(run: Run, days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a boot in which no keeper and no recorder has come up yet."""
    days.power(HOUR)
    days.error_ns, days.quality = 0, SYNCHRONISED
    save = clockfile.save

    def save_once(*arguments: Any) -> None:
        patch.setattr(clockfile, "save", killed)
        save(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(clockfile, "save", save_once)
        with pytest.raises(Killed):
            confirm(run, days, "--yes")
    assert clockfile.load(days.path / "clock.json", days.store.store_id).confirmed == 0
    assert status(run, days)["suspended"] == ""
    days.start()
    days.poll(6)
    assert (days.present(), days.early()) == ([5], [])
    assert clockfile.load(days.path / "clock.json", days.store.store_id).confirmed == written_confirmations(days)[-1]
    days.kill()


def written_confirmations(days: Days) -> list[int]:
    return [record.number for record in written(days) if record.type.name == "CLOCK_CONFIRMED"]


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_confirmation_outlives_the_memory(run: Run, days: Days, is_confirmed: bool) -> None:
    """`clock.json` is lost: the journals know the boots, their times and the manager's word; and nothing but that."""
    if is_confirmed:
        assert confirm(run, days, "--yes").code == 0
    (days.path / "clock.json").unlink()
    assert status(run, days)["suspended"] == ("" if is_confirmed else "clock_ahead")
    days.start()
    days.poll(6)
    assert (days.present(), days.early()) == ([5] if is_confirmed else [1, 2, 3, 4, 5], [])
    days.kill()


def test_a_forged_proposal_is_no_proposal_and_shows(run: Run, days: Days) -> None:
    run("clock", "propose", "--store", days.path)
    path = days.path / "journal" / "keeper-00000.dat"
    octets = path.read_bytes()
    assert octets.count(b"suzuki") == 1
    path.write_bytes(octets.replace(b"suzuki", b"tanaka"))
    assert status(run, days)["proposal"] is None
    ran = run("verify", "--store", days.path)
    assert (ran.code, "keeper journal" in ran.out) == (10, True)


# -- through a keeper


def test_a_running_keeper_is_asked(run: Run, days: Days) -> None:
    seen = ClockSeen(at=days.now(), state=clockfile.load(days.path / "clock.json", days.store.store_id), proposal=None)
    before = written(days)
    lock = FileLock(days.path / "keeper.lock")
    lock.acquire()
    try:
        answers = {"/v1/clock": (200, msgspec.json.encode(seen))}
        with FakeKeeper(days.path / "run" / "keeper.sock", answers) as keeper:
            assert run("clock", "propose", "--store", days.path).code == 0
            assert confirm(run, days, "--yes").code == 0
    finally:
        lock.release()
    assert [(method, path) for method, path, _ in keeper.asked] == [
        ("POST", "/v1/clock/propose"),
        ("GET", "/v1/clock"),
        ("GET", "/v1/clock"),
        ("POST", "/v1/clock/confirm"),
    ]
    body = keeper.asked[-1][2]
    assert (body["wall_ns"], body["mono_ns"], body["calls"], body["reason"]) == (
        seen.at.wall_ns,
        seen.at.mono_ns,
        4,
        "停電の工事",
    )
    assert written(days) == before


# -- a call of 1970


def in_1970(tmp_path: Path) -> Box:
    """A machine without a battery clock, an hour after the epoch; its call is over after 25 s."""
    box = Box(tmp_path, clock=VirtualClock(3600 * NS, UNSYNCHRONISED, b"without battery!"))
    box.until(25.0)
    box.keeper.poll()
    return box


def test_a_call_of_1970_is_dated_right_once_the_time_is_known(run: Run, tmp_path: Path) -> None:
    box = in_1970(tmp_path)
    key = ("--store", box.path, "--key", box.path / "demo.key")
    (call,) = run("calls", *key, "--json").json
    assert (call["seized_at"][:16], call["clock"]["quality"]) == ("1970-01-01T10:00", "unsynchronised")
    assert (call["clock"]["dated_at"], call["retention"]["expires_on"]) == (None, "1970-01-31")
    listed = run("calls", *key).out
    assert ("01-01 10:00?" in listed, "? The clock was not synchronised" in listed) == (True, True)
    assert "(the time may be wrong)" in run("show", 1, *key).out
    assert "1970-01-01?" in run("calls", "--store", box.path).out
    box.clock._start_wall_ns, box.clock._quality = START, SYNCHRONISED
    box.keeper.poll()
    box.end()
    (dated,) = run("calls", *key, "--json").json
    seized_ns = START + call["clock"]["mono_ns"]
    assert dated == {
        **call,
        "clock": {**call["clock"], "dated_at": iso(seized_ns)},
        "retention": {"expires_on": "2026-06-28", "hold": None},
    }
    listed = run("calls", *key).out
    assert f"{iso(seized_ns)[5:16].replace('T', ' ')}≈" in listed
    assert ("≈ The clock was wrong" in listed, "06-28" in listed) == (True, True)
    (public,) = run("calls", "--store", box.path, "--json").json
    assert (public["date"], public["clock"]["dated_at"]) == ("1970-01-01", "2026-05-29")
    assert public["retention"]["expires_on"] == "2026-06-28"
    assert "2026-05-29≈" in run("calls", "--store", box.path).out
    shown = run("show", 1, *key).out
    assert "2026-05-29 05:26:41 (as found out later)" in shown
    assert "1970-01-01 10:00:01" in shown
    assert "2026-05-29 05:26:58  hung up" in shown  # 16 s after the answer
    for begin, found in (("2026-05-29", 1), ("2026-05-29T05:26", 1), ("2026-05-30", 0)):
        assert len(run("find", "--from", begin, "--to", "2026-06-30", *key, "--json").json) == found


def test_a_boot_that_was_never_synchronised_is_dated_by_the_next_one(run: Run, tmp_path: Path) -> None:
    """The latest it can have been: as if all time without power had passed before it."""
    box = in_1970(tmp_path)
    box.end()
    later = Box(tmp_path, clock=VirtualClock(START + DAY, SYNCHRONISED, b"the boot after i"))
    later.until(2.0)
    later.keeper.poll()
    later.end()
    (call,) = run("calls", "--store", box.path, "--key", box.path / "demo.key", "--json").json
    latest_ns = START + DAY - (25 * NS - call["clock"]["mono_ns"])
    assert from_iso(call["clock"]["dated_at"]) == pytest.approx(latest_ns, abs=MINUTE)  # no older look was saved
