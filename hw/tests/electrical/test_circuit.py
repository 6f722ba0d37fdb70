"""The netlists: rule check, the tables of pins, and that every line is the same line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hw.circuit.catalogue import CATALOGUE
from hw.circuit.netlist import Netlist, Part, hundred
from hw.tsuwa2 import pinmap as two
from hw.tsuwa8 import pinmap as eight

ROOT = Path(__file__).resolve().parents[3]
HEADER_POWER = {1: "3V3", 17: "3V3", 2: "5V", 4: "5V", **dict.fromkeys((6, 9, 14, 20, 25, 30, 34, 39), "GND")}
PULLED_UP_AT_RESET = range(9)


@pytest.mark.parametrize("name", ["tsuwa2", "tsuwa8-line", "tsuwa8-carrier"])
def test_the_rule_check_has_nothing_to_say(boards: dict[str, Netlist], name: str) -> None:
    assert boards[name].complaints == ()
    assert len(boards[name].parts) > 50


FAULTY = """
import sys
from pathlib import Path
from hw.circuit.sheet import Sheet
sheet = Sheet("faulty")
sheet.add("oscillator", "Y1", "3V3", "GND", "CLOCK", "3V3")
sheet.add("oscillator", "Y2", "3V3", "GND", "CLOCK", "3V3")
print(sheet.finish(Path(sys.argv[1])).complaints)
"""


def test_the_rule_check_sees_two_outputs_on_one_net(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAULTY, tmp_path],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    errors = re.search(r"\('(\d+) errors", done.stdout)
    assert errors is not None
    assert int(errors[1]) > 0


SYMBOLS = Path("/usr/share/kicad/symbols")
# Catalogue entry → KiCad's symbol of the same part, or of one with the same pins (the last three).
SYMBOL_OF = {
    "codec": "Audio:TLV320AIC23BPW",
    "voltage ADC": "Analog_ADC:MCP3208",
    "EEPROM": "Memory_EEPROM:24LC32",
    "oscillator": "Oscillator:ASE-xxxMHz",
    "expander 16": "Interface_Expansion:MCP23017_SO",
    "expander 8": "Interface_Expansion:MCP23008-xSO",
    "quad op-amp": "Amplifier_Operational:TLV9064",
    "BAT54S": "Diode:BAT54S",
    "BSS138": "Transistor_FET:BSS138",
    "photoMOS": "Relay_SolidState:TLP222A-2",
    "quad comparator": "Comparator:LM339",
}


def symbol_pins(library: str, name: str) -> dict[str, str]:
    """Pin number → name of a KiCad symbol."""
    text = (SYMBOLS / f"{library}.kicad_sym").read_text(encoding="utf-8")
    found = re.search(
        rf'\n[ \t]+\(symbol "{re.escape(name)}"(.*?)(?=\n[ \t]+\(symbol "[^"]+"\s*\((?:extends|pin_|in_bom)|\Z)',
        text,
        re.S,
    )
    assert found is not None, name
    if parent := re.search(r'\(extends "([^"]+)"', found[1]):
        return symbol_pins(library, parent[1])
    return {number: pin for pin, number in re.findall(r'\(name "([^"]*)".*?\(number "([^"]+)"', found[1], re.S)}


def plain(name: str) -> str:
    """A pin's name without the two libraries' manners: ~{CS}/SHDN and CS, SCK and SCL of an I2C part, NC1."""
    word = re.sub(r"[~{}]", "", name).split("/")[0].upper()
    return {"SCK": "SCL", "NC1": "NC", "NC2": "NC"}.get(word, word)


@pytest.mark.parametrize("item", SYMBOL_OF)
def test_pins_are_those_of_kicads_symbol(item: str) -> None:
    """An independent source for the pin-outs; a unit's unnamed or signed pins (+, -) are compared by sign."""
    theirs = symbol_pins(*SYMBOL_OF[item].split(":"))
    ours = {number: name for number, name, _ in CATALOGUE[item].pins}
    assert set(theirs) == set(ours)
    for number, name in ours.items():
        if theirs[number] in ("+", "-"):
            assert name[0] == theirs[number], number
        elif theirs[number] != "~":
            assert plain(name) == plain(theirs[number]), number


def header(rows: list[two.Row], also: dict[int, str]) -> dict[str, str | None]:
    """What each pin of the Pi's header has to be on."""
    used = {two.HEADER[row.bcm]: row.net for row in rows} | also | HEADER_POWER
    return {str(pin): used.get(pin) for pin in range(1, 41)}


def test_the_header_is_the_table_of_pins_cell_by_cell(boards: dict[str, Netlist]) -> None:
    assert boards["tsuwa2"].parts["J1"].pins == header(two.PINS, {27: "ID_SD", 28: "ID_SC"})
    assert boards["tsuwa8-carrier"].parts["J1"].pins == header(eight.PINS, {})


def test_the_panel_pins_of_line_2_are_free_on_the_board(boards: dict[str, Netlist]) -> None:
    pins = boards["tsuwa2"].parts["J1"].pins
    assert [pins[str(two.HEADER[row.bcm])] for row in two.PANEL] == [None] * len(two.PANEL)


def test_nothing_that_must_be_off_at_reset_is_pulled_up_then() -> None:
    outputs = [row for row in (*two.PINS, *two.PANEL, *eight.PINS) if row.direction == "out" and row.idle == 0]
    wrong = [row.net for row in outputs if row.bcm in PULLED_UP_AT_RESET]
    assert [net for net in wrong if not net.startswith("SPI0")] == []


