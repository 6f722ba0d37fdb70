"""What is ordered: nothing undefined, a second source where safety hangs on a part, and the lists in the repository."""

from __future__ import annotations

import csv
import io
import re

import pytest

from hw.circuit import bom
from hw.circuit.catalogue import CATALOGUE
from hw.circuit.insulation import CROSSING, RESISTOR_VOLTS, SURGE_VOLTS, WITHSTAND
from hw.circuit.make import MADE
from hw.circuit.netlist import Netlist
from hw.circuit.spice import nominal

UNDEFINED = re.compile(r"\?|TBD|TODO|n/a|^-?$", re.I)
BOARDS = ("tsuwa2", "tsuwa8-line", "tsuwa8-carrier")


@pytest.mark.parametrize("name", BOARDS)
def test_every_row_says_what_to_order(boards: dict[str, Netlist], name: str) -> None:
    needed = ("quantity", "references", "value", "maker", "number", "rating", "footprint")
    for row in bom.rows(boards[name]):
        assert [column for column in needed if UNDEFINED.search(row[column])] == [], row
        assert float(row[bom.PRICE]) > 0


@pytest.mark.parametrize("name", BOARDS)
def test_every_part_is_in_the_list_once(boards: dict[str, Netlist], name: str) -> None:
    refs = [ref for row in bom.rows(boards[name]) for ref in row["references"].split()]
    bridges = {ref for ref, part in boards[name].parts.items() if part.item == "jumper"}
    assert sorted(refs) == sorted(set(boards[name].parts) - bridges)
    assert sum(int(row["quantity"]) for row in bom.rows(boards[name])) == len(refs)


def test_every_part_that_safety_hangs_on_has_a_second_source() -> None:
    assert [key for key, about in CATALOGUE.items() if bool(about.safety) != bool(about.second)] == []
    same = [key for key, about in CATALOGUE.items() if about.second and about.second.startswith(about.maker)]
    assert same == ["transformer"], "the one that has no second maker, as its entry says"


def test_what_crosses_or_guards_the_barrier_counts_as_safety(boards: dict[str, Netlist]) -> None:
    """Every part that touches the telephone's side, but for the jacks, is a part that safety hangs on."""
    for name in ("tsuwa2", "tsuwa8-line"):
        tapped = {
            part.item
            for part in boards[name].parts.values()
            if any(
                net.split("_")[-1] in ("PA", "PB", "K1", "K2", "J1", "J2", "Q1", "Q2") and net.startswith("L")
                for net in part.nets()
            )
        }
        assert {item for item in tapped | set(CROSSING) if not CATALOGUE[item].safety} == set()


def test_ratings_are_above_what_the_insulation_takes_for_granted() -> None:
    assert min(WITHSTAND.values()) > 1.4 * SURGE_VOLTS / 2**0.5
    assert RESISTOR_VOLTS > SURGE_VOLTS
    assert f"{RESISTOR_VOLTS} V" in CATALOGUE["R 10M HV"].rating
    assert "5 kV" in CATALOGUE["photoMOS"].rating
    assert f"{WITHSTAND['transformer'] / 1000:.2f} kV" in CATALOGUE["transformer"].second


def test_every_simulated_value_is_a_number(boards: dict[str, Netlist]) -> None:
    passive = [p for b in boards.values() for p in b.parts.values() if p.about.prefix in ("R", "C", "F", "JP")]
    assert min(nominal(part) for part in passive) > 0
    assert [part.ref for part in passive if part.about.prefix in "RC" and not part.about.tolerance] == []


def test_maker_numbers_carry_the_value_they_are_ordered_for() -> None:
    """Yageo writes 8.25k as 8K25, Murata 4.7 nF as 472: a value changed without its number would be ordered wrong."""
    for key, about in CATALOGUE.items():
        if about.maker == "Yageo":
            code = about.number.removeprefix("RC0603FR-07").removesuffix("L")
            letter = re.search(r"[RKM]", code)
            assert letter is not None
            ohms = float(code.replace(letter[0], ".")) * {"R": 1, "K": 1e3, "M": 1e6}[letter[0]]
            assert ohms == pytest.approx(_number(about.value)), key
        if about.maker == "Murata" and about.prefix == "C":
            digits = re.search(r"(\d)(\d)(\d)[JKM]", about.number[10:])
            assert digits is not None
            assert float(f"{digits[1]}{digits[2]}e{digits[3]}") * 1e-12 == pytest.approx(_number(about.value)), key


def _number(value: str) -> float:
    found = re.fullmatch(r"([\d.]+)([pnukM]?)", value)
    assert found is not None
    return float(found[1]) * {"p": 1e-12, "n": 1e-9, "u": 1e-6, "k": 1e3, "M": 1e6, "": 1}[found[2]]


@pytest.mark.parametrize("name", BOARDS)
def test_the_list_in_the_repository_is_the_circuits(boards: dict[str, Netlist], name: str) -> None:
    text = (MADE[name] / f"{name}-bom.csv").read_text(encoding="utf-8")
    assert text == bom.as_csv(boards[name]), "make -C hw made"
    assert len(list(csv.DictReader(io.StringIO(text)))) == len(bom.rows(boards[name]))


def test_a_line_of_eight_costs_what_its_parts_do(boards: dict[str, Netlist]) -> None:
    costs = bom.costs(boards)
    assert {name: lines for name, (lines, _) in costs.items()} == {"tsuwa2": 2, "tsuwa8": 8}
    assert costs["tsuwa2"][1] > bom.parts_yen(boards["tsuwa2"])
    assert costs["tsuwa8"][1] > 4 * bom.parts_yen(boards["tsuwa8-line"]) + bom.parts_yen(boards["tsuwa8-carrier"])
