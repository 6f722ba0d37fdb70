"""Deliberate faults of the line interface, each with the measurement that has to notice it.

A netlist in, a faulty one out. That the tests pass on the right circuit says little until they fail on these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hw.circuit.figures import Figure
from hw.circuit.insulation import faults
from hw.circuit.measure_signals import dialling, ringing, speech
from hw.circuit.measure_sound import balance, crosstalk, load, notice, pick_up
from hw.circuit.measure_stress import barrier, surge
from hw.circuit.measure_voltage import hook_map, monte_carlo, thresholds, worst_case
from hw.circuit.netlist import Netlist, Part

Measure = Callable[[Netlist], list[Figure]]
Fault = Callable[[Netlist], Netlist]


def barrier_faults(netlist: Netlist) -> list[Figure]:
    """The graph test as a figure, so that a mutant can name it."""
    return [Figure("faults of the barrier", len(faults(netlist)), "", None, 0)]


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    fault: Fault
    caught_by: Measure


def swapped(ref: str, one: str, other: str) -> Fault:
    """Two pins of a part exchanged."""

    def fault(netlist: Netlist) -> Netlist:
        pins = netlist.parts[ref].pins
        return netlist.with_pins(ref, **{f"p{one}": str(pins[other]), f"p{other}": str(pins[one])})

    return fault


def moved(ref: str, pin: str, net: str) -> Fault:
    return lambda netlist: netlist.with_pins(ref, **{f"p{pin}": net})


def item(ref: str, name: str) -> Fault:
    return lambda netlist: netlist.with_item(ref, name)


def lost(*refs: str) -> Fault:
    def fault(netlist: Netlist) -> Netlist:
        for ref in refs:
            netlist = netlist.without(ref)
        return netlist

    return fault


def bridged(ref: str, like: str, one: str, other: str) -> Fault:
    """A part too many between two nets."""
    return lambda netlist: replace(netlist, parts={**netlist.parts, ref: Part(ref, like, {"1": one, "2": other})})


def both_contacts_bridged(netlist: Netlist) -> Netlist:
    """Of one alone the line notices nothing: the other contact still holds."""
    for ref, wire, inner in (("R150", "L1_PA", "L1_K1"), ("R151", "L1_PB", "L1_K2")):
        netlist = bridged(ref, "R 33", wire, inner)(netlist)
    return netlist


def too_low_for_24(netlist: Netlist) -> Netlist:
    """Nothing changes at 48 V; at 24 V a set far off is missed."""
    return netlist.with_item("R113", "R 3.9k").with_item("R114", "R 3.9k")


MUTANTS = (
    Mutant("the sense amplifier's inputs are exchanged", swapped("U101", "2", "3"), thresholds),
    Mutant("the hook comparator's inputs are exchanged", swapped("U102", "4", "5"), thresholds),
    Mutant("the ring comparator is on the hook threshold", moved("U102", "9", "L1_THHH"), thresholds),
    Mutant("one 10 Mohm is 1 kohm", item("R102", "R 1k"), barrier_faults),
    Mutant("one 10 Mohm is 1 kohm, seen on the line", item("R102", "R 1k"), thresholds),
    Mutant("a string is bridged", bridged("R150", "R 1k", "L1_PA", "L1_SP"), barrier_faults),
    Mutant("the hook divider is too high", item("R109", "R 17.4k"), worst_case),
    Mutant("one rung of the ladder is wrong", item("R110", "R 8.25k"), monte_carlo),
    Mutant("the sense filter is ten times too slow", item("C101", "C 100n"), dialling),
    Mutant("no sense filter", lost("C101", "C102"), dialling),
    Mutant("the jumpers are across nothing", lost("R113"), thresholds),
    Mutant("the jumpers' threshold is too low in the worst case", too_low_for_24, worst_case),
    Mutant("the measured voltage hangs on the threshold", moved("R131", "1", "L1_THHH"), hook_map),
    Mutant("a pick-up resistor of 680 ohm", item("R117", "R 680 pulse"), pick_up),
    Mutant("a pick-up capacitor of 4.7 nF", item("C107", "C 4.7n"), pick_up),
    Mutant("a pick-up capacitor to ground", moved("C107", "2", "GND"), barrier_faults),
    Mutant("a pick-up capacitor to ground, heard as hum", moved("C107", "2", "GND"), balance),
    Mutant("the gain resistor is ten times too small", item("R120", "R 33"), pick_up),
    Mutant("the notice winding's far end to a telephone wire", moved("T102", "4", "L1_B"), barrier_faults),
    Mutant("a photoMOS contact leads nowhere", moved("K101", "7", "L1_PA"), notice),
    Mutant("both photoMOS contacts are bridged", both_contacts_bridged, load),
    Mutant("no pull-down at the notice's gate", lost("R130"), barrier_faults),
    Mutant("the notice's gate hangs on the supply", moved("Q101", "1", "3V3"), load),
    Mutant("no clamp across the photoMOS contacts", lost("D105", "D106"), surge),
    Mutant("no thyristor", lost("D101"), surge),
    Mutant("no diodes behind the pick-up winding", lost("D102"), surge),
    Mutant("wire A is earthed through 1 kohm", bridged("R150", "R 1k", "L1_A", "GND"), barrier),
    Mutant("a wire of line 2 on line 1", moved("F202", "1", "L1_B"), barrier_faults),
    Mutant("the exchange's wires are exchanged with nothing", moved("J102", "3", "L1_A"), barrier_faults),
    Mutant("the pairs touch", bridged("C150", "C 10n", "L1_A", "L2_A"), barrier_faults),
    Mutant("the sound of line 2 comes in by line 1's supply", bridged("C150", "C 100n", "3V3A", "L1_T3"), crosstalk),
    Mutant("RING is pulled the wrong way", moved("R116", "1", "GND"), speech),
    Mutant("ringing cannot be seen", moved("U102", "11", "GND"), ringing),
)
