"""One board, said five times: driver, pin map, overlay, EEPROM and schematic agree, cell by cell.

The schematic is in it as the netlist that it compiles to now; without one (no `hw/circuit`) that is left out.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hw.eeprom import parse
from hw.tests.software.conftest import HW, PIS, Tree
from hw.tsuwa2 import pinmap as two
from hw.tsuwa8 import pinmap as eight
from tsuwaroku.hal.hats import HATS
from tsuwaroku.hal.hats.description import Hat

Trees = Callable[[str, str], Tree]
CONSOLE, ID_EEPROM, SECOND_SELECT = {14, 15}, {0, 1}, {7}
# Each pin of the driver's description: the net it is on, as the pin map calls it.
TWO = {
    "system": "LED_ERR",
    (1, "hook"): "HOOK1",
    (1, "ring"): "RING1_N",
    (1, "lamp"): "LED_REC",
    (1, "button"): "BTN_N",
    (2, "hook"): "HOOK2",
    (2, "ring"): "RING2_N",
    (2, "lamp"): "LED_REC2",
    (2, "button"): "BTN2_N",
    (1, "speak"): "INJ_EN1",
    (2, "speak"): "INJ_EN2",
}
EIGHT = {"system": "LED_ERR"} | {
    (n, what): net.format(n)
    for n in eight.LINES
    for what, net in {
        "hook": "HOOK{}",
        "ring": "RING{}_N",
        "lamp": "LED_REC{}",
        "button": "BTN{}_N",
        "speak": "INJ_EN{}",
    }.items()
}
INPUTS = ("hook", "ring", "button")


def described(hat: Hat) -> dict[Any, str]:
    """Every pin that a description gives: (port, what) → as it is written there."""
    found: dict[Any, str] = {"system": hat.system_lamp}
    for n, port in enumerate(hat.ports, 1):
        found |= {(n, what): getattr(port, what) for what in ("hook", "ring", "lamp", "button", "speak")}
    return found


def buses(rows: list[two.Row]) -> set[int]:
    return {row.bcm for row in rows if re.match(r"I2C|SPI|I2S", row.net)}


def test_tsuwa2_driver_and_pin_map() -> None:
    """Number, polarity and direction of every pin; and what the driver keeps its hands off is what the board needs."""
    rows = {row.net: row for row in [*two.PINS, *two.PANEL]}
    assert len(rows) == len({row.bcm for row in rows.values()}) == len(two.PINS) + len(two.PANEL)
    hat = HATS["tsuwa2"]
    assert described(hat) == {
        place: ("!" if rows[net].net.endswith("_N") else "") + str(rows[net].bcm) for place, net in TWO.items()
    }
    used = set(TWO.values())
    assert {net for net, row in rows.items() if row.bcm not in buses(two.PINS)} == used
    for place, net in TWO.items():
        inward = place != "system" and place[1] in INPUTS
        assert rows[net].direction == ("in" if inward else "out")
        # Idle: an input as it rests, an output as it must be until software speaks.
        assert rows[net].idle == (1 if net.endswith("_N") else 0)
        assert inward or rows[net].bcm > 8
    assert hat.reserved == buses(two.PINS) | CONSOLE | ID_EEPROM | SECOND_SELECT
    assert hat.channels == len(two.AUDIO) == len(hat.ports) == len(two.VSENSE)
    assert {n: f"VS{n + 1}" for n in range(len(hat.ports))} == two.VSENSE


def test_tsuwa8_driver_and_pin_map() -> None:
    """Every pin of a line is on an expander, by the net's own name, once; each expander pin is in use."""
    hat = HATS["tsuwa8"]
    rows = {row.net: row for row in eight.PINS}
    nets = [net for expander in eight.EXPANDERS.values() for net in expander.nets]
    assert len(nets) == len(set(nets)) == 5 * len(eight.LINES)
    expected = {place: ("!" if net.endswith("_N") else "") + net for place, net in EIGHT.items()}
    assert described(hat) == expected | {"system": str(rows["LED_ERR"].bcm)}
    assert set(nets) == set(EIGHT.values()) - {"LED_ERR"}
    interrupts = {rows[expander.interrupt].bcm for expander in eight.EXPANDERS.values() if expander.interrupt}
    lanes = set(range(18, 28))
    assert hat.reserved == buses(eight.PINS) | CONSOLE | ID_EEPROM | SECOND_SELECT | interrupts | lanes
    assert not {row.bcm for row in eight.PINS} & lanes
    assert hat.channels == len(hat.ports) == len(eight.LINES) == len(eight.VSENSE)
    assert {n: f"VS{n + 1}" for n in range(len(hat.ports))} == eight.VSENSE


