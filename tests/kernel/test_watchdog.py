"""The machine restarts when capture stands still, and only then; the next boot records."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.kernel.guest import PYTHON, Ended, Guest, Machine
from tests.kernel.plugin import needed_kernel
from tests.kernel.talk import Talk
from tests.kernel.world import RATE
from tests.service.support import calls_in, demo_key
from tsuwaroku.clock import NS
from tsuwaroku.records.call import Integrity
from tsuwaroku.service.vitals import LOOP_NS, SOUND_NS
from tsuwaroku.store.layout import Store
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.verify import verify_store

START_NS = 1_790_000_000 * NS
TIMEOUT_S = 15.0
# Trouble -> from when on nobody pets, in seconds after it.
WITHHELD = {"stopped": 0.0, "loop stopped": LOOP_NS / NS, "card gone": SOUND_NS / NS}


def ending(nowayout: bool) -> list[str]:
    """What `stalls` logs from the second boot on: without a way out a clean stop is a restart, too."""
    return ["2 stopped cleanly", "3 restarted after the clean stop" if nowayout else "2 a minute later"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "nowayout"),
    [
        ("stopped", False),
        ("card gone", True),
        pytest.param("loop stopped", True, marks=pytest.mark.nightly),
        pytest.param("card gone", False, marks=pytest.mark.nightly),
    ],
)
def test_a_machine_that_cannot_record_restarts_and_goes_on_with_the_call(
    tmp_path: Path, trouble: str, nowayout: bool
) -> None:
    machine = Machine(start_ns=START_NS, options=(f"softdog.nowayout={int(nowayout)}",))
    ended = Guest(needed_kernel(), machine, tmp_path).run([str(PYTHON), "-m", "tests.kernel.stalls", trouble], 60)
    steps = [line.split(" ", 2) for line in (tmp_path / "log").read_text().splitlines()]
    assert [f"{boot} {step}" for boot, _, step in steps] == [f"1 {trouble}", *ending(nowayout)], ended.say()
    bite_s = bites(ended)[0] - float(steps[0][1])
    # A pat is at most 1 s old when the trouble comes, and a look at most 1 s late.
    assert TIMEOUT_S - 1.1 <= bite_s - WITHHELD[trouble] <= TIMEOUT_S + 2.1
    assert ("nowayout" in ended.console) == nowayout
    check(tmp_path / "store")


def bites(ended: Ended) -> list[float]:
    """When the watchdog restarted the machine, in seconds of each boot."""
    return [float(at) for at in re.findall(r"\[ *([\d.]+)\] softdog: Initiating system reboot", ended.console)]


def check(path: Path) -> None:
    """The call that was cut off, whole to its last commit, and its continuation from the first sample of the card."""
    calls = calls_in(path)
    assert [(call.integrity, call.ended_by, call.continues) for call in calls] == [
        (Integrity.RECOVERED, "power", None),
        (Integrity.SEALED, "hook", calls[0].id),
    ]
    store = Store.open(path)
    assert verify_store(store, demo_key(path)).problems == []
    first, second = [
        b"".join(pcm for _, pcm in CallReader(stored, store, demo_key(path)).pcm()) for stored in scan_slots(store)
    ]
    store.close()
    assert len(first) / 2 / RATE >= 7.0
    assert position(first, 1) < 0.02 * RATE  # the pre-roll of 2 s reaches back to the beginning
    assert len(second) / 2 / RATE >= 8.0
    position(second, 2)


def position(pcm: bytes, seed: int) -> int:
    """Where in the noise of a Talk these very samples are. Raises ValueError where they are not in it."""
    talk = Talk("1", (), seed=seed)
    noise = b"".join(talk.read(second * RATE, RATE) for second in range(60))
    trimmed = np.trim_zeros(np.frombuffer(pcm, dtype="<i2")).astype("<i2").tobytes()  # before and after the world
    return noise.index(trimmed) // 2
