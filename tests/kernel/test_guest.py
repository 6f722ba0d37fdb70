"""The test kernel is the machine that the other tests take it for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.kernel]


def test_waiting_takes_virtual_time_alone() -> None:
    before = time.monotonic_ns()
    time.sleep(3600)
    assert 0 <= time.monotonic_ns() - before - 3600 * 10**9 < 10_000_000


def test_the_devices_are_there() -> None:
    assert Path("/proc/asound/cards").read_text().split()[1].strip("[]:") == "tsuwa2"
    assert Path("/dev/watchdog0").exists()