def test_an_input_of_tsuwa8_tells_when_it_changes_and_is_not_on_a_pin_that_is_an_output_only() -> None:
    for expander in eight.EXPANDERS.values():
        for pin, net in enumerate(expander.nets):
            if net.startswith(("HOOK", "RING", "BTN")):
                assert expander.interrupt
                assert (expander.part, pin % 8 == 7) == ("MCP23017", False), net


@pytest.mark.parametrize("pi", PIS)
def test_tsuwa2_overlay_and_pin_map(trees: Trees, pi: str) -> None:
    tree, hat = trees(pi, "tsuwa2"), HATS["tsuwa2"]
    i2c = tree.labelled("i2c1")
    found = {
        tree.cells(f"{i2c}/{node}", "reg")[0]: tree.text(f"{i2c}/{node}", "compatible") for node in tree.nodes(i2c)
    }
    assert found == {0x1A: "ti,tlv320aic23"}
    assert set(two.I2C) == {0x1A}
    assert tree.cells("/tsuwa2-mclk", "clock-frequency") == [two.MCLK_HZ]
    name = tree.text("/tsuwa2-sound", "simple-audio-card,name")
    assert (hat.capture, hat.playback) == (f"plughw:CARD={name}", f"plughw:CARD={name}")
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,14}", name)  # what ALSA takes as a card's id, unchanged
    # The frame that the tree's slots make of the codec's bit clock is the rate the driver reads the card at.
    slots = tree.cells("/tsuwa2-sound/simple-audio-card,cpu", "dai-tdm-slot-width")[0] * 2
    assert hat.card_rate == two.MCLK_HZ // 4 // slots


@pytest.mark.parametrize("pi", PIS)
def test_tsuwa8_overlay_and_pin_map(trees: Trees, pi: str) -> None:
    tree = trees(pi, "tsuwa8")
    i2c, rows = tree.labelled("i2c1"), {row.net: row for row in eight.PINS}
    found: dict[int, tuple[str, list[int], list[str], bool]] = {}
    for node in tree.nodes(i2c):
        path = f"{i2c}/{node}"
        names = tree.names(path)
        interrupt = tree.cells(path, "interrupts") if "interrupts" in names else []
        if interrupt:
            assert tree.cells(path, "interrupt-parent") == tree.handle(tree.labelled("gpio"))
        found[tree.cells(path, "reg")[0]] = (
            tree.text(path, "compatible"),
            interrupt,
            tree.strings(path, "gpio-line-names"),
            "microchip,irq-mirror" in names,
        )
    level_low = 8
    assert found == {
        one.address: (
            f"microchip,{one.part.lower()}",
            [rows[one.interrupt].bcm, level_low] if one.interrupt else [],
            list(one.nets),
            bool(one.interrupt),
        )
        for one in eight.EXPANDERS.values()
    }
    assert all(rows[one.interrupt].net.endswith("_N") for one in eight.EXPANDERS.values() if one.interrupt)


@pytest.mark.parametrize("board", ["tsuwa2", "tsuwa8"])
def test_the_voltage_adc_is_the_one_the_driver_looks_for(trees: Trees, board: str) -> None:
    """The kernel names it by its part; the driver's scale is the schematic's divider."""
    tree, hat = trees("pi4", board), HATS[board]
    part = tree.text(f"{tree.labelled('spi0')}/adc@0", "compatible")
    assert part == f"microchip,{hat.meter}"
    assert hat.sense_gain == two.SENSE_GAIN == eight.SENSE_GAIN
    assert eight.ADC.lower() == hat.meter


def test_eeprom_overlay_and_names() -> None:
    """The EEPROM names the overlay, by the file the firmware will look for; each file is under the board's own name."""
    said = parse((HW / "tsuwa2/eeprom.txt").read_text(encoding="utf-8"))
    assert said.dt_blob == "tsuwa2"
    assert (HW / said.dt_blob / f"{said.dt_blob}-overlay.dts").is_file()
    assert said.product.split()[0] == HATS["tsuwa2"].name
    for board, channels in (("tsuwa2", len(two.AUDIO)), ("tsuwa8", len(eight.LINES))):
        text = (HW / board / "asound.conf").read_text(encoding="utf-8")
        cards = set(re.findall(r"^ +card (\w+)", text, re.M))
        assert {f"plughw:CARD={card}" for card in cards} == {HATS[board].capture}
        assert re.findall(r"^pcm\.line(\d)", text, re.M) == [str(n + 1) for n in range(channels)]


