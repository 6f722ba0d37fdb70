"""The contract through RPi.GPIO's pin factory. In a machine of its own: pin libraries are one to a process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import test_board
from tests.contract.bench import RpiGpioRig
from tests.contract.rigs import Rig
from tests.contract.test_board import run as run

pytestmark = [pytest.mark.slow, pytest.mark.kernel]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run from an empty folder, as a service is from one where it may not write."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("empty"))
    try:
        with RpiGpioRig(tmp_path_factory.mktemp("rpigpio")) as made:
            yield made
    finally:
        os.chdir(before)


globals().update({name: test for name, test in vars(test_board).items() if name.startswith("test_")})


def test_the_next_board_of_the_process_hears_its_contacts_too(rig: Rig) -> None:
    test_board.test_every_edge_is_told_once_with_its_own_time(rig.run())


def test_it_was_that_library_and_it_left_nothing_lying_about(rig: Rig) -> None:
    """The module RPi.GPIO may be one over lgpio, which makes a pipe where it is imported."""
    board = rig.make()
    board.open()
    board.close()
    assert sorted(name for name in sys.modules if name.startswith(("RPi", "gpiozero.pins.l", "gpiozero.pins.r"))) == [
        "RPi",
        "RPi.GPIO",
        "gpiozero.pins.local",
        "gpiozero.pins.rpigpio",
    ]
    assert list(Path.cwd().iterdir()) == []
