"""Promise 2 with the whole recorder: a disk that stalls or fails makes the lamp blink within 2 s, with an alarm."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scenarios import make as scenarios
from tests.service.support import START, calls_in, no_slots
from tsuwaroku.clock import NS, VirtualClock
from tsuwaroku.config import Config, LineConfig
from tsuwaroku.errors import BoardError, StoreError
from tsuwaroku.events import BoardFault, Gap, GapReason, Part, Tick
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.board import SYSTEM_LAMP, Lamp
from tsuwaroku.hal.virtual import Fault, VirtualBoard
from tsuwaroku.service.assembly import Assembled, new_instance
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.simulate import LocalLink
from tsuwaroku.store.layout import Store

SCRIPT = """
[[call]]
line = "1"
at = 1.0
direction = "inbound"
rings = 1
talk = 16.0
"""
OFF_HOOK = 2.8  # at 1.0, one ring of 1 s, answered 0.8 s after it
STEP_S = 0.021


class Box:
    """One line in a call from 2.8 s to 18.8 s, or with another script; driven step by step. A store that is there is
    taken as it is."""

    def __init__(
        self,
        tmp_path: Path,
        *,
        inline: bool = True,
        faults: tuple[Fault, ...] = (),
        slots: int = 64,
        text: str = SCRIPT,
        clock: VirtualClock | None = None,
    ) -> None:
        script = tmp_path / "script.toml"
        script.write_text(text, encoding="utf-8")
        loaded = load_script(script)
        config = Config(line=(LineConfig(id="1"),))
        self.path = tmp_path / "store"
        if not self.path.exists():
            create_demo_store(self.path, config, slots)
        self.store = Store.open(self.path, need_device=True)
        self.clock = clock or VirtualClock(START)
        self.keeper = Keeper(self.store, config, self.clock)
        self.keeper.start()
        self.board = VirtualBoard(loaded.sources(), self.clock, realtime=not inline, faults=faults)
        self.board.open()
        self.parts = Assembled(
            config,
            board=self.board,
            clock=self.clock,
            store=self.store,
            link=LocalLink(self.keeper),
            instance=new_instance(),
            inline=inline,
        )
        self.recorder = self.parts.recorder

    def until(self, at_s: float, each: Callable[[], None] = lambda: None) -> None:
        while self.clock.mono_ns < at_s * NS:
            self.recorder.step()
            each()

    def end(self) -> None:
        self.recorder.finish()
        self.board.close()
        self.parts.release()
        self.keeper.poll()
        self.keeper.close()
        self.store.close()

    @property
    def lamp(self) -> str:
        return self.board.lamps["1"].value

    def alarms(self) -> set[str]:
        return {alarm.code for alarm in self.recorder.alarms.all()}

    def changes(self, lamp: str = "1") -> list[tuple[float, Lamp]]:
        return [(at / NS, state) for at, name, state in self.board.history if name == lamp]


def test_healthy_call_lights_at_once_and_goes_dark_at_its_end(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.until(25.0)
    changes = box.changes()
    assert [state for _, state in changes] == [Lamp.LIT, Lamp.DARK]
    assert OFF_HOOK < changes[0][0] <= OFF_HOOK + 0.1
    assert 18.8 < changes[1][0] <= 18.8 + 1.5 + 0.1
    assert box.alarms() == set()
    assert box.board.lamps[SYSTEM_LAMP] is Lamp.LIT
    box.end()


def test_in_a_primary_answer_it_is_lit_for_what_is_captured(tmp_path: Path) -> None:
    """From the edge on, and while the line rings after it; nothing is played, and no alarm says "not recorded"."""
    number = 'caller_id = { standard = "jclip", number = "0312345678" }\nanswer = false\n'
    later = SCRIPT.replace("at = 1.0", "at = 30.0")
    box = Box(tmp_path, text=SCRIPT.replace("talk = 16.0\n", number) + later)
    seen: set[str] = set()
    box.until(25.0, lambda: seen.update(box.alarms()))
    changes = box.changes()
    assert [state for _, state in changes] == [Lamp.LIT, Lamp.DARK]
    assert 2.7 < changes[0][0] <= 2.8  # the second CAR ends at 2.5, the loop is closed 0.2 s after it
    assert seen == set()
    box.end()
    (call,) = calls_in(box.path)
    assert (call.outcome.value, call.caller.number, call.audio.gaps) == ("missed", "0312345678", [])
    assert call.audio.samples / call.audio.rate == pytest.approx(changes[1][0] - changes[0][0] + 2.0, abs=0.1)


def test_failing_disk_blinks_within_two_seconds_and_recovers_without_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(tmp_path)
    box.until(8.0)
    assert box.lamp == "lit"

    def fail() -> None:
        raise StoreError("input/output error", where="ring-00000.dat")

    working = box.store.ring.sync
    monkeypatch.setattr(box.store.ring, "sync", fail)
    box.until(8.0 + 2.0 + STEP_S)
    assert box.lamp == "fast"
    assert {"not_recorded", "storage_failed"} <= box.alarms()
    assert box.board.lamps[SYSTEM_LAMP] is Lamp.FAST
    monkeypatch.setattr(box.store.ring, "sync", working)
    box.until(12.0 + STEP_S)
    assert box.lamp == "lit"
    assert box.alarms() == set()
    box.until(26.0)
    box.end()
    call = calls_in(box.path)[0]
    assert (call.audio.gaps, call.integrity.value) == ([], "sealed")


@pytest.mark.slow
@pytest.mark.xdist_group("clock")
def test_stalled_storage_thread_blinks_within_two_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real thread in a real fdatasync that does not come back for five seconds."""
    box = Box(tmp_path, inline=False)
    box.until(6.0)
    assert box.lamp == "lit"
    stalled = threading.Event()
    working = box.store.ring.sync

    def stall() -> None:
        if not stalled.is_set():
            stalled.set()
            time.sleep(5.0)
        working()

    monkeypatch.setattr(box.store.ring, "sync", stall)
    box.until(9.2)
    assert stalled.is_set()
    assert box.lamp == "fast"
    assert {"not_recorded", "storage_stalled"} <= box.alarms()
    last_lit = max(at for at, state in box.changes() if state is Lamp.LIT)
    first_fast = min(at for at, state in box.changes() if state is Lamp.FAST)
    assert last_lit < first_fast <= 7.0 + 2.0 + 0.2  # the last commit was at 6 s or just before 7 s
    box.until(14.0)
    assert box.lamp == "lit"
    assert box.alarms() == set()
    box.until(26.0)
    box.end()
    assert calls_in(box.path)[0].audio.gaps == []


