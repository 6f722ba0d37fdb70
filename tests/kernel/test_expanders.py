"""The board tsuwa8 on the kernel's own chips: a header and three expanders, whose lines it finds by their names."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.kernel.header import Header
from tests.kernel.test_pins import contacts, told
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.errors import BoardError
from tsuwaroku.events import ContactEdge
from tsuwaroku.hal.board import SYSTEM_LAMP, Lamp
from tsuwaroku.hal.device import DeviceBoard

pytestmark = [pytest.mark.slow, pytest.mark.kernel]
MS = 1_000_000
EIGHT = range(1, 9)
NAMES = {
    "sense": [*(f"HOOK{n}" for n in EIGHT), *(f"RING{n}_N" for n in EIGHT)],
    "inject": [f"INJ_EN{n}" for n in EIGHT],
    "panel": [*(f"LED_REC{n}" for n in EIGHT), *(f"BTN{n}_N" for n in EIGHT)],
}


class Wiring:
    """Every line on-hook, silent and released, whichever chip comes first."""

    def __init__(self, order: list[str]) -> None:
        self.chips: dict[str, Header] = {}
        for name in order:
            if name == "header":
                self.chips[name] = Header()
            else:
                self.chips[name] = Header(label=f"1-{name}", name=name, names=NAMES[name])
        self.place = {line: (chip, n) for chip, lines in NAMES.items() for n, line in enumerate(lines)}
        for line in self.place:
            if line.endswith("_N"):
                self.drive(line, True)

    def drive(self, line: str, high: bool) -> None:
        chip, offset = self.place[line]
        self.chips[chip].drive(offset, high)

    def level(self, line: str) -> bool:
        chip, offset = self.place[line]
        return self.chips[chip].level(offset)

    def close(self) -> None:
        for chip in self.chips.values():
            chip.close()


@pytest.fixture(params=[["header", "sense", "inject", "panel"], ["panel", "inject", "header", "sense"]])
def wiring(request: pytest.FixtureRequest) -> Iterator[Wiring]:
    made = Wiring(request.param)
    yield made
    made.close()


def board() -> DeviceBoard:
    lines = tuple(LineConfig(id=str(n), port=n) for n in (1, 2))
    return DeviceBoard(Config(board=BoardConfig(kind="tsuwa8", meter="none", capture="tsuwa2", channels=2), line=lines))


def test_contacts_buttons_lamps_and_paths_of_expanders(wiring: Wiring) -> None:
    """Offsets 0 to 3 of each chip are the same numbers as the header's own: none may be taken for another."""
    eight = board()
    eight.open()
    assert contacts(told(eight, 0.1)) == [(n, what, False) for n in "12" for what in ("hook", "ring")]
    before = time.monotonic_ns()
    wiring.drive("HOOK1", True)
    events = told(eight, 0.1)
    assert contacts(events) == [("1", "hook", True)]
    (edge,) = [event for event in events if isinstance(event, ContactEdge)]
    assert 0 <= edge.mono_ns - before < 5 * MS
    wiring.drive("RING2_N", False)
    wiring.drive("BTN2_N", False)
    assert sorted(contacts(told(eight, 0.1))) == [("2", "button", True), ("2", "ring", True)]
    eight.show("1", Lamp.LIT)
    eight.show(SYSTEM_LAMP, Lamp.LIT)
    told(eight, 0.3)
    lit = [line for line in NAMES["panel"] if line.startswith("LED") and wiring.level(line)]
    assert (lit, wiring.chips["header"].level(16)) == (["LED_REC1"], True)
    assert not any(wiring.level(line) for line in NAMES["inject"])
    eight.close()
    assert not wiring.level("LED_REC1")
    again = board()
    again.open()
    assert ("1", "hook", True) in contacts(told(again, 0.1))
    again.close()


def test_an_expander_that_does_not_answer_is_told_by_its_lines() -> None:
    wiring = Wiring(["header", "sense", "panel"])
    eight = board()
    with pytest.raises(BoardError) as caught:
        eight.open()
    assert caught.value.message == "no GPIO line is named INJ_EN1, INJ_EN2"
    assert "overlay" in caught.value.remedy
    eight.close()
    wiring.close()
