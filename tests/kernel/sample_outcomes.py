"""Every way a test inside the guest can end. Not collected by itself: test_plugin.py runs it and reads the reports."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel(limit_s=1)


def test_passes() -> None:
    print("printed inside")
    time.sleep(1000)


def test_fails() -> None:
    assert os.uname().release == "another"


@pytest.fixture
def broken() -> None:
    raise RuntimeError("a broken fixture")


def test_has_a_broken_fixture(broken: None) -> None:
    pass


def test_is_skipped() -> None:
    pytest.skip("not today")


@pytest.mark.xfail(reason="known", strict=True)
def test_is_expected_to_fail() -> None:
    raise AssertionError


@pytest.mark.parametrize("odd", ["a@b", "with space", "漢字"])
def test_has_an_odd_name(odd: str) -> None:
    assert odd


def test_spins() -> None:
    while True:
        pass


def test_after_the_spin() -> None:
    assert Path("/run/share/boots").read_text() == "1\n"


def test_takes_the_machine_down() -> None:
    ctypes.CDLL(None).reboot(0x4321FEDC)  # power off, at once


def test_after_the_fall() -> None:
    pass
