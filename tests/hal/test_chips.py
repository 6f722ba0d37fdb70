"""Which chip a pin is on: found by the chip's label and the lines' names, through the library that is named."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.errors import BoardError
from tsuwaroku.hal import chips
from tsuwaroku.hal.chips import Chips
from tsuwaroku.hal.hats import BoardPlan, Pin, resolve

LABELS = ["gpio-brcmstb", "pinctrl-rp1", "", "1-0020", "1-0021"]
LINES = [["", "RP1"], ["ID_SDA", "ID_SCL", "GPIO2"], [], ["HOOK1", "HOOK2", ""], ["INJ_EN1", ""]]


def plan(**board: object) -> BoardPlan:
    return resolve(Config(board=BoardConfig(**({"kind": "tsuwa2"} | board)), line=(LineConfig(id="1", port=1),)))  # type: ignore[arg-type]


class FakeLgpio(types.ModuleType):
    """The header's chip is the second; the third may not be opened; the others are expanders."""

    class error(Exception):
        pass

    def __init__(self, lines: list[list[str]] = LINES) -> None:
        super().__init__("lgpio")
        self.open: set[int] = set()
        self.names = lines

    def gpiochip_open(self, number: int) -> int:
        if number == 2:
            raise self.error("can not open gpiochip")
        self.open.add(number)
        return number

    def gpiochip_close(self, handle: int) -> None:
        self.open.remove(handle)

    def gpio_get_chip_info(self, handle: int) -> tuple[int, int, str, str]:
        return 0, len(self.names[handle]), f"gpiochip{handle}", LABELS[handle]

    def gpio_get_line_info(self, handle: int, line: int) -> tuple[int, int, int, bytes, bytes]:
        return 0, line, 0, self.names[handle][line].encode(), b""


def test_the_chip_is_found_by_its_label() -> None:
    lgpio = FakeLgpio()
    assert chips._chip_number(lgpio, ("pinctrl-bcm2711", "pinctrl-rp1"), (0, 1, 2)) == 1
    assert lgpio.open == set()
    with pytest.raises(BoardError) as caught:
        chips._chip_number(lgpio, ("pinctrl-bcm2711",), (0, 1, 2))
    assert caught.value.message == "no GPIO chip is labelled pinctrl-bcm2711"
    assert "chips present: gpio-brcmstb, pinctrl-rp1;" in caught.value.remedy
    assert "gpiochip2 cannot be opened" in caught.value.remedy


def test_lines_are_found_by_name_wherever_they_are() -> None:
    lgpio = FakeLgpio()
    names = ("INJ_EN1", "HOOK2", "HOOK1")
    assert chips._line_places(lgpio, names, range(5)) == {"INJ_EN1": (4, 0), "HOOK2": (3, 1), "HOOK1": (3, 0)}
    turned = FakeLgpio([LINES[3], LINES[4], [], LINES[0], LINES[1]])
    assert chips._line_places(turned, names, range(5)) == {"INJ_EN1": (1, 0), "HOOK2": (0, 1), "HOOK1": (0, 0)}
    assert lgpio.open == turned.open == set()


def test_a_line_that_is_missing_or_there_twice_is_told() -> None:
    lgpio = FakeLgpio()
    with pytest.raises(BoardError) as caught:
        chips._line_places(lgpio, ("HOOK1", "HOOK3", "BTN1_N"), range(5))
    assert caught.value.message == "no GPIO line is named HOOK3, BTN1_N"
    assert "overlay" in caught.value.remedy
    assert "gpiochip2 cannot be opened" in caught.value.remedy
    twice = FakeLgpio([*LINES[:4], ["HOOK2"]])
    with pytest.raises(BoardError) as caught:
        chips._line_places(twice, ("HOOK1", "HOOK2"), range(5))
    assert caught.value.message == "two GPIO lines are named HOOK2 (gpiochip3, gpiochip4)"
    assert lgpio.open == twice.open == set()


def test_a_pin_is_the_headers_or_the_expanders_whose_name_it_has() -> None:
    header, expander = MockFactory(), MockFactory()
    both = Chips(header, {"HOOK3": (expander, 2)})
    assert both.of(Pin(17)) == (header, 17)
    assert both.of(Pin("HOOK3", False)) == (expander, 2)
    header.pin(17)
    expander.pin(4)
    both.close()
    assert (header.pins, expander.pins) == ({}, {})


@pytest.mark.parametrize(("revision", "refused"), [(0xC04170, True), (0xC03111, False)])
def test_rpigpio_is_refused_on_a_pi_5(monkeypatch: pytest.MonkeyPatch, revision: int, refused: bool) -> None:
    import gpiozero.pins.local

    monkeypatch.setattr(gpiozero.pins.local, "get_pi_revision", lambda: revision)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.rpigpio", raising=False)
    monkeypatch.setitem(sys.modules, "RPi", None)  # not installed
    with pytest.raises(BoardError) as caught:
        chips.pin_factory(plan(pin_factory="rpigpio"))
    assert ("Raspberry Pi 5" in caught.value.message) == refused
    assert "lgpio" in caught.value.remedy


def test_lgpio_leaves_no_trace_and_no_other_library_is_tried(tmp_path: Path) -> None:
    """In a process of its own: the working directory, the environment and what was imported are the process's."""
    code = """
        import os, sys, warnings
        from pathlib import Path
        warnings.simplefilter("error")
        from tsuwaroku.config import BoardConfig, Config, LineConfig
        from tsuwaroku.errors import BoardError
        from tsuwaroku.hal import chips
        from tsuwaroku.hal.device import DeviceBoard
        chips._DEV = Path("/nonexistent")  # a machine without chips
        board = DeviceBoard(Config(board=BoardConfig(kind="tsuwa2"), line=(LineConfig(id="1", port=1),)))
        try:
            board.open()
        except BoardError as error:
            print(error.where, "|", error.message)
        import gpiozero
        print(gpiozero.Device.pin_factory, os.getcwd(), os.environ.get("LG_WD"), os.listdir("."))
        print(sorted(name for name in sys.modules if name in
              ("lgpio", "RPi.GPIO", "gpiozero.pins.rpigpio", "gpiozero.pins.native")))
        print([name for name in os.listdir(os.environ["TMPDIR"]) if "lgpio" in name])
    """
    scratch = tmp_path / "tmp"
    (tmp_path / "here").mkdir()
    scratch.mkdir()
    env = os.environ | {"TMPDIR": str(scratch)}
    env.pop("LG_WD", None)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path / "here",
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == [
        "board.gpio_chip | no GPIO chip is labelled pinctrl-rp1 or pinctrl-bcm2711 or pinctrl-bcm2835",
        f"None {tmp_path / 'here'} None []",
        "['lgpio']",
        "[]",
    ], done.stderr
