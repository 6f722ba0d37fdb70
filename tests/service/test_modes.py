"""Modes of a line, linked parts, a stop in mid-call: through the whole recorder."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from tests.service.support import START, calls_in, demo_key, no_slots, play, samples_of
from tsuwaroku.clock import NS, VirtualClock, from_iso
from tsuwaroku.config import Config, LineConfig, LineNotice, LineTimers, Mode, ModePeriod, NoticeDecision, NoticeKind
from tsuwaroku.errors import DamageError, SecretError
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.virtual import VirtualBoard
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.assembly import Assembled, new_instance
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.modes import mode_now
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.simulate import LocalLink
from tsuwaroku.store.layout import Store
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.recovery import list_calls
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.verify import verify_store


def noise(path: Path, seconds: float) -> Path:
    pcm = np.random.default_rng(9).integers(-3000, 3000, round(seconds * 8000)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(pcm.tobytes())
    return path


def script(folder: Path, seconds: float, hooks: list[tuple[float, str]], press: list[float]) -> Path:
    noise(folder / "pair.wav", seconds)
    contacts = ", ".join(f'[{at}, "hook", "{level}"]' for at, level in hooks)
    path = folder / "script.toml"
    path.write_text(
        f'[[raw]]\nline = "1"\naudio = "pair.wav"\ncontacts = [{contacts}]\npress = {press}\n', encoding="utf-8"
    )
    return path


def config(mode: Mode = Mode.EVERY_CALL, timers: LineTimers | None = None) -> Config:
    return Config(line=(LineConfig(id="1", mode=mode, timers=timers or LineTimers()),))


ONE_CALL = [(3.0, "off"), (13.0, "on")]


@pytest.mark.parametrize(
    ("press", "offsets"), [([8.0], [1.0]), ([16.0], [9.0]), ([14.0, 40.0], [7.0, 33.0])], ids=["in", "after", "both"]
)
def test_on_button_keeps_a_pressed_call(tmp_path: Path, press: list[float], offsets: list[float]) -> None:
    calls = play(script(tmp_path, 90.0, ONE_CALL, press), tmp_path / "store", config=config(Mode.ON_BUTTON))
    assert len(calls) == 1
    assert [mark.at_s for mark in calls[0].marks] == offsets  # answered (inferred) at 7.0 s
    store = Store.open(tmp_path / "store")
    report = verify_store(store, demo_key(tmp_path / "store"))
    assert (report.ok, report.problems) == (True, [])
    store.close()


def test_on_button_forgets_a_call_nobody_pressed_for(tmp_path: Path) -> None:
    path = tmp_path / "store"
    assert play(script(tmp_path, 90.0, ONE_CALL, []), path, config=config(Mode.ON_BUTTON)) == []
    store = Store.open(path)
    report = verify_store(store, demo_key(path))
    assert (report.ok, report.problems) == (True, [])
    (stored,) = scan_slots(store)
    with pytest.raises((SecretError, DamageError)):
        CallReader(stored, store, demo_key(path)).record()
    store.close()


def test_a_press_after_a_minute_comes_too_late(tmp_path: Path) -> None:
    calls = play(script(tmp_path, 90.0, ONE_CALL, [74.0]), tmp_path / "store", config=config(Mode.ON_BUTTON))
    assert calls == []


def test_mode_off_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store"
    assert play(script(tmp_path, 20.0, ONE_CALL, [5.0]), path, config=config(Mode.OFF)) == []
    store = Store.open(path)
    assert scan_slots(store) == []
    store.close()


def test_timetable_decides_by_the_day_and_hour_in_tokyo() -> None:
    night = ModePeriod(days="mon-fri", start="17:15", end="08:30", mode=Mode.OFF)
    line = LineConfig(id="1", timetable=(night,))
    friday = 1_780_002_000 * NS  # 2026-05-29 06:00 Asia/Tokyo
    hours = {
        6: Mode.OFF,
        9: Mode.EVERY_CALL,
        17: Mode.EVERY_CALL,
        18: Mode.OFF,
        24 + 6: Mode.OFF,
        24 + 9: Mode.EVERY_CALL,
    }
    assert {hour: mode_now(line, friday + (hour - 6) * 3600 * NS) for hour in hours} == hours


def test_long_call_goes_on_in_linked_parts_without_losing_a_sample(tmp_path: Path) -> None:
    timers = LineTimers(part_max_s=60.0)
    calls = play(
        script(tmp_path, 160.0, [(3.0, "off"), (150.0, "on")], [70.0]), tmp_path / "store", config=config(timers=timers)
    )
    assert [call.ended_by for call in calls] == ["part", "part", "hook"]
    assert [call.continues for call in calls] == [None, calls[0].id, calls[1].id]
    spans = [(call.audio.first_sample, call.audio.samples) for call in calls]
    assert spans == [(8_000, 496_000), (504_000, 480_000), (984_000, 228_000)]
    stream = samples_of(tmp_path / "pair.wav")
    for call in calls:
        check_audio(call, stream)
    assert [len(call.marks) for call in calls] == [0, 1, 0]


def assembled(config: Config, board: VirtualBoard, clock: VirtualClock, store: Store, keeper: Keeper) -> Assembled:
    link = LocalLink(keeper)
    return Assembled(config, board=board, clock=clock, store=store, link=link, instance=new_instance(), inline=True)


def check_audio(call: CallRecord, stream: bytes) -> None:
    import hashlib

    first = call.audio.first_sample
    assert first is not None
    wanted = hashlib.sha256(stream[2 * first : 2 * (first + call.audio.samples)]).hexdigest()
    assert call.audio.pcm_sha256 == wanted


def test_a_clean_stop_in_mid_call_seals_it_and_the_next_start_goes_on(tmp_path: Path) -> None:
    """Ctrl-C during a call: the call is closed whole; the recorder that comes next captures the rest at once."""
    source = script(tmp_path, 40.0, [(3.0, "off"), (30.0, "on")], [])
    path = tmp_path / "store"
    settings = config()
    create_demo_store(path, settings, 64)
    for start_s, stop_s in ((0.0, 10.0), (10.0, 45.0)):
        store = Store.open(path, need_device=True)
        clock = VirtualClock(START)
        keeper = Keeper(store, settings, clock)
        keeper.start()
        board = VirtualBoard(load_script(source).sources(), clock, realtime=False, start_ns=round(start_s * NS))
        board.open()
        parts = assembled(settings, board, clock, store, keeper)
        parts.recorder.run(lambda clock=clock, stop_s=stop_s: clock.mono_ns >= stop_s * NS)  # type: ignore[misc]
        board.close()
        parts.release()
        keeper.poll()
        keeper.close()
        store.close()
    calls = calls_in(path)
    assert [(call.ended_by, call.integrity.value, call.direction.value) for call in calls] == [
        ("shutdown", "sealed", "outbound"),
        ("hook", "sealed", "unknown"),
    ]
    assert [(call.audio.first_sample, call.audio.samples) for call in calls] == [(8_000, 72_000), (80_000, 172_000)]
    stream = samples_of(tmp_path / "pair.wav")
    for call in calls:
        check_audio(call, stream)


def test_exempt_line_records_item_and_decision(tmp_path: Path) -> None:
    exempt = NoticeDecision(
        kind=NoticeKind.EXEMPT,
        exempt_item=4,
        decided_by="管財課長",
        decided_on="2026-05-01",
        basis="代表番号の自動音声",
    )
    line = LineConfig(id="1", notice=LineNotice(inbound=exempt, outbound=exempt))
    calls = play(script(tmp_path, 20.0, ONE_CALL, []), tmp_path / "store", config=Config(line=(line,)))
    notice = calls[0].notice
    assert (notice.outcome, notice.item, notice.decided_by) == ("exempt", 4, "管財課長")
    assert notice.heard is None


def test_full_ring_lists_the_call_as_not_recorded(tmp_path: Path) -> None:
    """No slot from the beginning: the call is listed all the same, and no number is missing."""
    source = script(tmp_path, 20.0, ONE_CALL, [])
    path = tmp_path / "store"
    settings = config()
    create_demo_store(path, settings, 4)
    store = Store.open(path, need_device=True)
    clock = VirtualClock(START)
    keeper = Keeper(store, settings, clock)
    keeper.start()
    board = VirtualBoard(load_script(source).sources(), clock, realtime=False)
    board.open()
    parts = assembled(settings, board, clock, store, keeper)
    no_slots(store, parts)
    parts.recorder.run(lambda: False)
    board.close()
    parts.release()
    keeper.close()
    (call,) = list_calls(store, demo_key(path))
    assert (call.outcome, call.line, call.audio.samples) == ("not_recorded", "1", 0)
    (public,) = list_calls(store)
    assert (public.outcome, public.line, public.sequence) == ("not_recorded", "1", 1)
    report = verify_store(store, demo_key(path))
    assert (report.ok, report.problems) == (True, [])
    store.close()


@pytest.mark.parametrize("cut_s", [4.0, 16.0], ids=["before the notice", "after the notice"])
def test_a_call_cut_off_is_resumed_with_its_notice(tmp_path: Path, cut_s: float) -> None:
    """The recorder dies in mid-call: what was told stays told, and the party of a resumed call is not told twice."""
    source = tmp_path / "script.toml"
    source.write_text('[[call]]\nline = "1"\nat = 1.0\ndirection = "inbound"\nrings = 1\ntalk = 40.0\n')
    path = tmp_path / "store"
    settings = config()
    create_demo_store(path, settings, 64)
    told = cut_s > 12
    for start_s, stop_s in ((0.0, cut_s), (cut_s + 1.0, 50.0)):
        store = Store.open(path, need_device=True)
        clock = VirtualClock(START)
        clock.mono_ns = round(start_s * NS)
        keeper = Keeper(store, settings, clock)
        keeper.start()
        board = VirtualBoard(load_script(source).sources(), clock, realtime=False, start_ns=clock.mono_ns)
        board.open()
        parts = assembled(settings, board, clock, store, keeper)
        while clock.mono_ns < stop_s * NS:
            parts.recorder.step()
        if start_s:
            parts.recorder.finish()
        parts.release()
        keeper.close()
        store.close()
    first, second = calls_in(path)
    assert (first.integrity.value, first.ended_by, second.integrity.value) == ("recovered", "power", "sealed")
    assert second.continues == first.id
    assert first.notice.outcome == ("announced" if told else None)
    assert (second.notice.outcome, second.notice.reason) == (
        ("announced", "inherited") if told else ("failed", "capture_began_in_call")
    )
    assert abs((from_iso(first.ended_at or "") - START) / NS - cut_s) <= 1.5
    assert second.audio.first_sample == round((cut_s + 1.0) * 8000)


PARTS = LineTimers(part_max_s=60.0)
LONG_CALL = [(3.0, "off"), (140.0, "on")]  # parts from 1 s, 63 s and 123 s of the stream on


@pytest.mark.parametrize("press", [20.0, 100.0, 150.0], ids=["first part", "second part", "after"])
def test_on_button_keeps_every_part_of_a_call_pressed_for_in_any(tmp_path: Path, press: float) -> None:
    path = tmp_path / "store"
    settings = config(Mode.ON_BUTTON, PARTS)
    calls = play(script(tmp_path, 240.0, LONG_CALL, [press]), path, config=settings)
    assert [len(call.marks) for call in calls] == [int(call_press(press) == part) for part in range(3)]
    assert [call.continues for call in calls] == [None, calls[0].id, calls[1].id]
    store = Store.open(path)
    report = verify_store(store, demo_key(path))
    assert (report.ok, report.problems, report.notes) == (True, [], [])
    store.close()


def call_press(at_s: float) -> int:
    return 0 if at_s < 63.0 else 1 if at_s < 123.0 else 2


def test_on_button_forgets_every_part_nobody_pressed_for(tmp_path: Path) -> None:
    path = tmp_path / "store"
    assert play(script(tmp_path, 240.0, LONG_CALL, []), path, config=config(Mode.ON_BUTTON, PARTS)) == []
    store = Store.open(path)
    report = verify_store(store, demo_key(path))
    assert (report.ok, report.problems) == (True, [])
    store.close()


def test_a_press_after_a_call_that_is_not_kept_marks_no_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded until the counselling hour; the press belongs to a call of that hour, of which nothing is kept."""
    start_s = START // NS
    monkeypatch.setattr(
        "tsuwaroku.service.station.mode_now",
        lambda line, wall_ns: Mode.EVERY_CALL if wall_ns // NS < start_s + 20 else Mode.OFF,
    )
    hooks = [(3.0, "off"), (13.0, "on"), (30.0, "off"), (40.0, "on")]
    (call,) = play(script(tmp_path, 60.0, hooks, [45.0]), tmp_path / "store", config=config())
    assert call.marks == []
