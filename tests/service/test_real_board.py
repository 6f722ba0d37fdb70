"""The whole recorder on the real board's code, in real time: ALSA and GPIO simulated below it, a real store above."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from gpiozero.pins.mock import MockFactory

from tests.contract.fake_alsa import FakeAlsa, FakeCard, index_of
from tests.contract.rigs import PINS, SYSTEM_PIN, check_counts
from tests.service.support import calls_in, demo_key
from tsuwaroku.clock import NS, SystemClock, from_iso
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.hal.device import DeviceBoard
from tsuwaroku.service.assembly import Assembled, new_instance
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.simulate import LocalLink
from tsuwaroku.store.layout import Store
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.verify import verify_store

# Seconds after the start, pin of line 11, level. RING is active low, the button too; contacts bounce.
HANDS = [
    (1.000, "ring", False),
    (2.000, "ring", True),
    (3.000, "hook", True),
    (3.003, "hook", False),
    (3.008, "hook", True),
    (8.000, "button", False),
    (8.300, "button", True),
    (12.000, "hook", False),
    (12.004, "hook", True),
    (12.007, "hook", False),
]
END_S = 15.0


@pytest.mark.slow
@pytest.mark.xdist_group("clock")
def test_a_call_on_the_real_board_is_recorded_to_the_sample(tmp_path: Path) -> None:
    pins = MockFactory()
    for line in PINS.values():
        for name, level in (("hook", False), ("ring", True), ("button", True)):
            pin = pins.pin(line[name])
            (pin.drive_high if level else pin.drive_low)()
    card = FakeCard(ppm=60)
    config = Config(
        board=BoardConfig(kind="tsuwa2", meter="none", capture="fake", playback="fake", channels=2),
        line=(LineConfig(id="11", port=1), LineConfig(id="12", port=2)),
    )
    create_demo_store(tmp_path / "store", config, 64)
    store = Store.open(tmp_path / "store", need_device=True)
    clock = SystemClock()
    keeper = Keeper(store, config, clock)
    keeper.start()
    board = DeviceBoard(config, pin_factory=pins, alsa=FakeAlsa(card))
    board.open()
    parts = Assembled(config, board=board, clock=clock, store=store, link=LocalLink(keeper), instance=new_instance())
    start_ns, start_wall = time.monotonic_ns(), time.time_ns()
    seen: list[tuple[float, bool, bool]] = []  # when, lamp of line 11, system lamp

    def until(at_s: float) -> None:
        time.sleep(max(0.0, at_s - (time.monotonic_ns() - start_ns) / NS))

    def hands() -> None:
        for at_s, name, level in HANDS:
            until(at_s)
            pin = pins.pin(PINS["11"][name])
            (pin.drive_high if level else pin.drive_low)()

    def eyes() -> None:
        for step in range(int(END_S * 50)):
            until(step / 50)
            lit = pins.pin(PINS["11"]["lamp"]).state, pins.pin(SYSTEM_PIN).state
            seen.append(((time.monotonic_ns() - start_ns) / NS, bool(lit[0]), bool(lit[1])))

    threads = [threading.Thread(target=hands), threading.Thread(target=eyes)]
    for thread in threads:
        thread.start()
    parts.recorder.run(lambda: time.monotonic_ns() - start_ns > END_S * NS)
    for thread in threads:
        thread.join()
    board.close()
    parts.release()
    keeper.poll()
    keeper.close()

    (call,) = calls_in(tmp_path / "store")
    assert (call.line, call.direction.value, call.outcome.value) == ("11", "inbound", "answered")
    for found, wanted_s in ((call.seized_at, 1.0), (call.answered_at, 3.0), (call.ended_at, 12.0)):
        assert abs((from_iso(found or "") - start_wall) / NS - wanted_s) < 0.1
    assert [round(mark.at_s or 0, 1) for mark in call.marks] == [5.0]
    assert call.notice.item == 1  # the press stopped the announcement
    assert card.played
    assert call.audio.gaps == []

    (stored,) = scan_slots(store)
    ((_, pcm),) = CallReader(stored, store, demo_key(tmp_path / "store")).pcm()
    check_counts(pcm, 0)
    first = index_of(int(np.frombuffer(pcm[:2], "<i2")[0]), 0)
    at_off_hook = (start_ns + 3 * NS - card.born_ns) * 8 // 1_000_000
    assert abs((at_off_hook - 16_000 - first + 15_000) % 30_000 - 15_000) < 400  # 2 s of pre-roll, to 50 ms
    assert 10.5 - 0.1 <= len(pcm) / 16_000 - 2.0 <= 10.5 + 0.2  # to the end of the 1.5 s that decided the hang-up
    report = verify_store(store, demo_key(tmp_path / "store"))
    assert (report.ok, report.problems) == (True, [])
    store.close()

    assert not any(lamp for at_s, lamp, _ in seen if at_s < 2.9)
    assert all(lamp for at_s, lamp, _ in seen if 3.3 < at_s < 7.9 or 9.0 < at_s < 13.3)  # it winks at the press
    assert any(not lamp for at_s, lamp, _ in seen if 8.0 < at_s < 8.6)
    assert not any(lamp for at_s, lamp, _ in seen if at_s > 14.2)
