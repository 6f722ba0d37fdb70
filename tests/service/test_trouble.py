"""What must not stop capture: odd events, one bad operation, boards that refuse, journals and leases that fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.support import calls_in
from tests.service.test_lamp_truth import Box
from tsuwaroku.clock import NS
from tsuwaroku.errors import BoardError, StoreError
from tsuwaroku.events import AudioFrame, ButtonPressed, Contact, ContactEdge, Event, Gap, GapReason, Playback
from tsuwaroku.hal.board import Lamp
from tsuwaroku.service import ops
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

WHOLE: tuple[int, list[Any], str] = (6_400, [], "sealed")  # of the call in `Box`: first sample, gaps, integrity


def whole(box: Box) -> list[tuple[int | None, list[Any], str]]:
    return [(call.audio.first_sample, call.audio.gaps, call.integrity.value) for call in calls_in(box.path)]


def test_events_of_a_line_nobody_configured_are_no_end_of_capture(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.until(5.0)
    read = box.board.read
    strange: list[Event] = [
        AudioFrame("9", 0, 0, b"\0\0"),
        ContactEdge("9", Contact.HOOK, True, 0),
        ButtonPressed("9", 0),
        Gap("9", 0, 0, 5, GapReason.OVERRUN),
        Playback("9", True, 0, 0),
    ]
    box.board.read = lambda timeout_s: [*strange, *read(timeout_s)]  # type: ignore[method-assign]
    box.until(6.0)
    box.board.read = read  # type: ignore[method-assign]
    box.until(26.0)
    box.end()
    assert whole(box) == [WHOLE]


def test_a_board_that_refuses_every_verb_goes_on_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path)

    def refuse(*_: object) -> None:
        raise BoardError("no more", where="board")

    for verb in ("play", "stop_playing", "show"):
        monkeypatch.setattr(box.board, verb, refuse)
    box.until(26.0)
    assert "board_failed" in box.alarms()
    monkeypatch.undo()
    box.end()
    assert whole(box) == [WHOLE]


def test_a_fault_in_one_lines_machine_is_told_and_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours: the frames of the call are still taken, and the alarm says that something is wrong."""
    box = Box(tmp_path)
    box.until(6.0)
    station = box.recorder._stations["1"]

    def broken(now_ns: int) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(station.telling, "tick", broken)
    box.until(9.0)
    assert "internal_fault" in box.alarms()
    assert box.lamp == "lit"
    monkeypatch.undo()
    box.until(26.0)
    box.end()
    assert whole(box) == [WHOLE]