def test_adc_and_codec_are_wired_as_their_tables_say(boards: dict[str, Netlist]) -> None:
    for name, ref, table in (("tsuwa2", "U3", two.VSENSE), ("tsuwa8-carrier", "U4", eight.VSENSE)):
        pins = boards[name].parts[ref].pins
        assert [pins[str(channel + 1)] for channel in range(8)] == [table.get(c, "GND") for c in range(8)]
    codec = boards["tsuwa2"].parts["U2"].pins
    assert {0: (codec["20"], codec["9"]), 1: (codec["19"], codec["10"])} == two.AUDIO  # left is channel 0


def named(board: Netlist, ref: str) -> dict[str, str | None]:
    """Pin name → net."""
    part = board.parts[ref]
    return {name: part.pins[number] for number, name, _ in part.about.pins}


def test_every_expander_pin_is_the_net_of_its_table(boards: dict[str, Netlist]) -> None:
    board = boards["tsuwa8-carrier"]
    for ref, expander in zip(("U1", "U2", "U3"), eight.EXPANDERS.values(), strict=True):
        pins = named(board, ref)
        ports = ("GPA", "GPB") if expander.part == "MCP23017" else ("GP",)
        assert board.parts[ref].about.value == expander.part
        assert tuple(pins[f"{port}{bit}"] for port in ports for bit in range(8)) == expander.nets
        address = sum((pins[f"A{bit}"] == "3V3") << bit for bit in range(3))
        assert 0x20 | address == expander.address
        assert pins.get("INTA") == (expander.interrupt or None)
        assert (pins["SCL"], pins["SDA"], pins["RESET"]) == ("I2C1_SCL", "I2C1_SDA", "3V3")


def test_each_line_board_meets_its_own_lines_on_the_carrier(boards: dict[str, Netlist]) -> None:
    """Pin by pin of the four ribbons: signal k of line 1 or 2 on the board is that of line 2b+1 or 2b+2 beyond."""
    carrier, ribbon = boards["tsuwa8-carrier"], boards["tsuwa8-line"].parts["J1"].pins
    assert tuple(ribbon.values()) == eight.IDC
    for b in range(4):
        far = carrier.parts[f"J{2 + b}"].pins
        for pin, net in ribbon.items():
            assert net is not None
            own = re.fullmatch(r"(HOOK|RING|INJ_EN|VS|ADC_IN|DAC_OUT)([12])(_N)?", net)
            assert far[pin] == (f"{own[1]}{2 * b + int(own[2])}{own[3] or ''}" if own else net)


def shape(netlist: Netlist, n: int) -> dict[str, tuple[str, tuple[tuple[str, str | None], ...]]]:
    """Line n with its number taken out of references and nets."""

    def plain(net: str | None) -> str | None:
        return net and re.sub(rf"^(L|HOOK|RING|INJ_EN|VS|ADC_IN|DAC_OUT){n}(?=_|$)", r"\1n", net)

    def key(part: Part) -> str:
        letters = part.ref.rstrip("0123456789")
        return f"{letters}{int(part.ref[len(letters) :]) % 100}"

    return {
        key(part): (part.item, tuple((pin, plain(net)) for pin, net in part.pins.items()))
        for part in netlist.line(n).values()
    }


def test_every_line_of_every_board_is_the_line_that_is_measured(boards: dict[str, Netlist]) -> None:
    first = shape(boards["tsuwa2"], 1)
    assert len(first) > 55
    assert shape(boards["tsuwa2"], 2) == shape(boards["tsuwa8-line"], 1) == shape(boards["tsuwa8-line"], 2) == first
    assert {hundred(ref) for ref in boards["tsuwa8-carrier"].parts} == {0}, "no line on the carrier"


def test_every_supply_pin_of_a_chip_has_its_capacitor(boards: dict[str, Netlist]) -> None:
    """As many 100 nF on a supply as chips are fed from it."""
    for board in boards.values():
        for supply in ("3V3", "3V3A"):
            fed = [p for p in board.parts.values() if p.about.prefix in "UY" and supply in p.pins.values()]
            beside = [p for p in board.parts.values() if p.item == "C 100n" and supply in p.pins.values()]
            assert len(beside) >= len([p for p in fed if p.pins[_supply_pin(p)] == supply]), (board.name, supply)


def _supply_pin(part: Part) -> str:
    names = ("VDD", "VCC", "V+", "AVDD")
    return next(number for number, name, _ in part.about.pins if name in names)


def test_without_its_ribbon_a_line_reads_dead_and_nothing_floats(boards: dict[str, Netlist]) -> None:
    """Each contact is pulled to 3V3 on the carrier too; each lamp, and each notice's gate on its board, to ground."""
    carrier, board = boards["tsuwa8-carrier"], boards["tsuwa8-line"]

    def pulls(netlist: Netlist, net: str, to: str) -> bool:
        return any(p.about.prefix == "R" and {net, to} == set(p.pins.values()) for p in netlist.parts.values())

    up = [f"HOOK{n}" for n in eight.LINES] + [f"RING{n}_N" for n in eight.LINES] + [f"BTN{n}_N" for n in eight.LINES]
    assert [net for net in up if not pulls(carrier, net, "3V3")] == []
    assert [n for n in eight.LINES if not pulls(carrier, f"LED_REC{n}", "GND")] == []
    assert [n for n in (1, 2) if not pulls(board, f"L{n}_G", "GND")] == []


def test_a_part_twice_or_under_a_wrong_reference_is_refused(tmp_path: Path) -> None:
    script = (
        "from hw.circuit.sheet import Sheet\nfor refs in (('R1', 'R1'), ('C1',)):\n    sheet = Sheet('x')\n    try:\n"
        "        [sheet.add('R 10k', ref, 'A', 'B') for ref in refs]\n"
        "    except ValueError as error:\n        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["x has two parts R1", "C1 is no reference for R 10k: R…"]