@pytest.fixture(scope="module")
def netlists(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, str | None]]]:
    """Board → reference → pin → net, of the schematics as they compile now."""
    if not (HW / "circuit/build.py").is_file():
        pytest.skip("there is no schematic yet (hw/circuit)")
    folder = tmp_path_factory.mktemp("nets")
    subprocess.run([sys.executable, "-m", "hw.circuit.build", folder], cwd=HW.parent, check=True, timeout=120)
    return {
        path.stem: {ref: part["pins"] for ref, part in json.loads(path.read_text())["parts"].items()}
        for path in Path(folder).glob("*.json")
    }


Nets = dict[str, dict[str, dict[str, str | None]]]


def headers(parts: dict[str, dict[str, str | None]], pins: int) -> list[dict[str, str | None]]:
    return [nets for ref, nets in sorted(parts.items()) if ref.startswith("J") and len(nets) == pins]


@pytest.mark.parametrize(("board", "rows"), [("tsuwa2", two.PINS), ("tsuwa8-carrier", eight.PINS)])
def test_schematic_header_and_pin_map(netlists: Nets, board: str, rows: list[two.Row]) -> None:
    (header,) = headers(netlists[board], 40)
    supplies = {"3V3", "5V", "GND", "ID_SD", "ID_SC", None}
    found = {int(pin): net for pin, net in header.items() if net not in supplies}
    assert found == {two.HEADER[row.bcm]: row.net for row in rows}


def test_schematic_parts_and_pin_map(netlists: Nets) -> None:
    """Codec, ADC and expanders by what their pins are on: each net of the maps, each address strap."""
    codec = next(pins for pins in netlists["tsuwa2"].values() if pins.get("25") == "MCLK")
    left_in, right_in, left_out, right_out = (codec[pin] for pin in ("20", "19", "9", "10"))
    assert {0: (left_in, left_out), 1: (right_in, right_out)} == two.AUDIO
    for board, channels in (("tsuwa2", two.VSENSE), ("tsuwa8-carrier", eight.VSENSE)):
        adc = next(pins for pins in netlists[board].values() if pins.get("10") == "SPI0_CE0" and len(pins) == 16)
        found = {n: adc[str(n + 1)] for n in range(8)}
        assert found == {n: channels.get(n, "GND") for n in range(8)}
    for expander in eight.EXPANDERS.values():
        outputs, straps = {
            "MCP23017": ([*range(21, 29), *range(1, 9)], ("15", "16", "17")),
            "MCP23008": ([*range(10, 18)], ("5", "4", "3")),
        }[expander.part]
        (chip,) = [
            pins
            for ref, pins in netlists["tsuwa8-carrier"].items()
            if ref.startswith("U") and tuple(pins.get(str(pin)) for pin in outputs) == expander.nets
        ]
        address = sum((chip[strap] == "3V3") << bit for bit, strap in enumerate(straps))
        assert 0x20 | address == expander.address
        if expander.interrupt:
            assert chip["20"] == expander.interrupt


def test_schematic_ribbons_and_pin_map(netlists: Nets) -> None:
    def nets(header: dict[str, str | None]) -> tuple[str | None, ...]:
        return tuple(header[str(pin)] for pin in range(1, 21))

    (own,) = headers(netlists["tsuwa8-line"], 20)
    assert nets(own) == eight.IDC
    ribbons = headers(netlists["tsuwa8-carrier"], 20)
    assert len(ribbons) == len(eight.LINES) // 2
    for board, ribbon in enumerate(ribbons):
        assert nets(ribbon) == tuple(on_carrier(net, board) for net in eight.IDC)


def on_carrier(net: str, board: int) -> str:
    """A net of a line board's own line 1 or 2, as the carrier calls it."""
    match = re.match(r"(HOOK|RING|INJ_EN|VS|ADC_IN|DAC_OUT)([12])", net)
    return net if match is None else f"{match[1]}{2 * board + int(match[2])}{net[match.end() :]}"