def test_disk_that_never_takes_the_call_never_lets_the_lamp_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failing from before the call: lit for the two seconds of grace and no longer."""
    box = Box(tmp_path)

    def fail() -> None:
        raise StoreError("input/output error", where="ring-00000.dat")

    monkeypatch.setattr(box.store.ring, "sync", fail)
    box.until(7.0)
    (_, lit), (fast_at, fast) = box.changes()
    assert (lit, fast) == (Lamp.LIT, Lamp.FAST)
    assert fast_at - OFF_HOOK <= 2.0 + STEP_S
    assert "not_recorded" in box.alarms()
    monkeypatch.undo()
    box.end()


def test_unplugged_card_blinks_and_the_gap_is_in_the_record(tmp_path: Path) -> None:
    box = Box(tmp_path, faults=(Fault("1", 8.0, 3.0, GapReason.UNPLUGGED),))
    box.until(8.0 + STEP_S)
    assert box.lamp == "fast"
    assert {"card_failed", "not_recorded"} <= box.alarms()
    box.until(12.5)
    assert box.lamp == "lit"
    box.until(26.0)
    box.end()
    call = calls_in(box.path)[0]
    assert [(gap.first_sample, gap.samples, gap.reason) for gap in call.audio.gaps] == [(64_000, 24_000, "unplugged")]
    assert [run.first_sample for run in call.audio.runs] == [6_400, 88_000]


def test_a_call_hung_up_while_the_card_is_gone_ends_in_a_gap(tmp_path: Path) -> None:
    """The card is back after the call: what it did not hear to the end is lost, and told as lost."""
    box = Box(tmp_path, faults=(Fault("1", 15.0, 10.0, GapReason.UNPLUGGED),))
    box.until(28.0)
    box.end()
    call = calls_in(box.path)[0]
    assert [(gap.first_sample, gap.samples, gap.reason) for gap in call.audio.gaps] == [(120_000, 30_400, "unplugged")]
    assert (call.audio.first_sample, call.audio.samples) == (6_400, 150_400 - 6_400)
    assert call.duration_s == 16.0


def test_full_ring_blinks_and_says_so(tmp_path: Path) -> None:
    box = Box(tmp_path, slots=1)
    no_slots(box.store, box.parts)
    box.until(7.0)
    assert box.lamp == "fast"
    assert {"ring_full", "not_recorded"} <= box.alarms()
    box.end()


def test_scenario_keeps_lamps_dark_between_calls(tmp_path: Path) -> None:
    """Over a whole four-line scenario no lamp blinks, and each is lit once per call."""
    scenario = scenarios.make(tmp_path, 11)
    loaded = load_script(scenario.script)
    config = Config(line=tuple(LineConfig(id=line) for line in loaded.lines))
    create_demo_store(tmp_path / "store", config, 256)
    store = Store.open(tmp_path / "store", need_device=True)
    clock = VirtualClock(START)
    keeper = Keeper(store, config, clock)
    keeper.start()
    board = VirtualBoard(loaded.sources(), clock, realtime=False)
    board.open()
    parts = Assembled(
        config, board=board, clock=clock, store=store, link=LocalLink(keeper), instance=new_instance(), inline=True
    )
    parts.recorder.run(lambda: False)
    for line in loaded.lines:
        shown = [state for _, name, state in board.history if name == line and state is not Lamp.ACK]
        lit = sum(call.line == line and call.outcome != "missed" for call in scenario.expected)
        assert shown == [Lamp.LIT, Lamp.DARK] * lit
    pressed = sum(len(call.marks) for call in scenario.expected)
    assert sum(state is Lamp.ACK for _, _, state in board.history) == pressed
    board.close()
    parts.release()
    keeper.close()
    store.close()


def test_slots_lent_while_a_call_waits_save_it_whole(tmp_path: Path) -> None:
    """The recorder starts without a lease; slots come five seconds into the call, and no word of them."""
    box = Box(tmp_path)
    lease = box.store.lease_path.read_bytes()
    no_slots(box.store, box.parts)
    box.until(8.0)
    assert box.lamp == "fast"
    assert {"ring_full", "not_recorded"} <= box.alarms()
    box.store.lease_path.write_bytes(lease)
    box.until(10.1)
    assert box.lamp == "lit"
    assert box.alarms() == set()
    box.until(26.0)
    box.end()
    call = calls_in(box.path)[0]
    assert (call.audio.first_sample, call.audio.gaps, call.integrity.value) == (6_400, [], "sealed")


def test_a_lamp_that_cannot_be_set_is_told_and_no_longer_when_it_can(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.until(1.0)
    box.recorder._other(BoardFault("1", True, "lamp: line busy", box.clock.mono_ns, Part.LAMP))
    box.until(20.0)
    assert box.alarms() == {"board_failed"}
    box.recorder._other(BoardFault("1", False, "", box.clock.mono_ns, Part.LAMP))
    assert box.alarms() == set()


def test_a_loss_before_the_first_tick_is_told_for_a_minute(tmp_path: Path) -> None:
    """On a machine that has been up for long: a loss must not count as one of its start."""
    box = Box(tmp_path)
    box.clock.mono_ns = 7 * 3600 * NS
    box.recorder._other(Gap("1", 0, box.clock.mono_ns, 160, GapReason.OVERRUN))
    box.recorder._other(Tick(box.clock.mono_ns + NS // 50))
    assert box.alarms() == {"audio_lost"}


def test_a_board_that_cannot_play_goes_on_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an error of `play` nor a fault of the announcement card touches capture or lamp; the record says so."""
    box = Box(tmp_path)

    def refuse(line: str, pcm: bytes) -> None:
        raise BoardError("no playback", where="board")

    monkeypatch.setattr(box.board, "play", refuse)
    box.until(9.0)
    box.recorder._other(BoardFault("1", True, "announcement card x: gone", box.clock.mono_ns, Part.ANNOUNCEMENT))
    box.until(10.0)
    assert box.lamp == "lit"
    assert box.alarms() == {"announcement_failed"}
    box.until(26.0)
    box.end()
    call = calls_in(box.path)[0]
    assert (call.notice.outcome, call.notice.reason) == ("failed", "playback_failed")
    assert (call.audio.gaps, call.integrity.value) == ([], "sealed")