def test_one_bad_operation_costs_nothing_but_itself(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.until(6.0)
    call = box.recorder._stations["1"].call
    assert call is not None
    box.parts.recorder._backlog += [
        ops.ProveNotice(call.id, "1", "announcement", b"odd", b"\0\0"),
        ops.AddGap(call.id, -5, 1 << 40, "overrun"),
        ops.AddEvent(call.id, "odd", 0, {"what": object()}),
        ops.AddAudio(call.id, -7, b"\0" * 4),
        ops.Press(b"x" * 16),
    ]
    box.until(8.1)
    assert box.lamp == "lit"
    box.until(26.0)
    box.end()
    (found,) = calls_in(box.path)
    assert (found.audio.first_sample, found.integrity.value) == (6_400, "sealed")
    store = Store.open(box.path)
    assert verify_store(store).problems == []
    store.close()


def test_a_call_that_cannot_be_sealed_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect in one call's stream: the next call is recorded all the same, and the alarm stands."""
    box = Box(tmp_path)
    box.until(6.0)
    (poisoned,) = box.parts.writer._calls.values()

    def broken(room: int, held: int) -> bytes | None:
        raise ValueError("a defect")

    monkeypatch.setattr(poisoned.stream, "next_chunk", broken)
    writer = box.parts.writer
    opening = poisoned.stream.opening
    box.until(7.1)
    assert "storage_failed" in box.alarms()
    other = type(opening)(id=b"o" * 16, line="1", seized=opening.seized, rate=8000)
    writer.open(other)
    writer.audio(other.id, 0, b"\1\0" * 8000)
    box.until(9.1)
    assert other.id in box.parts.writer.commit(box.clock.now()).committed
    assert box.lamp == "fast"


def test_a_journal_that_fails_takes_nothing_from_the_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the ring is preallocated and goes on; the lamp says so, the alarm says what does not work."""
    box = Box(tmp_path)
    box.until(6.0)
    worker = box.parts.recorder._storage._worker  # type: ignore[attr-defined]

    def full(*_: object, **__: object) -> None:
        raise StoreError("no space left on device", where="journal")

    monkeypatch.setattr(worker._journal, "append", full)
    call = box.recorder._stations["1"].call
    assert call is not None
    box.recorder._backlog.append(ops.Press(call.id))
    box.until(12.0)
    assert box.lamp == "lit"
    assert box.alarms() == {"storage_failed"}
    box.until(21.0)
    assert box.lamp == "dark"
    monkeypatch.undo()
    box.until(26.0)
    assert box.alarms() == set()
    box.end()
    assert whole(box) == [WHOLE]


def test_a_lease_that_cannot_be_read_holds_up_no_commit(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.until(6.0)
    lease = box.store.lease_path.read_bytes()
    box.store.lease_path.write_bytes(b"{")
    free = box.parts.writer._slots._free
    box.parts.writer._slots._free = type(free)()
    box.until(12.0)
    assert box.lamp == "lit"
    box.store.lease_path.write_bytes(lease)
    box.until(26.0)
    box.end()
    assert whole(box) == [WHOLE]


def test_the_lamp_follows_what_is_on_the_disk_not_how_busy_it_is(tmp_path: Path) -> None:
    """A disk that takes 1.5 s for each second falls behind: commits come back all the time, and cover less and less."""
    box = Box(tmp_path)
    box.until(6.0)
    storage = box.recorder._storage
    late: list[Any] = []
    done = storage.done

    def slow() -> list[Any]:
        late.extend(done())
        due = [one for one in late if one.now_ns + (one.now_ns - 6 * NS) // 2 <= box.clock.mono_ns]
        del late[: len(due)]
        return [
            type(one)(**{f: getattr(one, f) for f in one.__struct_fields__} | {"done_ns": box.clock.mono_ns})
            for one in due
        ]

    storage.done = slow  # type: ignore[method-assign]
    box.until(16.0)
    assert box.lamp == "fast"
    assert {"not_recorded", "storage_stalled"} <= box.alarms()
    storage.done = done  # type: ignore[method-assign]
    box.until(26.0)
    box.end()


def test_a_disk_that_hangs_for_hours_costs_no_memory(tmp_path: Path) -> None:
    """What a full queue does not take becomes one gap a call, and no sound is kept with it."""
    box = Box(tmp_path)
    box.until(6.0)
    storage = box.recorder._storage
    submit = storage.submit
    storage.submit = lambda batch: False  # type: ignore[method-assign]
    box.until(16.0)
    backlog = list(box.recorder._backlog)
    storage.submit = submit  # type: ignore[method-assign]
    assert [type(op).__name__ for op in backlog if isinstance(op, (ops.AddAudio, ops.AddGap))] == ["AddGap"] * sum(
        isinstance(op, ops.AddGap) for op in backlog
    )
    assert sum(isinstance(op, ops.AddGap) for op in backlog) <= 4
    assert all(not op.captured for op in backlog if isinstance(op, ops.ProveNotice))
    box.until(26.0)
    box.end()
    (call,) = calls_in(box.path)
    assert [(gap.samples > 70_000, gap.reason) for gap in call.audio.gaps] == [(True, "backlog")]


def storage_threads() -> int:
    return sum(thread.name == "storage" for thread in threading.enumerate())


def wait_for(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


def test_a_recorder_that_failed_writes_no_more_when_it_has_let_the_store_go(tmp_path: Path) -> None:
    """Its successor in the same process would find itself sharing slots with it."""
    before = storage_threads()
    box = Box(tmp_path, inline=False)
    box.until(4.0)
    assert storage_threads() == before + 1
    box.parts.release()
    assert storage_threads() == before
    assert box.lamp == Lamp.LIT.value
